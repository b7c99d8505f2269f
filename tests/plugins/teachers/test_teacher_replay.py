from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import Failure, Seat, hold_discussions
from magdi.core.discussion.journal import Journal
from magdi.core.errors import DataError, TeacherError
from magdi.core.mag import Mag, Message, Usage, write_mags
from magdi.core.protocol import Agent
from magdi.core.teacher import Reply, Request, Sampling, Teacher
from magdi.plugins.teachers.replay import ReplayTeacher
from magdi.protocols.reconcile import ReConcile
from tests.plugins.teachers.test_teacher_faults import Sums, sums

NAMES = ("ann", "bob", "cyd")


class Speaker(Teacher):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @property
    def identity(self) -> str:
        return f"speaker:{self.name}"

    async def complete(self, request: Request) -> Reply:
        digest = hashlib.sha256(f"{self.name} {request.sample} {request.messages[-1].content}".encode()).digest()
        text = json.dumps({"reasoning": f"for {digest.hex()[:9]}", "answer": str(digest[0] % 3), "confidence": 0.7})
        return Reply(text=text, usage=Usage(prompt_tokens=digest[1], completion_tokens=3, cost=0.25))


def hold(teachers: list[Teacher], *, count: int = 12, keep: bool = False, **options: Any) -> list[Mag | Failure]:
    seats = [Seat(Agent(name), each, Sampling(seed=1)) for name, each in zip(NAMES, teachers, strict=True)]
    shared: dict[str, Any] = {
        "protocol": ReConcile(),
        "protocol_name": "reconcile",
        "task": Sums(),
        "settings": Discussion(keep_prompts=keep),
    }
    return list(hold_discussions(sums(count), seats=seats, **shared | options))


def replay(path: Path, speaker: str = "") -> ReplayTeacher:
    return ReplayTeacher(ReplayTeacher.Config(path=str(path), speaker=speaker))


def without_models(items: list[Mag | Failure]) -> list[Any]:
    assert all(isinstance(item, Mag) for item in items), items
    return [
        item.model_copy(
            update={"turns": tuple(turn.model_copy(update={"model": "", "prompt": None}) for turn in item.turns)}
        )
        for item in items
        if isinstance(item, Mag)
    ]


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[list[Mag | Failure], Path, Path, Path]:
    """A discussion as it was, its MAG file, the same with prompts, its journal."""
    paths = tmp_path / "mags.jsonl", tmp_path / "prompts.jsonl", tmp_path / "journal.sqlite"
    with Journal(paths[2]) as journal:
        items = hold([Speaker(name) for name in NAMES], journal=journal, keep=True)
    mags = [item for item in items if isinstance(item, Mag)]
    assert {mag.structure for mag in mags} >= {"G0", "G3"}
    write_mags(paths[0], without_models(items))
    write_mags(paths[1], mags)
    return items, *paths


def test_a_discussion_is_held_again_from_its_mag_file(recorded: Any) -> None:
    items, plain, prompts, _ = recorded
    for path in (plain, prompts):
        again = hold([replay(path, name) for name in NAMES])
        assert without_models(again) == without_models(items)
        assert {turn.model.partition("@")[0] for turn in again[0].turns} == {
            f"replay:{path.name}#{name}" for name in NAMES
        }


def test_a_discussion_is_held_again_from_its_journal(recorded: Any) -> None:
    items, _, _, journal = recorded
    again = hold([replay(journal, f"speaker:{name}") for name in NAMES])
    assert without_models(again) == without_models(items)


def test_agents_may_be_named_by_their_model(recorded: Any) -> None:
    items, _, prompts, _ = recorded
    again = hold([replay(prompts, f"speaker:{name}") for name in NAMES])
    assert without_models(again) == without_models(items)


def test_speakers_of_one_prompt_are_told_apart_by_the_draw(recorded: Any) -> None:
    items, plain, _, _ = recorded
    everybody = replay(plain)
    again = hold([everybody] * 3, protocol=ReConcile(ReConcile.Config(rounds=0)))
    assert [[turn.text for turn in mag.turns] for mag in again] == [
        [turn.text for turn in mag.turns[:3]] for mag in items
    ]


def test_more_draws_than_were_made_are_an_error(recorded: Any) -> None:
    prompt = Request(messages=tuple(recorded[0][0].turns[0].prompt), sample=3)
    for path in recorded[1:3]:
        with pytest.raises(TeacherError, match="3 replies to this prompt and not 4"):
            asyncio.run(replay(path).complete(prompt))


