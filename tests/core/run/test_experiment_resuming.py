"""A run that goes on says where it goes on from, in one line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.core.errors import LimitReached, RunDirectoryError
from magdi.core.mag import read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.progress import Figures, Progress
from magdi.core.teacher import Reply, Request, Teacher


class Listening(Progress):
    """Keeps what is told; interrupts training at a step."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.told: list[str] = []
        self.done: dict[str, int] = {}
        self.figures: Figures = {}
        self._stage, self._interrupt_at = "", interrupt_at

    def stage(self, name: str, total: int | None, unit: str) -> None:
        self._stage = name

    def advance(self, done: int, figures: Figures) -> None:
        self.done[self._stage], self.figures = done, figures

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
    assert told(second) == [f"resuming: {held} of 24 discussions written, 70 replies kept"]
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


def test_a_run_of_another_configuration_is_told_how_to_keep_what_teachers_have_said(
    tmp_path: Path, toy: dict[str, Any]
) -> None:
    magdi.discuss(out=tmp_path / "run", **toy)
    other = toy | {"training": {"steps": 5}}
    cache = {"cache": str(tmp_path / "run")}
    with pytest.raises(RunDirectoryError) as refused:
        magdi.discuss(out=tmp_path / "run", **other)
    assert f"--set discussion.cache={cache['cache']} takes over" in str(refused.value.hint)
    progress = Listening()
    magdi.discuss(out=tmp_path / "other", discussion=cache, progress=progress, **other)
    assert progress.figures["calls"] == 0
    assert progress.figures["kept"] > 0


def test_several_processes_that_somebody_else_has_begun_take_files_of_mags_themselves(
    tmp_path: Path, toy: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has to be asked of teachers is for one process alone."""
    magdi.discuss(out=tmp_path / "talk", **toy)
    found: list[object] = []

    def train_together(directory: RunDirectory) -> bool:
        found.append(directory.stage("discussion").get("done"))
        raise KeyboardInterrupt

    monkeypatch.setattr("magdi.core.run.run.several", lambda: True)
    monkeypatch.setattr("magdi.core.run.run._train_together", train_together)
    own: dict[str, Any] = {"mags": tmp_path / "talk" / "mags.jsonl"}
    for given in (own, {}):
        with pytest.raises(KeyboardInterrupt):
            magdi.run(out=tmp_path / f"run-{len(found)}", **given, **toy)
    assert found == [True, None]


class Slow(Teacher):
    """Answers the first question once the others' discussions are seen to be over."""

    identity = "slow"

    def __init__(self, progress: Listening) -> None:
        super().__init__()
        self._progress, self._first = progress, ""

    async def complete(self, request: Request) -> Reply:
        text = request.messages[-1].content
        self._first = self._first or text
        while text == self._first and self._progress.done.get("discussion") != 3:
            await asyncio.sleep(0.001)
        return Reply(text="The answer is 1.")


def test_discussions_are_counted_as_they_end_though_an_earlier_one_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("magdi.core.run.progress.INTERVAL", 0)
    asked, progress = [(f"What is {number} - {number - 1}?", "1") for number in range(2, 6)], Listening()
    magdi.discuss(
        task=asked, protocol="single", teachers=[("ada", Slow(progress))], out=tmp_path / "run", progress=progress
    )
    assert progress.done["discussion"] == 4
