"""What a run's outcome looks like in the terminal."""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.cli.outcome import outcome_table


def a_score(accuracy: float, by_task: dict[str, Any] | None = None) -> dict[str, Any]:
    interval = (accuracy - 0.1, accuracy + 0.1)
    tasks = {} if by_task is None else by_task
    return {"accuracy": accuracy, "interval": interval, "count": 100, "output_tokens_mean": 9.5, "by_task": tasks}


def printed(outcome: dict[str, Any]) -> str:
    console = Console(width=120, record=True, file=StringIO())
    whole: Any = {"run": "runs/x", "seconds": {"total": 2.0, "evaluation": 1.0}} | outcome
    console.print(outcome_table(whole))
    return console.export_text()


def test_a_mixture_is_told_by_task() -> None:
    parts = {"gsm8k": {"count": 60, "accuracy": 0.25, "interval": (0.1, 0.4)}}
    text = printed({"base": a_score(0.2), "student": a_score(0.5, parts)})
    (line,) = (line for line in text.splitlines() if "gsm8k" in line)
    assert line.replace("│", " ").split() == ["distilled", "student", "gsm8k", "60", "25.0", "%", "10.0", "to", "40.0"]


@pytest.mark.parametrize(
    ("simulated", "some", "said"),
    [
        (True, 6, "6 discussions (simulated teachers, no language models) split"),
        (False, 5, "6 discussions (5 of them with simulated teachers) split"),
        (False, 0, "6 discussions split"),
    ],
)
def test_simulated_teachers_are_named_as_far_as_they_took_part(simulated: bool, some: int, said: str) -> None:
    mags = {"count": 6, "simulated": some, "structures": {"split": 6}, "accuracy_by_round": {"0": 0.5}, "accuracy": 0.5}
    text = printed({"simulated": simulated, "mags": mags})
    assert said in " ".join(word for word in text.split() if word.isascii())


def test_a_run_that_was_killed_before_any_stage_has_its_directory_alone() -> None:
    assert printed({"seconds": {"total": 0.0}}).strip() == "run directory: runs/x"


def test_one_task_has_no_table_of_its_own() -> None:
    text = printed({"base": a_score(0.2), "student": a_score(0.5)})
    assert "by task" not in text
    assert "before distillation" in text
    assert "10.0 to 30.0" in text


@pytest.mark.parametrize(
    ("unread", "said"),
    [
        (
            16,
            "16 of 16 replies hold no answer that could be read, so that none could be right: magdi mags",
        ),
        (2, "2 of 16 replies hold no answer that could be read: magdi mags show '#1' runs/x"),
        (1, ""),
    ],
)
def test_replies_that_could_not_be_read_are_told_of(unread: int, said: str) -> None:
    counts = {"count": 4, "turns": 16, "invalid_turns": unread, "structures": {}}
    text = printed({"simulated": False, "mags": counts | {"accuracy_by_round": {}, "accuracy": 0.0}})
    assert said in text
    assert ("could be read" in text) == bool(said)


@pytest.mark.parametrize("written", ["--csv", "--latex", "--markdown"])
def test_a_table_that_does_not_say_what_failed_is_not_all_that_is_said(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from magdi.cli import ablate, output
    from tests.cli.test_cli_tables import suite

    held = {"kind": "failed", "cell": "gat", "seed": 0, "error": "another process is at work in it"}
    document = suite() | {"failures": [held], "missing": ["gat, seed 0"], "changes": [], "tasks": []}
    monkeypatch.setattr(ablate, "_set_up", lambda *args, **options: None)
    monkeypatch.setattr(ablate, "_run", lambda *args, **options: document)
    monkeypatch.setattr("magdi.plugins.suites.formats.FORMATS", {written[2:]: lambda document: "the table"})
    output.progress_console.cache_clear()
    result = CliRunner().invoke(app, ["ablate", "levels", "-q", written])
    assert result.stdout == "the table"
    assert "failed: gat, seed 0: another process is at work in it\nnot done: gat (seed 0)" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(13, "Permission denied", "a/b"), "error: a/b cannot be read or written: Permission denied\n"),
        (BrokenPipeError(32, "Broken pipe"), ""),
        (OSError(28, "No space left on device"), "error: the output cannot be written: No space left on device\n"),
    ],
)
def test_what_the_system_refuses_is_a_line_and_who_has_left_is_told_nothing(
    error: OSError, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from magdi.cli import app as module
    from magdi.cli import output

    def refused(**options: object) -> None:
        raise error

    told = StringIO()
    monkeypatch.setattr(module, "app", refused)
    monkeypatch.setattr(module, "taken", lambda arguments: ([], []))
    monkeypatch.setattr(told, "close", lambda: None)
    monkeypatch.setattr("sys.stderr", told)
    monkeypatch.setattr("sys.stdout", StringIO())
    output.progress_console.cache_clear()
    with pytest.raises(SystemExit) as ended:
        module.main()
    output.progress_console.cache_clear()
    assert (ended.value.code, told.getvalue()) == (1, said)


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed_is_nobodys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python has it where whoever starts a process has closed it."""
    from magdi.cli import app as module

    monkeypatch.setattr(sys, name, None)
    monkeypatch.setattr(module, "app", lambda **options: getattr(sys, name).isatty())
    monkeypatch.setattr(module, "taken", lambda arguments: ([], []))
    module.main()
    opened = getattr(sys, name)
    assert opened.name == os.devnull
    opened.close()
