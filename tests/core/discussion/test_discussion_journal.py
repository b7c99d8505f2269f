from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from magdi.core.discussion.driver import hold_discussions
from magdi.core.discussion.journal import Entry, Journal, JournalReader, canonical, prompt_key, reply_key
from magdi.core.errors import DataError, StorageError
from magdi.core.mag import Message, Usage
from magdi.core.teacher import Reply, Request, Sampling
from tests.core.discussion.discussion_stage import Speaker, numbered, speakers, table


def request(text: str = "hello", **fields: Any) -> Request:
    return Request(messages=(Message(role="user", content=text),), **fields)


async def put_all(journal: Journal, names: Iterable[str]) -> list[Reply]:
    return await asyncio.gather(
        *(journal.put(Entry(name.encode(), b"p", "t", "{}"), Reply(text=f"reply to {name}")) for name in names)
    )


def test_equal_requests_have_equal_keys_and_any_difference_another() -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}}
    variants = [
        request(),
        request("hello "),
        request(sampling=Sampling(temperature=0.8)),
        request(sampling=Sampling(seed=1)),
        request(sample=1),
        request(json_schema=schema),
        Request(messages=(Message(role="system", content="hello"),)),
        Request(messages=(Message(role="user", content="hel"), Message(role="user", content="lo"))),
    ]
    keys = [reply_key(teacher, prompt_key(canonical(each))) for each in variants for teacher in ("a", "b")]
    assert len(set(keys)) == 16
    reordered = request(json_schema={"properties": {"b": {}, "a": {}}, "type": "object"})
    assert canonical(reordered) == canonical(request(json_schema=schema))


def test_keys_are_the_same_in_every_version() -> None:
    # A journal that was paid for stays good: this value must never change.
    text = canonical(request("2 + 2?", sampling=Sampling(temperature=0.5, max_tokens=10), sample=2))
    assert text == '{"messages":[["user","2 + 2?"]],"sample":2,"sampling":{"max_tokens":10,"temperature":0.5}}'
    assert reply_key("t", prompt_key(text)).hex()[:16] == "77053bde7238e806"


def test_what_was_put_is_on_disk_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.sqlite"
    journal = Journal(path)
    reply = Reply(text="naïve ☃ \u2028 \x00", usage=Usage(prompt_tokens=3, cost=0.5), finish_reason="length")
    asyncio.run(journal.put(Entry(b"key", b"p", "t", "{}"), reply))
    row = sqlite3.connect(path).execute("SELECT reply FROM replies").fetchone()
    assert Reply.model_validate_json(row[0]) == reply == journal.get(b"key")
    assert journal.get(b"other") is None
    journal.close()
    with Journal(path) as again:
        assert again.get(b"key") == reply


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch(0o644)
    journal = Journal(path)
    asyncio.run(put_all(journal, ["a"]))
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    assert modes == {f"journal.sqlite{suffix}": "0o600" for suffix in ("", "-wal", "-shm")}
    journal.close()


