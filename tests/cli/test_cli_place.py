"""`magdi run --on`: what is given on a cluster, and what is then left to do here."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from magdi.cli import run as run_module
from magdi.cli.app import app
from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError
from magdi.plugins.suites.executors import command
from magdi.plugins.suites.executors.resources import Resources
from tests.core.run.run_directories import opened_run


def test_what_was_done_on_a_cluster_is_not_done_again_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--fresh and --processes are the cluster's: here they would throw its run away."""
    there: list[tuple[Any, ...]] = []
    kept: list[bool] = []
    here: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        "magdi.plugins.suites.executors.command.elsewhere",
        lambda *given, fresh: (there.append(given), kept.append(fresh)),
    )
    monkeypatch.setattr(run_module, "_go", lambda *given, **more: here.append(given))
    out = str(tmp_path / "run")
    line = ["run", "--on", "slurm", "--gpus=2", "--fresh", "--processes", "2", "--sharding", "fsdp2", "-o", out]
    monkeypatch.setattr(sys, "argv", ["magdi", *line])
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    ((on, resources, directory, arguments),) = there
    assert (on, resources.gpus, directory) == ("slurm", 2, Path(out))
    assert kept == [True]
    assert arguments == ["run", "--processes", "2", "--sharding", "fsdp2", "-o", out]
    ((_, until, _, fresh, dry_run, _, _, processes, sharding),) = here
    assert (until, fresh, dry_run, processes, sharding) == ("evaluation", False, False, 1, "none")


TASK = ("--task-arg", "train=24", "--task-arg", "test=12")


def planned(*line: str) -> dict[str, Any]:
    """Returns what the plan says of jobs; nothing may be begun or written."""
    done = CliRunner().invoke(app, [*line, "-n", "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert list(Path().iterdir()) == []
    return dict(json.loads(done.stdout)["jobs"])


def test_a_plan_says_which_jobs_would_be_begun_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = planned("run", *TASK, "--on", "slurm", "--gpus", "2", "--partition", "a", "--processes", "2")
    assert (run["on"], run["waves"], run["at_once"]) == ("slurm", [{"run": 1}], None)
    assert run["given"] == {"gpus": 2, "cpus": 1, "time": "24:00:00", "partition": "a"}
    talk = planned("discuss", *TASK, "--on", "ray", "--shards", "5", "--jobs", "2", "--max-calls", "102", "-o", "out")
    assert (talk["waves"], talk["at_once"], talk["given"]) == ([{"shards": 5}], 2, {"cpus": 1})
    assert talk["notes"][0].startswith("each has 4 or 5 of the questions, and a run with a journal: out/shard-I-of-5")
    assert talk["notes"][1] == "of --max-calls 102 each may take 20"
    suite = planned("ablate", "levels", "--quick", "--jobs", "3", "--seeds", "1")
    first, everything = suite["waves"][0], Counter[str]()
    for wave in suite["waves"]:
        everything.update(wave)
    assert first == {"discussions": everything["discussions"]}
    assert everything["cell"] == 13
    assert (suite["on"], suite["at_once"], suite["given"]) == ("local", 3, {})


def test_a_plan_says_what_an_engine_lacks_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert planned("run", *TASK, "--on", "slurm")["lacking"].startswith("--on slurm: there is no sbatch")
    assert "jobs: could not be begun here: " in CliRunner().invoke(app, ["run", *TASK, "--on", "slurm", "-n"]).stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["run", "--partition", "a"], "--partition a: --on local takes none"),
        (["run", "--on", "slurm", "--address", "auto"], "--address auto: --on slurm takes none"),
        (["run", "--on", "ray", "--time", "1:00"], "--time 1:00: --on ray takes none"),
        (["ablate", "levels", "--on", "slurm", "--time", "soon"], "is no time"),
        (["run", "--on", "slurm", "--gpus", "1", "--processes", "2"], "take a GPU each, and the job has 1"),
        (["discuss", "--shard", "1/2", "--shards", "2"], "--shard 1/2 is one of the jobs that --shards N begins"),
        (["discuss", "--shard", "1/2", "--on", "ray"], "--shard 1/2 is one of the jobs"),
        (["discuss", "--set", "discussion.shard=1/2", "--shards", "2"], "discussion.shard 1/2 is one job's"),
        (["discuss", "--shards", "9", "--max-calls", "8"], "max_calls 8 cannot be shared by 9 jobs"),
    ],
)
def test_what_an_engine_does_not_take_is_said_before_anything_is_begun(
    line: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for more in ([], ["-n"]):
        with pytest.raises(ConfigError, match=re.escape(said)):
            raise CliRunner().invoke(app, [*line, *more]).exception or AssertionError
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_is_begun_once_more_does_not_start_over(tmp_path: Path) -> None:
    """--fresh throws away what is there once, before the job; its own command does not have it."""
    run = opened_run(tmp_path / "run", RunConfig())
    run.mags.write_text("paid for\n")
    begun: list[tuple[str, ...]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_do", lambda on, resources, folder, jobs, *_: begun.append(jobs[0].arguments))
        patch.setattr(sys, "argv", ["magdi", "run", "--fresh", "--on", "slurm", "-o", str(run.path)])
        request = SimpleNamespace()
        run_module._elsewhere(request, run.path, "slurm", Resources(), fresh=False)  # type: ignore[arg-type]
        assert run.mags.exists()
        run_module._elsewhere(request, run.path, "slurm", Resources(), fresh=True)  # type: ignore[arg-type]
    assert not run.mags.exists()
    assert begun == 2 * [("run", "-o", str(run.path))]
