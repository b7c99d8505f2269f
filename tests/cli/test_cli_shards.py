"""Questions shared by several jobs: all of them, none twice, and together the same as one job makes."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.errors import ConfigError, LimitReached, MagdiError
from magdi.core.evaluation.prediction import Prediction, PredictionFile, of_shard, read_predictions
from magdi.core.run.directory import RunDirectory
from magdi.core.run.progress import Progress, StageProgress
from magdi.core.shard import Shard
from magdi.plugins.evaluating import candidates
from magdi.plugins.suites import scheduling
from magdi.plugins.suites.executors import command
from magdi.plugins.suites.executors.executor import Executor
from magdi.plugins.suites.executors.resources import Resources
from magdi.plugins.suites.worker import JobFailure
from tests.plugins.teachers.vllm_stand_in import standing_in

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


def test_a_shard_takes_over_what_others_answered_of_its_questions(tmp_path: Path) -> None:
    """Begun in three and gone on with in four: nothing is asked, and paid for, twice."""
    made: dict[str, Any] = {"model": "m"}
    file = tmp_path / "a [1].jsonl"
    PredictionFile(file, made).finish([prediction("a"), prediction("b")])
    PredictionFile(of_shard(file, Shard(1, 3)), made).finish([prediction("c"), prediction("d")])
    PredictionFile(of_shard(file, Shard(2, 3)), {"model": "another"}).finish([prediction("e")])
    part = of_shard(file, Shard(1, 4))
    with PredictionFile(part, made, asked={"a", "c", "e", "f"}) as opened:
        assert [each.id for each in opened.kept] == ["a", "c"]
    with PredictionFile(part, made, asked={"a", "c"}, fresh=True) as fresh:
        assert fresh.kept == []
    with PredictionFile(file, made) as whole:
        assert [each.id for each in whole.kept] == ["a", "b", "c", "d"]


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


def test_vllm_answers_each_question_in_one_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--engine offline`, by the signatures that vLLM has: what three jobs keep is what one does."""
    monkeypatch.setattr(command, "executor", lambda *given: Here())
    vllm, model = standing_in(monkeypatch), tmp_path / "model"
    model.mkdir()
    given = ["evaluate", str(model), "--engine", "offline", "--task", "arithmetic", "--limit", "7", "--quiet"]
    given += ["--sampling", "paper", "--json"]
    one = json.loads(magdi(*given, "-o", tmp_path / "one"))
    asked = [conversation[0]["content"] for batch in vllm.ASKED[1:] for conversation in batch[0]]
    assert len(asked) == len(set(asked)) == 7
    assert {name: vllm.ASKED[1][1][0].given[name] for name in ("temperature", "top_p", "top_k")} == PAPER
    vllm.ASKED.clear()
    line = [*given, "--shards", "3", "-o", str(tmp_path / "parts")]
    monkeypatch.setattr(sys, "argv", ["magdi", *line])
    parts = json.loads(magdi(*line))
    again = [
        conversation[0]["content"] for batch in vllm.ASKED if isinstance(batch, tuple) for conversation in batch[0]
    ]
    assert sorted(again) == sorted(asked)
    assert parts["models"][0]["accuracy"] == one["models"][0]["accuracy"]
    (kept,) = (tmp_path / "one").glob("*.jsonl")
    merged = tmp_path / "parts" / kept.name
    assert sorted(kept.read_bytes().splitlines()) == sorted(merged.read_bytes().splitlines())
    merged.unlink()
    lost = [each.prompt for each in read_predictions(of_shard(merged, Shard(2, 3)))]
    of_shard(merged, Shard(2, 3)).unlink()
    vllm.ASKED.clear()
    line[line.index("3")] = "4"
    magdi(*line)
    batches = [batch[0] for batch in vllm.ASKED if isinstance(batch, tuple)]
    left = [conversation[0]["content"] for batch in batches for conversation in batch]
    assert len(left) == len(lost) == 2, "what two of three shards had answered is not asked again"
    assert all(any(question in prompt for prompt in lost) for question in left)