def test_what_was_never_said_is_an_error_and_nothing_is_made_up(recorded: Any, tmp_path: Path) -> None:
    _, plain, _, journal = recorded
    longer = ReConcile(ReConcile.Config(rounds=4))
    items = hold([replay(plain, name) for name in NAMES], protocol=longer)
    failures = [item for item in items if isinstance(item, Failure)]
    assert failures
    assert all("has no turn of ann that was shown this prompt" in failure.error for failure in failures)
    more = hold([replay(plain, name) for name in NAMES], count=13)
    assert isinstance(more[-1], Failure)
    assert "no discussion of the question" in more[-1].error
    more = hold([replay(journal, f"speaker:{name}") for name in NAMES], count=13)
    assert isinstance(more[-1], Failure)
    assert "no reply to this prompt of speaker:ann" in more[-1].error


def test_a_journal_wants_to_know_who(recorded: Any) -> None:
    one = replay(recorded[3])
    with pytest.raises(TeacherError, match="speaker:ann, speaker:bob, speaker:cyd|several teachers"):
        asyncio.run(one.complete(Request(messages=tuple(recorded[0][0].turns[0].prompt))))


def test_a_moved_recording_is_the_same_teacher_and_a_changed_one_is_not(recorded: Any, tmp_path: Path) -> None:
    plain = recorded[1]
    (tmp_path / "other").mkdir()
    moved = Path(shutil.copy(plain, tmp_path / "other" / plain.name))
    assert replay(moved, "ann").identity == replay(plain, "ann").identity
    moved.write_bytes(b"".join(plain.read_bytes().splitlines(keepends=True)[1:]))
    assert replay(moved, "ann").identity != replay(plain, "ann").identity


def test_a_recording_that_is_not_there_is_told_of_at_once(tmp_path: Path, recorded: Any) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        replay(tmp_path / "none.jsonl").check()
    with pytest.raises(DataError, match="did you mean 'bob'"):
        replay(recorded[1], "bop").check()
    os.mkfifo(tmp_path / "pipe")  # from which nothing ever comes
    for no_file in (tmp_path / "pipe", tmp_path):
        with pytest.raises(DataError, match="it is no file"):
            replay(no_file).check()
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(DataError, match="text:1"):
        replay(tmp_path / "text").check()
    replay(recorded[1], "bob").check()


def test_targets() -> None:
    assert ReplayTeacher.from_target("a/b.jsonl#gpt-4o") == {"path": "a/b.jsonl", "speaker": "gpt-4o"}
    assert ReplayTeacher.from_target("a/b.jsonl") == {"path": "a/b.jsonl"}


def test_a_question_within_another_is_told_from_it(recorded: Any, tmp_path: Path) -> None:
    mag = next(item for item in recorded[0] if isinstance(item, Mag))
    outer = mag.question.model_copy(update={"id": "outer", "text": f"Is it true? {mag.question.text} And why?"})
    longer = mag.model_copy(
        update={"id": "outer", "question": outer, "turns": (mag.turns[0].model_copy(update={"text": "why not"}),)}
    )
    write_mags(tmp_path / "two.jsonl", [mag, longer])
    one = replay(tmp_path / "two.jsonl", "ann")
    ask = Request(messages=(Message(role="user", content=f"Question: {outer.text}"),))
    assert asyncio.run(one.complete(ask)).text == "why not"


@pytest.mark.parametrize("changed", ["reply = reply || ' '", "reply = '{'", "request = '{'", "teacher = 'x'"])
def test_a_replay_gives_no_reply_that_a_disk_has_changed(tmp_path: Path, changed: str) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        hold([Speaker(name) for name in NAMES], count=2, journal=journal)
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE replies SET {changed} WHERE rowid = 1")
    database.close()
    before = path.read_bytes()
    found = hold([replay(path, f"speaker:{name}") for name in NAMES], count=2)
    failed = [item for item in found if isinstance(item, Failure)]
    assert len(failed) == 1
    assert "no reply to this prompt" in failed[0].error
    assert path.read_bytes() == before


def test_a_reply_that_changes_while_it_is_replayed_is_said(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        hold([Speaker(name) for name in NAMES], count=1, journal=journal)
    teachers: list[Teacher] = [replay(path, f"speaker:{name}") for name in NAMES]
    assert all(teacher.identity for teacher in teachers)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE replies SET reply = '{'")
    database.close()
    (failed,) = hold(teachers, count=1)
    assert isinstance(failed, Failure)
