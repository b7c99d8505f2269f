"""Questions shared by several jobs: all of them, none twice, and together the same as one job makes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.errors import ConfigError, LimitReached, MagdiError
from magdi.core.evaluation.prediction import Prediction, PredictionFile, of_shard
from magdi.core.run.directory import RunDirectory
from magdi.core.shard import Shard
from magdi.plugins.evaluating import candidates
from magdi.plugins.suites.executors import command
from magdi.plugins.suites.executors.executor import Executor
from magdi.plugins.suites.worker import Failure

SMALL = ("--task", "arithmetic", "--task-arg", "primer_problems=60", "--limit", "7", "--quiet")


def magdi(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.mark.parametrize("of", range(1, 12))
@pytest.mark.parametrize("items", [0, 1, 7, 50])
def test_shards_have_every_item_once(items: int, of: int) -> None:
    shards = [Shard(number, of).take(range(items)) for number in range(1, of + 1)]
    assert sorted(item for shard in shards for item in shard) == list(range(items))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("text", ["0/8", "9/8", "1/0", "-1/8", "1", "1/8/2", "a/b", "", "1 /8", "1.5/8"])
def test_what_is_no_shard_is_said(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no shard"):
        Shard.read(text)
    with pytest.raises(MagdiError, match=r"is no shard"):
        magdi("discuss", *SMALL, "-o", tmp_path / "run", "--shard", text)


def test_merged_shards_are_what_one_job_writes(tmp_path: Path) -> None:
    magdi("discuss", *SMALL, "-o", tmp_path / "whole")
    parts = [tmp_path / f"part-{number}" for number in (1, 2, 3)]
    for number, part in enumerate(parts, start=1):
        plan = json.loads(magdi("discuss", *SMALL, "--shard", f"{number}/3", "-o", part, "-n", "--json"))
        magdi("discuss", *SMALL, "--shard", f"{number}/3", "-o", part)
        assert plan["mags"] == (part / "mags.jsonl").read_bytes().count(b"\n") == (3 if number == 1 else 2)
        assert (part / "journal.sqlite").is_file()
    merged = tmp_path / "merged.jsonl"
    magdi("mags", "merge", *parts, "-o", merged)
    assert merged.read_bytes() == (tmp_path / "whole" / "mags.jsonl").read_bytes()
    with pytest.raises(MagdiError, match=r"discussion\.shard"):
        magdi("discuss", *SMALL, "--shard", "2/3", "-o", parts[0])


def prediction(name: str, output: str = "42") -> Prediction:
    return Prediction(id=name, prompt="?", output=output)


def test_predictions_of_shards_are_taken_over_once(tmp_path: Path) -> None:
    made: dict[str, Any] = {"model": "m"}
    file = tmp_path / "a [1].jsonl"
    PredictionFile(of_shard(file, Shard(1, 2)), made).finish([prediction("a"), prediction("c")])
    PredictionFile(of_shard(file, Shard(2, 2)), made).finish([prediction("b")])
    PredictionFile(of_shard(file, Shard(2, 3)), {"model": "another"}).finish([prediction("d")])
    with of_shard(file, Shard(1, 2)).open("a") as torn:
        torn.write('{"id": "e"')
    with PredictionFile(file, made) as opened:
        assert [each.id for each in opened.kept] == ["a", "c", "b"]
        opened.finish(opened.kept)
    PredictionFile(of_shard(file, Shard(2, 2)), made).finish([prediction("b", "another"), prediction("f")])
    with PredictionFile(file, made) as again:
        assert [(each.id, each.output) for each in again.kept] == [("a", "42"), ("c", "42"), ("b", "42"), ("f", "42")]
    with PredictionFile(file, made, fresh=True) as fresh:
        assert fresh.kept == []
    assert [each.name for each in tmp_path.glob("*.shard-*")] == ["a [1].shard-2-of-3.jsonl"]


def test_offline_is_vllm_where_it_is_installed_and_ours_where_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    monkeypatch.setattr(candidates, "find_spec", lambda name: None)
    assert candidates._offline(tmp_path) == "transformers"
    monkeypatch.setattr(candidates, "find_spec", lambda name: object())
    assert candidates._offline(tmp_path) == "vllm"
    assert candidates._offline(tmp_path / "adapter") == "transformers"


class Here(Executor):
    """Gives commands in this process, one after the other."""

    places = 1

    def begin(self, jobs: Sequence[Any]) -> list[Future[Failure | None]]:
        futures: list[Future[Failure | None]] = [Future() for _ in jobs]
        for job, future in zip(jobs, futures, strict=True):
            result = CliRunner().invoke(app, job.arguments)
            code = getattr(result.exception, "exit_code", result.exit_code)
            kind = "stopped" if code == LimitReached.exit_code else "failed"
            future.set_result(None if code in job.ends else Failure(job, f"exit code {code}", kind))
        return futures

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        return None


def test_several_jobs_hold_the_discussions_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_executor", lambda on, resources, folder: Here())
    magdi("discuss", *SMALL, "-o", tmp_path / "whole")
    given = ["discuss", *SMALL, "--shards", "3", "-o", str(tmp_path / "parts"), "--jobs=2", "--json", "--on", "local"]
    monkeypatch.setattr(sys, "argv", ["magdi", *given])
    found = json.loads(magdi(*given))
    assert found == {"out": str(tmp_path / "parts"), "mags": 7, "shards": 3, "failed": 0} | {"schema": found["schema"]}
    whole = (tmp_path / "whole" / "mags.jsonl").read_bytes()
    assert (tmp_path / "parts" / "mags.jsonl").read_bytes() == whole
    (tmp_path / "parts" / "shard-2-of-3" / "mags.jsonl").unlink()
    magdi(*given)
    assert (tmp_path / "parts" / "mags.jsonl").read_bytes() == whole
    assert json.loads(magdi("mags", "stats", tmp_path / "parts", "--json"))["totals"]["mags"] == 7


def test_a_shard_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_executor", lambda on, resources, folder: Here())
    given = ["discuss", *SMALL, "--shards", "2", "-o", str(tmp_path / "parts")]
    monkeypatch.setattr(sys, "argv", ["magdi", *given])
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "shard-1-of-2").write_text("no directory")
    with pytest.raises(MagdiError, match="shard 1/2: exit code"):
        magdi(*given)
    with pytest.raises(ConfigError, match="there is no task"):
        magdi("discuss", "--task", "no-such-task", "--shards", "2")


def test_a_limit_holds_for_all_shards_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_executor", lambda on, resources, folder: Here())
    given = ["discuss", *SMALL, "--shards", "3", "-o", str(tmp_path / "parts"), "--max-calls", "13"]
    monkeypatch.setattr(sys, "argv", ["magdi", *given])
    with pytest.raises(LimitReached, match="shard"):
        magdi(*given)
    asked = [RunDirectory(tmp_path / "parts" / f"shard-{number}-of-3").replies() for number in (1, 2, 3)]
    assert asked == [4, 4, 4]
    with pytest.raises(ConfigError, match="max_calls 2 cannot be shared by 3 jobs"):
        magdi(*given[:-1], "2")


def test_why_a_shard_stopped_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(arguments: Sequence[str], *, stdout: Any, **_: Any) -> subprocess.CompletedProcess[str]:
        stdout.write("error: stopped at 4 calls; the limit is 4\nhint: go on\n")
        return subprocess.CompletedProcess(arguments, 3)

    monkeypatch.setattr(subprocess, "run", ended)
    failure = command.run_command(b"", str(tmp_path), command.Command(Path("part"), ("discuss",)))
    assert failure is not None
    assert failure.error.startswith("stopped at 4 calls; the limit is 4; what it printed: ")
    assert failure.kind == "stopped"