def test_it_is_read_where_nobody_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        asyncio.run(put_all(journal, "ab"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert len(list(JournalReader(tmp_path / "j.sqlite").entries())) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["j.sqlite"]  # no index that is shared with writers


def test_many_replies_share_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    batches: list[int] = []
    commit = journal._commit
    monkeypatch.setattr(journal, "_commit", lambda entries: (batches.append(len(entries)), commit(entries))[1])
    replies = asyncio.run(put_all(journal, map(str, range(500))))
    assert [reply.text for reply in replies] == [f"reply to {number}" for number in range(500)]
    assert sum(batches) == len(journal) == 500
    assert len(batches) < 10
    journal.close()


def test_the_first_reply_to_a_key_stands(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as first, Journal(path) as second:
        asyncio.run(first.put(Entry(b"k", b"p", "t", "{}"), Reply(text="first")))
        kept = asyncio.run(second.put(Entry(b"k", b"p", "t", "{}"), Reply(text="second")))
        assert kept.text == "first" == second.get(b"k").text


def test_a_reply_whose_question_was_given_up_is_kept_all_the_same(tmp_path: Path) -> None:
    """It has been paid for, and so have those that are written with it."""

    async def given_up(journal: Journal) -> list[list[Reply] | BaseException]:
        putting = [asyncio.ensure_future(put_all(journal, [name])) for name in "abc"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # all three are under way
        putting[1].cancel()
        return await asyncio.gather(*putting, return_exceptions=True)

    with Journal(tmp_path / "journal.sqlite") as journal:
        _, cancelled, _ = outcome = asyncio.run(given_up(journal))
        assert isinstance(cancelled, asyncio.CancelledError)
        assert outcome[::2] == [[Reply(text="reply to a")], [Reply(text="reply to c")]]
        assert [journal.get(name).text for name in (b"a", b"b", b"c")] == ["reply to a", "reply to b", "reply to c"]


def test_two_processes_may_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"

    def write(who: str) -> None:
        with Journal(path) as journal:
            for start in range(0, 200, 20):
                asyncio.run(put_all(journal, [f"{who}{number}" for number in range(start, start + 20)]))

    Journal(path).close()
    threads = [threading.Thread(target=write, args=(who,)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Journal(path) as journal:
        assert len(journal) == 400


def test_a_cache_serves_another_run_which_keeps_a_copy(tmp_path: Path, options: dict[str, Any]) -> None:
    cache = tmp_path / "cache" / "journal.sqlite"
    first, second = speakers(), speakers()
    with Journal(tmp_path / "one.sqlite", cache=cache) as journal:
        held = list(hold_discussions(numbered(8), seats=table(*first), journal=journal, **options))
    with Journal(tmp_path / "two.sqlite", cache=cache) as journal:
        assert list(hold_discussions(numbered(8), seats=table(*second), journal=journal, **options)) == held
    assert sum(teacher.calls for teacher in second) == 0
    with Journal(tmp_path / "one.sqlite") as one, Journal(tmp_path / "two.sqlite") as two:
        assert sorted(one.entries()) == sorted(two.entries())


def test_a_changed_prompt_asks_again_and_an_unchanged_one_never(tmp_path: Path, options: dict[str, Any]) -> None:
    teacher = Speaker("a")
    questions = numbered(3)
    for wording in ("What is", "What is", "Say what is"):
        asked = [each.model_copy(update={"text": each.text.replace("What is", wording)}) for each in questions]
        with Journal(tmp_path / "journal.sqlite") as journal:
            list(hold_discussions(asked, seats=table(teacher), journal=journal, **options))
    assert teacher.calls == 6
    assert set(teacher.asked.values()) == {1}


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are my notes, and no database at all, of some length" * 20)
    with pytest.raises(DataError, match="is no journal"):
        Journal(tmp_path / "notes.txt")
    with pytest.raises(StorageError, match="cannot be opened"):
        Journal(tmp_path)


@pytest.mark.parametrize(
    "doing",
    [
        "CREATE VIEW replies AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) SELECT key FROM n",
        "CREATE TABLE replies (key, prompt, reply AS (zeroblob(900000000)))",
        "CREATE TABLE replies (key); CREATE TRIGGER t AFTER INSERT ON replies BEGIN DELETE FROM replies; END",
    ],
)
def test_a_journal_that_does_what_somebody_else_has_written_is_refused(tmp_path: Path, doing: str) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(doing)
    for opened in (Journal, JournalReader):
        with pytest.raises(DataError, match="is no journal of magdi: it makes what it holds"):
            opened(path)


def test_a_reply_that_a_disk_has_changed_is_asked_for_again(tmp_path: Path, options: dict[str, Any]) -> None:
    path, teachers = tmp_path / "journal.sqlite", speakers()
    with Journal(path) as journal:
        held = list(hold_discussions(numbered(6), seats=table(*teachers), journal=journal, **options))
        kept = len(journal)
    with sqlite3.connect(path) as database:
        for place, column, change in (
            (3, "reply", "reply || ' '"),
            (5, "reply", "'{'"),
            (9, "teacher", "'x'"),
        ):
            database.execute(f"UPDATE replies SET {column} = {change} WHERE rowid = {place}")
        database.execute("UPDATE replies SET reply = CAST(x'ff00fe' AS TEXT) WHERE rowid = 7")
    database.close()
    for again, damaged in ((4, 4), (0, 0)):
        more = speakers()
        with Journal(path) as journal:
            assert list(hold_discussions(numbered(6), seats=table(*more), journal=journal, **options)) == held
            assert journal.damaged == damaged
            assert len(journal) == len(list(journal.entries())) == kept
        assert sum(teacher.calls for teacher in more) == again


def test_a_sound_copy_in_the_cache_replaces_a_damaged_reply(tmp_path: Path, options: dict[str, Any]) -> None:
    path, cache = tmp_path / "journal.sqlite", tmp_path / "cache.sqlite"
    with Journal(path, cache=cache) as journal:
        held = list(hold_discussions(numbered(3), seats=table(*speakers()), journal=journal, **options))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE replies SET reply = '{}'")
    database.close()
    more = speakers()
    with Journal(path, cache=cache) as journal:
        assert list(hold_discussions(numbered(3), seats=table(*more), journal=journal, **options)) == held
    assert sum(teacher.calls for teacher in more) == 0
    with Journal(path) as one, Journal(cache) as two:
        assert sorted(one.entries()) == sorted(two.entries())


def test_a_journal_of_before_there_were_checksums_is_good(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        held = list(hold_discussions(numbered(3), seats=table(*speakers()), journal=journal, **options))
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE replies DROP COLUMN checksum")
        database.execute("PRAGMA user_version = 1")
    database.close()
    more = speakers()
    with Journal(path) as journal:
        assert list(hold_discussions(numbered(3), seats=table(*more), journal=journal, **options)) == held
        asyncio.run(put_all(journal, ["new"]))
        assert journal.get(b"new") == Reply(text="reply to new")
    assert sum(teacher.calls for teacher in more) == 0


@pytest.mark.parametrize("by", [bytes(40), b"\xff" * 40], ids=["zeros", "ones"])
@pytest.mark.parametrize("where", [0, 30, 100, 854, 1024, 1100, 4096, 4200, 9000, 10919])
def test_a_damaged_file_is_one_error_that_loses_nothing_or_none(tmp_path: Path, where: int, by: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        asyncio.run(put_all(journal, map(str, range(200))))
    damaged = bytearray(path.read_bytes())
    damaged[where : where + 40] = by
    path.write_bytes(damaged)
    try:
        with Journal(path) as journal:
            assert all(
                json.loads(entry.reply) == {"text": f"reply to {entry.key.decode()}"} for entry in journal.entries()
            )
    except (DataError, StorageError) as error:
        assert "fresh" not in error.hint  # noqa: PT017
    assert path.stat().st_size == len(damaged)
