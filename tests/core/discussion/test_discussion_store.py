from __future__ import annotations

import json
import resource
import threading
from pathlib import Path
from typing import Any

import pytest

from magdi.core.discussion.budget import Budget
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.store import Stored, discuss_to_file
from magdi.core.errors import ConfigError, LimitReached, RunDirectoryError, StorageError, TeacherError
from magdi.core.mag import read_mags
from magdi.core.teacher import Request
from tests.core.discussion.discussion_stage import Speaker, numbered, speakers, table

QUESTIONS = numbered(25)


class Bench:
    """A folder with a MAG file, and the bytes that it should end with."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.options = options
        self.path, self.failures = folder / "mags.jsonl", folder / "failures.jsonl"
        self.journal = folder / "journal.sqlite"
        discuss_to_file(QUESTIONS, folder / "whole.jsonl", self.failures, seats=table(*speakers()), **options)
        self.whole = (folder / "whole.jsonl").read_bytes()

    def discuss(self, teachers: list[Speaker], **more: Any) -> Stored:
        with Journal(self.journal) as journal:
            return discuss_to_file(
                QUESTIONS, self.path, self.failures, seats=table(*teachers), journal=journal, **self.options | more
            )


@pytest.fixture
def bench(tmp_path: Path, options: dict[str, Any]) -> Bench:
    return Bench(tmp_path, options)


def test_a_finished_file_is_left_as_it_is(bench: Bench) -> None:
    assert bench.discuss(speakers()) == Stored(mags=25, kept=0, failed=0)
    assert bench.path.read_bytes() == bench.whole
    seen: list[str] = []
    again = speakers()
    assert bench.discuss(again, on_mag=lambda mag: seen.append(mag.id)) == Stored(mags=25, kept=25, failed=0)
    assert bench.path.read_bytes() == bench.whole
    assert sum(teacher.calls for teacher in again) == 0
    assert seen == [question.id for question in QUESTIONS]
    assert not bench.failures.exists()


@pytest.mark.parametrize("cut", [0, 1, 5_000, -1, -40], ids=str)
def test_a_torn_file_goes_on_where_it_was(bench: Bench, cut: int) -> None:
    bench.discuss(speakers())
    bench.path.write_bytes(bench.whole[:cut])
    again = speakers()
    bench.discuss(again)
    assert bench.path.read_bytes() == bench.whole
    assert sum(teacher.calls for teacher in again) == 0


def test_lines_are_kept_where_there_is_no_journal(bench: Bench) -> None:
    bench.path.write_bytes(bench.whole[: len(bench.whole) // 2])
    kept = bench.path.read_bytes().count(b"\n")
    teachers = speakers()
    bench.discuss(teachers)
    assert bench.path.read_bytes() == bench.whole
    asked = {json.loads(asked)["messages"][-1]["content"] for asked in teachers[0].asked}
    assert not any(f"What is {number} + 1?" in prompt for prompt in asked for number in range(kept))


def test_failed_questions_are_tried_again_and_take_their_place(bench: Bench) -> None:
    down = {3, 4, 11, 24}

    def say(request: Request) -> str:
        if any(f"What is {number} + 1?" in request.messages[-1].content for number in down):
            raise TeacherError("server down")
        return teachers[1].opinion(request)

    teachers = speakers()
    teachers[1].say = say
    assert bench.discuss(teachers) == Stored(mags=21, kept=0, failed=4)
    records = [json.loads(line) for line in bench.failures.read_text().splitlines()]
    assert [record["question"] for record in records] == ["q3", "q4", "q11", "q24"]
    assert {record["error"] for record in records} == {"server down"}
    down -= {3, 24}
    assert bench.discuss(teachers) == Stored(mags=23, kept=21, failed=2)
    down.clear()
    (bench.journal).unlink()  # even so: lines that are there are not asked for again
    again = speakers()
    assert bench.discuss(again) == Stored(mags=25, kept=23, failed=0)
    assert bench.path.read_bytes() == bench.whole
    assert not bench.failures.exists()
    assert {question.id for question in QUESTIONS if f"{question.text}" in "".join(again[0].asked)} == {"q4", "q11"}
    assert sorted(path.name for path in bench.path.parent.iterdir() if "partial" in path.name) == []


def test_a_finished_file_needs_no_teacher_that_can_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(self: Speaker) -> None:
        raise ConfigError("there is no key")

    bench.discuss(speakers())
    monkeypatch.setattr(Speaker, "check", check)
    assert bench.discuss(speakers()).kept == 25
    bench.path.unlink()
    with pytest.raises(ConfigError, match="there is no key"):
        bench.discuss(speakers())


def test_an_interrupt_ends_all_calls_before_the_journal_is_closed(bench: Bench) -> None:
    def interrupt(mag: Any) -> None:
        raise KeyboardInterrupt

    teachers = speakers()
    for teacher in teachers:
        teacher.delay = 0.005
    with pytest.raises(KeyboardInterrupt):
        bench.discuss(teachers, on_mag=interrupt)
    calls = [teacher.calls for teacher in teachers]
    assert not [thread for thread in threading.enumerate() if thread.name == "discussions"]
    assert [teacher.closed for teacher in teachers] == [1, 1, 1]
    bench.discuss(teachers)
    assert bench.path.read_bytes() == bench.whole
    again = sum(count - 1 for teacher in teachers for count in teacher.asked.values())
    assert again <= 3 * 8  # what was under way
    assert sum(calls) > 0


def test_a_limit_leaves_what_was_finished(bench: Bench) -> None:
    teachers = speakers()
    stops = 0
    while True:
        try:
            bench.discuss(teachers, budget=Budget(max_calls=11))
            break
        except LimitReached:
            stops += 1
            ids = [mag.id for mag in read_mags(bench.path)]
            assert ids == sorted(ids, key=lambda name: int(name[1:]))
    assert stops >= 8
    assert bench.path.read_bytes() == bench.whole
    assert all(count == 1 for teacher in teachers for count in teacher.asked.values())


def test_another_file_is_refused(bench: Bench) -> None:
    bench.discuss(speakers())
    with pytest.raises(RunDirectoryError, match="other discussions"):
        bench.discuss(speakers(), protocol_name="debate")
    other = bench.whole.replace(b"What is 7 + 1?", b"What is 8 + 8?")
    bench.path.write_bytes(other)
    with pytest.raises(RunDirectoryError, match="q7"):
        bench.discuss(speakers())
    assert bench.path.read_bytes() == other


def test_a_disk_that_takes_no_more_is_one_clear_error(bench: Bench) -> None:
    room = len(bench.whole) // 2
    bench.discuss(teachers := speakers())
    bench.path.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # a write that crosses it fails, as on a full disk
    try:
        with pytest.raises(StorageError, match=r"mags\.jsonl cannot be written"):
            discuss_to_file(QUESTIONS, bench.path, bench.failures, seats=table(*speakers()), **bench.options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert 0 < bench.path.stat().st_size <= room
    calls = sum(teacher.calls for teacher in teachers)
    bench.discuss(teachers)
    assert bench.path.read_bytes() == bench.whole
    assert sum(teacher.calls for teacher in teachers) == calls
