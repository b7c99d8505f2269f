"""Runs of which nothing can be learned end by saying why, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.core.errors import DataError, LimitReached, MagdiError, TeacherError, TrainingError
from magdi.core.mag import Usage
from magdi.core.run.progress import Progress
from magdi.core.teacher import Reply, Request
from magdi.plugins.teachers.simulated.teacher import SimulatedTeacher

MAX_FAILED = {"discussion.max_failed": 1}
CASES: dict[str, tuple[str, dict[str, Any], type[MagdiError], int, tuple[str, ...]]] = {
    "unreadable": (
        "Who knows?", {}, TrainingError, 1,
        ("no answer could be read in any of 18 replies", "show '#1' RUN", "The answer is 7."),
    ),
    "empty": (" ", {}, TrainingError, 1, ("all 18 replies are empty", "thinks first")),
    "cut off": ("Let us see: first", {}, TrainingError, 1, ("no answer could be read", "sampling.max_tokens")),
    "all wrong": ("The answer is -5.", {}, TrainingError, 1, ("each has no right turn", "another --level")),
    "all wrong, at every level": ("The answer is -5.", {"level": "4"}, TrainingError, 1, ("no right turn",)),
    "all refused": ("", {}, LimitReached, 3, ("3 of 3 discussions failed", "the filter said no", "max_failed")),
    "all refused, and that is allowed": ("", MAX_FAILED, DataError, 2, ("no discussion was held to its end",)),
}  # fmt: skip


class Noted(Progress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize("name", CASES)
def test_a_run_of_which_nothing_can_be_learned_says_why(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, settings, kind, code, said = CASES[name]

    async def complete(self: SimulatedTeacher, request: Request) -> Reply:
        if not words:
            raise TeacherError("the filter said no")
        usage = Usage(prompt_tokens=5, completion_tokens=5)
        return Reply(text=words, usage=usage, finish_reason="length" if name == "cut off" else "stop")

    monkeypatch.setattr(SimulatedTeacher, "complete", complete)
    given: dict[str, Any] = {"level": "1", "protocol": {"name": "debate", "rounds": 1}, "limit": 3} | settings
    with pytest.raises(kind) as caught:
        magdi.run(out=tmp_path / "run", progress=(noted := Noted()), **given)
    told = f"{caught.value.message}\n{caught.value.hint}"
    assert [each for each in said if each not in told] == []
    assert ("mags import" in told, caught.value.exit_code) == (False, code)
    assert any("54 of 54 replies of the teachers were cut off" in each for each in noted.notes) == (name == "cut off")
