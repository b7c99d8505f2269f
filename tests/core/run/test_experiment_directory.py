"""The run directory: who is at work in it, and who was."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import magdi
from magdi.core.config.models import RunConfig
from magdi.core.errors import LimitReached, MagdiError, RunDirectoryError, StorageError
from magdi.core.run.directory import RunDirectory, deciding
from magdi.core.run.own_files import LOCK, remove_written
from magdi.plugins.runs.finding import find_runs, open_run
from magdi.plugins.runs.result import document
from tests.core.run.run_directories import opened_run

AT_WORK = """
import sys
from pathlib import Path
from magdi.core.run.directory import RunDirectory
directory = RunDirectory(Path(sys.argv[1]))
with directory.lock():
    directory.update(status="running")
    print("at work", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return opened_run(tmp_path / "run", RunConfig())


def test_a_killed_run_is_told_from_one_at_work(directory: RunDirectory) -> None:
    assert directory.status == "not started"
    with subprocess.Popen(
        [sys.executable, "-c", AT_WORK, str(directory.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"at work\n"
        assert document(directory)["status"] == "running"
        worker.kill()
    assert directory.state()["status"] == "running", "it had no time to write anything down"
    assert document(directory)["status"] == "stopped"


def test_a_run_whose_end_was_written_down_is_what_it_says(directory: RunDirectory) -> None:
    directory.update(status="interrupted")
    assert directory.status == "interrupted"


def test_who_only_looks_keeps_nobody_out(directory: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magdi.core.run.lock.GLANCE", 600.0)  # however long a thread takes to come that far here
    begun, entered = threading.Event(), threading.Event()

    def enter() -> None:
        begun.set()
        with directory.lock():
            entered.set()

    with FileLock(directory.path / LOCK):
        thread = threading.Thread(target=enter)
        thread.start()
        begun.wait()
        assert not entered.is_set()
    thread.join()
    assert entered.is_set()


def test_who_is_at_work_is_named(directory: RunDirectory) -> None:
    directory.update(status="running", process=4321, host="elsewhere")
    named = r"is at work in .* \(process 4321 on elsewhere\)"
    with directory.lock(), pytest.raises(RunDirectoryError, match=named), directory.lock():
        pass
    directory.update(status="stopped")
    with directory.lock(), pytest.raises(RunDirectoryError) as caught, directory.lock():
        pass
    assert "4321" not in caught.value.message, "that one has ended"


def test_a_lock_is_no_way_to_another_file(directory: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (directory.path / LOCK).unlink()
    (directory.path / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(StorageError), directory.lock():
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_directory_named_after_a_spec_as_they_once_were_still_opens(tmp_path: Path) -> None:
    old = tmp_path / "single-teacher:ana_positive=0"
    magdi.discuss(out=old, limit=2)
    assert [run.path.name for run in find_runs(tmp_path)] == [old.name]
    assert magdi.discuss(out=old, limit=2)["mags"]["count"] == 2
    assert document(open_run(old))["status"] == "done until discussion"


@pytest.mark.parametrize(
    "wrong",
    [
        {"protocol": {"name": "debate", "topology": "custom", "adjacency": [[1], [0]]}},
        {"protocol": {"name": "reconcile", "calibration": "no-such.json"}},
        {"decision": "pluralty"},
        {"decision": {"name": "judge", "agent": "bob"}},
        {"protocol": {"name": "roundtable", "speaker": "selector", "selector": "bob"}},
    ],
)
def test_settings_that_show_themselves_wrong_in_the_run_leave_no_directory(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(MagdiError) as caught:
        magdi.discuss(out=tmp_path / "run", limit=2, **wrong)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_a_run_that_has_a_reply_is_kept(tmp_path: Path) -> None:
    with pytest.raises(LimitReached):
        magdi.discuss(out=tmp_path / "run", limit=2, max_calls=2)
    assert RunDirectory(tmp_path / "run").replies() == 2


def test_a_plugin_counts_by_its_content_and_wherever_it_lies(tmp_path: Path) -> None:
    """What brings components; what only observes may come, change and go."""
    ring, other, watch = (tmp_path / name for name in ("ring.py", "other.py", "watch.py"))
    ring.write_text("def magdi_protocols(): 1\n")
    other.write_text("def magdi_protocols(): 2\n")
    watch.write_text("def magdi_metrics(): 1\ndef magdi_commands(): 1\n")

    def config(*plugins: Path) -> RunConfig:
        return RunConfig(plugins=tuple(map(str, plugins)))

    run = opened_run(tmp_path / "run", config(ring))
    run.update(stages={})  # and killed before it kept what is in its files, or a suite's, which takes stages over first
    opened_run(run.path, config(ring))
    run.note_inputs(config(ring))
    for same in (config(ring, watch), config(ring, other), config()):
        opened_run(run.path, same)
    run.note_inputs(config(ring))
    assert deciding(config(ring)) != deciding(config(other))
    with pytest.raises(RunDirectoryError, match=r"plugins\.other\.py \(the file\): \(absent\)"):
        opened_run(run.path, config(other))
    (tmp_path / "moved").mkdir()
    moved = shutil.copy(ring, tmp_path / "moved")
    assert deciding(config(Path(moved))) == deciding(config(ring))
    ring.write_text("def magdi_protocols(): 3\n")
    with pytest.raises(RunDirectoryError, match=r"plugins\.ring\.py \(the file\): "):
        opened_run(run.path, config(ring))


def test_sharded_checkpoints_are_magdis(tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints" / "verifier"
    for name in ("2/shards/__0_0.distcp", "2/shards/.metadata", "4/zero/weight.safetensors"):
        (checkpoints / f"checkpoint-{name}").parent.mkdir(parents=True, exist_ok=True)
        (checkpoints / f"checkpoint-{name}").touch()
    (tmp_path / "mine").mkdir()
    assert remove_written(tmp_path) == []
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]
