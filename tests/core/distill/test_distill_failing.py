"""Processes of one training end together: with the error of the one that failed first, which alone says why."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher import api as elastic

from magdi.cli import launch
from magdi.core.distill import vocabulary
from magdi.core.distill.processes import FailedBeside, failing_together, join, rank
from magdi.core.errors import ConfigError, MagdiError
from tests.core.distill.ranks import ranks
from tests.core.distill.test_distill_sharding import train


def said(error: BaseException) -> None:
    found = [type(error).__name__, str(error), getattr(error, "exit_code", None)]
    print(json.dumps({"rank": rank(), "said": found}), flush=True)  # noqa: T201


def dying(how: BaseException | None) -> Callable[[], None]:
    """The last process dies, with an error or without a word, while the other waits for it."""

    def work() -> None:
        join()
        try:
            with failing_together():
                if rank() == 0:
                    dist.all_reduce(torch.ones(1))
                elif how is not None:
                    raise how
        except BaseException as error:
            said(error)
        os._exit(0)

    return work


def what_both_said(work: Callable[[], None], errors: Path) -> dict[int, list[object]]:
    with ranks(2, work, errors) as (_, printed):
        lines = [json.loads(line) for line in printed if line.startswith("{")]
    return {line["rank"]: line["said"] for line in lines if "said" in line}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (ConfigError("no such thing"), ["FailedBeside", "process 1: no such thing", 2]),
        (ValueError(), ["FailedBeside", "process 1: ValueError", 1]),
        (SystemExit(143), ["KeyboardInterrupt", "", None]),
        (None, ["TrainingError", "a process that trains with this one has ended", 1]),
    ],
)
def test_whoever_waits_for_one_that_failed_fails_for_its_reason(
    how: BaseException | None, says: list[object], tmp_path: Path
) -> None:
    found = what_both_said(dying(how), tmp_path / "errors")
    assert found[0] == says
    if how is not None:
        assert found[1][:2] == [type(how).__name__, str(how)]


def test_each_process_lists_the_mags_of_its_own_losses(family_path: Callable[[str], Path], tmp_path: Path) -> None:
    """Both fail at once; one of them is the first."""

    def work() -> None:
        sums = vocabulary.cross_entropy
        vocabulary.cross_entropy = lambda *given: sums(*given) * float("inf")
        try:
            train(family_path("llama"), tmp_path / "out", "full")
        except MagdiError as error:
            said(error)
        os._exit(0)

    first, second = sorted(what_both_said(work, tmp_path / "errors").values(), key=str, reverse=True)
    assert (first[0], second[0]) == ("TrainingError", "FailedBeside")
    assert str(second[1]).endswith(str(first[1]))
    listed = [json.loads((tmp_path / "out" / f"failed_batch{own}.json").read_text()) for own in ("", ".1")]
    assert [each["step"] for each in listed] == [0, 0]
    assert not {*listed[0]["mags"]} & {*listed[1]["mags"]}


def test_a_process_that_waits_in_vain_ends_when_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collective hears of no signal; what waits for it here is a key that nobody sets."""
    monkeypatch.setattr(launch, "PATIENCE", 0.01)

    def work() -> None:
        with launch.one_of_several():
            store = dist.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)  # type: ignore[attr-defined]
            print("waits", flush=True)  # noqa: T201
            store.wait(["never"])

    with ranks(2, work, tmp_path / "errors") as (processes, printed):
        assert [printed.readline() for _ in processes] == ["waits\n"] * 2
        for process, number in zip(processes, (signal.SIGTERM, signal.SIGINT), strict=True):
            os.kill(process.pid or 0, number)
            process.join()
            assert process.exitcode == 128 + number


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [(FailedBeside("process 0: it", 3), 3, ""), (SystemExit(143), 143, ""), (ValueError("odd"), 1, "ValueError: odd")],
)
def test_after_an_error_a_process_leaves_at_once(
    error: BaseException, code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the interpreter would still do: here, a function at its end that never returns."""
    monkeypatch.setattr("magdi.cli.app.app", raising(error))

    def work() -> None:
        from magdi.cli.app import main

        try:
            main()
        finally:
            signal.pause()

    with ranks(2, work, tmp_path / "errors") as (processes, _):
        for process in processes:
            process.join()
    assert [process.exitcode for process in processes] == [code, code]
    printed = (tmp_path / "errors").read_text()
    assert printed.count(text) == 2 if text else not printed


def raising(error: BaseException) -> Callable[..., None]:
    def app(*arguments: object, **given: object) -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("codes", "code", "says"),
    [
        ({0: 143, 1: 2}, 2, ""),
        ({0: 3, 1: 3}, 3, ""),
        ({0: 143, 1: -9}, 1, "error: process 1 was ended (SIGKILL)\nhint: maybe for want of memory"),
    ],
)
def test_the_command_ends_with_the_code_of_the_process_that_failed(
    codes: dict[int, int], code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failures = {rank: ProcessFailure(rank, 1, each, "") for rank, each in codes.items()}
    for failure in failures.values():
        failure.timestamp = failure.exitcode  # what was killed was so first

    def engine(*given: object) -> Callable[..., None]:
        return raising(ChildFailedError("magdi", failures))

    monkeypatch.setattr(elastic, "elastic_launch", engine)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert launch.launch(2, "none", ["run"]) == code
    assert capsys.readouterr().err.startswith(says)
