"""A disk that is slow or full: no more replies are paid for than there are places beside what is on it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from magdi.core.discussion.budget import Budget
from magdi.core.discussion.calls import Calls
from magdi.core.discussion.driver import hold_discussions
from magdi.core.discussion.gate import Stop
from magdi.core.discussion.journal import Entry, Journal
from magdi.core.errors import StorageError
from magdi.core.mag import Message
from magdi.core.teacher import Reply, Request
from tests.core.discussion.discussion_stage import FAST, Speaker, numbered, speakers, table

PLACES, ASKED = 8, 100


class SlowDisk(Journal):
    """Commits when it may, once for each time."""

    def __init__(self, path: Path, *, cache: Path | None = None) -> None:
        super().__init__(path, cache=cache)
        self.may_commit = threading.Semaphore(0)

    def _commit(self, entries: Sequence[Entry]) -> dict[bytes, Reply]:
        self.may_commit.acquire()
        return super()._commit(entries)


async def settled() -> None:
    """Returns when all that waits for nothing but the event loop is done."""
    for _ in range(20 * ASKED):
        await asyncio.sleep(0)


@pytest.mark.parametrize("cached", [False, True])
def test_no_more_are_asked_for_than_there_are_places_beside_what_is_on_the_disk(tmp_path: Path, cached: bool) -> None:
    teacher = Speaker("a")
    teacher.concurrency = PLACES
    cache = tmp_path / "cache.sqlite" if cached else None
    sent_and_kept: list[tuple[int, int]] = []

    async def ask_all(journal: SlowDisk) -> None:
        calls = Calls(journal=journal, budget=Budget(), stop=Stop(), retry=FAST, tell=lambda event: None)
        requests = [Request(messages=(Message(role="user", content=str(number)),)) for number in range(ASKED)]
        asking = {asyncio.ensure_future(calls.ask("a", teacher, request)) for request in requests}
        while asking:
            await settled()
            sent_and_kept.append((teacher.calls, len(journal)))
            journal.may_commit.release()
            _, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        journal.may_commit.release()  # for those that closing has to write, of which there are none

    with SlowDisk(tmp_path / "journal.sqlite", cache=cache) as journal:
        asyncio.run(ask_all(journal))
        assert len(journal) == teacher.calls == ASKED
    assert sent_and_kept[0] == (PLACES, 0)  # a disk that stands still stops everything
    assert all(sent - kept <= PLACES for sent, kept in sent_and_kept)
    assert len(sent_and_kept) <= 2 * ASKED // PLACES + 2  # all that came in while one commit was made share the next


def test_a_full_disk_is_one_clear_error_and_loses_nothing(tmp_path: Path, options: dict[str, Any]) -> None:
    undisturbed = list(hold_discussions(numbered(60), seats=table(*speakers()), **options))
    teachers = speakers()
    for teacher in teachers:
        teacher.concurrency = 2
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal._writing.execute("PRAGMA max_page_count = 20")  # SQLite then says what it says of a full disk
        with pytest.raises(StorageError, match="database or disk is full") as full:
            list(hold_discussions(numbered(60), seats=table(*teachers), journal=journal, **options))
        assert "run the same command again" in full.value.hint
        kept = len(journal)
        assert 0 < kept < 180
        assert sum(teacher.calls for teacher in teachers) - kept <= 3 * 2  # nobody paid for what cannot be kept
    with Journal(tmp_path / "journal.sqlite") as journal:
        more = speakers()
        assert list(hold_discussions(numbered(60), seats=table(*more), journal=journal, **options)) == undisturbed
        assert sum(teacher.calls for teacher in more) == len(journal) - kept
