"""A run that goes on says where it goes on from, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.core.errors import LimitReached
from magdi.core.mag import read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.progress import Figures, Progress


class Listening(Progress):
    """Keeps what is told; interrupts training at a step."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.told: list[str] = []
        self.done: dict[str, int] = {}
        self._stage, self._interrupt_at = "", interrupt_at

    def stage(self, name: str, total: int | None, unit: str) -> None:
        self._stage = name

    def advance(self, done: int, figures: Figures) -> None:
        self.done[self._stage] = done

    def note(self, text: str) -> None:
        self.told.append(text)

    def event(self, hook: str, **facts: Any) -> None:
        if hook == "metrics" and facts["stage"] == "distillation" and facts["step"] == self._interrupt_at:
            raise KeyboardInterrupt


@pytest.fixture
def slow(toy: dict[str, Any]) -> dict[str, Any]:
    return toy | {"training": {"steps": 6, "log_every": 5, "save_every": 2}}


def told(progress: Listening) -> list[str]:
    return [line for line in progress.told if line.startswith("resuming") or "already" in line]


def test_it_says_how_far_discussions_and_training_have_come(tmp_path: Path, slow: dict[str, Any]) -> None:
    run, first = RunDirectory(tmp_path / "run"), Listening()
    with pytest.raises(LimitReached):
        magdi.run(out=run.path, max_calls=70, progress=first, **slow)
    assert told(first) == [], "it began"
    held = len(list(read_mags(run.mags)))
    assert 0 < held < 24
    second = Listening(interrupt_at=5)
    with pytest.raises(KeyboardInterrupt):
        magdi.run(out=run.path, progress=second, **slow)
    assert told(second) == [f"resuming: {held} of 24 questions discussed (70 replies kept)"]
    assert run.status == "interrupted"
    third = Listening()
    magdi.run(out=run.path, progress=third, **slow)
    assert told(third) == ["resuming: 24 of 24 questions discussed, training from step 4 of 6"]
    assert third.done["training"] == 6, "though the last line of metrics is of step 5"
    last = Listening()
    magdi.run(out=run.path, progress=last, **slow)
    assert told(last) == [f"{run.path} is done already; --fresh starts over"]
    magdi.discuss(out=run.path, **slow)
    assert run.status == "done", "to ask for less takes nothing away"


def test_where_only_answers_are_missing_that_is_said(tmp_path: Path, toy: dict[str, Any]) -> None:
    magdi.run(out=tmp_path / "run", until="distillation", **toy)
    progress = Listening()
    magdi.run(out=tmp_path / "run", progress=progress, **toy)
    assert told(progress) == ["resuming: 24 of 24 questions discussed, student trained"]


def test_what_was_taken_over_is_not_resumed(tmp_path: Path, toy: dict[str, Any]) -> None:
    run = RunDirectory(tmp_path / "run")
    magdi.discuss(out=run.path, **toy)
    stages = run.state()["stages"]
    run.update(stages={"discussion": stages["discussion"] | {"taken_from": "elsewhere"}})
    progress = Listening()
    magdi.discuss(out=run.path, progress=progress, **toy)
    assert told(progress) == []