PAPER = {"temperature": 0.7, "top_p": 0.9, "top_k": 50}


class Here(Executor):
    """Gives commands in this process, one after the other."""

    places = 1

    def begin(self, jobs: Sequence[Any]) -> list[Future[JobFailure | None]]:
        futures: list[Future[JobFailure | None]] = [Future() for _ in jobs]
        for job, future in zip(jobs, futures, strict=True):
            result = CliRunner().invoke(app, job.arguments)
            code = getattr(result.exception, "exit_code", result.exit_code)
            kind = "stopped" if code == LimitReached.exit_code else "failed"
            future.set_result(None if code in job.ends else JobFailure(job, f"exit code {code}", kind))
        return futures

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        return None


def test_several_jobs_hold_the_discussions_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "executor", lambda *given: Here())
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


class Waiting(Here):
    """Its jobs end once somebody has asked how far they are."""

    places = 2

    def begin(self, jobs: Sequence[Any]) -> list[Future[JobFailure | None]]:
        self.done = dict(zip(super().begin(jobs), jobs, strict=True))
        self.futures: list[Future[JobFailure | None]] = [Future() for _ in jobs]
        return self.futures

    def end(self) -> None:
        for future, done in zip(self.futures, self.done, strict=True):
            if not future.done():
                future.set_result(done.result())


def test_how_far_all_shards_are_is_told_while_they_are_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, told = Waiting(), list[tuple[int, int]]()

    def at(clock: StageProgress, growing: command.Growing, ended: int) -> None:
        told.append((growing.lines(), ended))
        engine.end()

    monkeypatch.setattr(scheduling, "PULSE", 0.0)
    monkeypatch.setattr(command, "_at", at)
    monkeypatch.setattr(command, "executor", lambda *given: engine)
    found = command.in_shards("local", Resources(), tmp_path, ("discuss", *SMALL), 2, 7, Progress())
    assert found.mags == 7
    assert told == [(7, 0), (7, 1), (7, 2)]


def test_lines_that_others_write_are_counted_as_they_come(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    growing = command.Growing(files, header=1)
    assert growing.lines() == 0
    files[0].write_text("header\none\ntwo\ntor")
    files[1].write_text("header\n")
    assert growing.lines() == 2
    with files[0].open("a") as file:
        file.write("n\nfour\n")
    assert growing.lines() == growing.lines() == 4
    files[0].write_text("header\none\n")  # written anew, as one that others' answers are taken over into
    assert growing.lines() == 1


def test_a_shard_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "executor", lambda *given: Here())
    given = ["discuss", *SMALL, "--shards", "2", "-o", str(tmp_path / "parts")]
    monkeypatch.setattr(sys, "argv", ["magdi", *given])
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "shard-1-of-2").write_text("no directory")
    with pytest.raises(MagdiError, match="shard 1/2: exit code"):
        magdi(*given)
    with pytest.raises(ConfigError, match="there is no task"):
        magdi("discuss", "--task", "no-such-task", "--shards", "2")


def test_a_limit_holds_for_all_shards_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "executor", lambda *given: Here())
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


