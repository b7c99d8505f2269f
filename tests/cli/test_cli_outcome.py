"""What a run's outcome looks like in the terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

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