def test_shards_that_do_not_belong_together_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is missing, one torn, one not done, one of another run: what is there is merged, and what is not is said."""
    monkeypatch.chdir(tmp_path)
    for number in (1, 2, 3):
        seed = ["--seed", "1"] if number == 3 else []
        magdi("discuss", *SMALL, "--shard", f"{number}/4", "-o", f"part-{number}", *seed)
    assert told_of_merging("part-1") == ["of 4 shards 2, 3, 4 are missing"]
    (tmp_path / "part-2" / "mags.jsonl").write_bytes((tmp_path / "part-1" / "mags.jsonl").read_bytes())
    RunDirectory(Path("part-1")).update(stages={"discussion": {"done": False}})
    assert told_of_merging("part-*") == [
        "part-1, shard 1/4, is not done; its own command goes on with it",
        "part-2, shard 2/4, has a mags.jsonl that is not as the run left it; its own command makes it again",
        "of 4 shards 4 is missing",
        "part-3 is a shard of another run than part-1: seed: 0 -> 1",
    ]


def told_of_merging(*files: str) -> list[str]:
    done = CliRunner().invoke(app, ["mags", "merge", *files, "-o", "merged.jsonl"])
    assert done.exit_code == 0, done.output
    return [line.removeprefix("warning: ") for line in done.stderr.splitlines() if line.startswith("warning: ")]


def test_all_shards_that_failed_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "executor", lambda *given: Here())
    given = ["discuss", *SMALL, "--shards", "3", "-o", str(tmp_path / "parts")]
    monkeypatch.setattr(sys, "argv", ["magdi", *given])
    (tmp_path / "parts").mkdir()
    for number in (1, 3):
        (tmp_path / "parts" / f"shard-{number}-of-3").write_text("no directory")
    with pytest.raises(MagdiError, match=r"2 of 3 jobs failed\n  shard 1/3: .*\n  shard 3/3: "):
        magdi(*given)


def test_shards_do_not_replace_what_was_paid_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "executor", lambda *given: Here())
    magdi("discuss", *SMALL, "-o", tmp_path / "run")
    for where, count, said in (("run", 2, "holds a run"), ("parts", 2, ""), ("parts", 3, "discussions in 2 shards")):
        line = ["discuss", *SMALL, "--shards", str(count), "-o", str(tmp_path / where)]
        monkeypatch.setattr(sys, "argv", ["magdi", *line])
        with pytest.raises(MagdiError, match=said) if said else nullcontext():
            magdi(*line)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="it is Linux that ends them")
def test_a_command_dies_with_the_process_that_gave_it(tmp_path: Path) -> None:
    """Else it would hold the run's lock against the one that is begun in its place."""
    code = (
        "import subprocess, sys; from magdi.plugins.suites.executors import command\n"
        "from pathlib import Path; from types import SimpleNamespace\n"
        "run = subprocess.run\n"
        "sleeps = 'import os, time; print(os.getpid(), flush=True); time.sleep(1000)'\n"
        "subprocess.run = lambda line, **more: run([sys.executable, '-c', sleeps], **more)\n"
        "command.run_command(b'', '.', SimpleNamespace(directory=Path('part'), arguments=(), ends=(0,)))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as giver:
        log = tmp_path / "part.job.txt"
        while not (log.exists() and log.read_text().endswith("\n")):
            time.sleep(0.05)
        given = os.pidfd_open(int(log.read_text()))
        giver.kill()
        select.select([given], [], [])  # readable once it has ended; what does not end, pytest ends
        os.close(given)


def test_a_command_that_is_killed_is_given_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [-9, 0, -9, -9]

    def ended(arguments: Sequence[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(arguments, codes.pop(0))

    class Work(Here):
        """Does as the pool of processes does."""

        def begin(self, jobs: Sequence[Any]) -> list[Future[JobFailure | None]]:
            futures: list[Future[JobFailure | None]] = [Future() for _ in jobs]
            for job, future in zip(jobs, futures, strict=True):
                try:
                    future.set_result(command.run_command(b"", str(tmp_path), job))
                except RuntimeError as error:
                    future.set_exception(error)
            return futures

    monkeypatch.setattr(subprocess, "run", ended)
    monkeypatch.setattr(command, "executor", lambda *given: Work())
    command.elsewhere("ray", Resources(), tmp_path / "run", ["run"])
    assert codes == [-9, -9]
    with pytest.raises(MagdiError, match=r"its process died: it was killed; what it printed: .*run\.job\.txt"):
        command.elsewhere("ray", Resources(), tmp_path / "run", ["run"])
    assert codes == []
