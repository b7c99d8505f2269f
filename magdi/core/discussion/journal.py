"""The journal: every reply that was ever paid for, on disk before a protocol sees it.

SQLite in WAL mode. Replies that arrive while a commit is under way are committed together by the next one, so that
being durable costs one fsync per batch and not one per reply. A reply is kept under the hash of the teacher's identity
and the request: a changed prompt asks again, an unchanged one never does.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from magdi.core.errors import DataError, StorageError
from magdi.core.teacher import Reply, Request

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key BLOB PRIMARY KEY NOT NULL,
    prompt BLOB NOT NULL,
    teacher TEXT NOT NULL,
    request TEXT NOT NULL,
    reply TEXT NOT NULL
) STRICT;
PRAGMA user_version = 1;
"""
Kept = asyncio.Future[Reply | None]
"""Done when an entry is on disk, with the reply that is kept instead of it where another was first."""

BUSY_SECONDS = 60.0  # how long to wait for another process that writes to the same journal


class Entry(NamedTuple):
    """One row.

    Attributes:
        key: Hash of teacher and request.
        prompt: Hash of the request alone; what a replay looks for.
        teacher: The teacher's identity.
        request: Canonical JSON of the request.
        reply: JSON of the reply.
    """

    key: bytes
    prompt: bytes
    teacher: str
    request: str
    reply: str


def canonical(request: Request) -> str:
    """Returns a request as JSON that is the same for equal requests, whatever the version of magdi.

    What is not set is left out, so that a field that is new in a later version changes no key.
    """
    fields: dict[str, Any] = {
        "messages": [[message.role, message.content] for message in request.messages],
        "sampling": {name: value for name, value in request.sampling if value is not None},
    }
    if request.json_schema is not None:
        fields["schema"] = request.json_schema
    if request.sample:
        fields["sample"] = request.sample
    return _CANONICAL.encode(fields)


def prompt_key(request: str) -> bytes:
    """Returns the hash of a canonical request."""
    return hashlib.sha256(request.encode("utf-8", "surrogatepass")).digest()


def reply_key(teacher: str, prompt: bytes) -> bytes:
    """Returns the key of a teacher's reply to the request with this `prompt_key`."""
    return hashlib.sha256(teacher.encode() + b"\0" + prompt).digest()


class Journal:
    """Replies by key, durable, shared between threads; see the module's head.

    Args:
        path: The SQLite file; made with permissions 0600, its folder where that is missing.
        cache: A second journal, shared between runs: looked into after this one, and written to as well.

    Raises:
        DataError: The file is no journal.
        StorageError: It cannot be opened for writing.
    """

    def __init__(self, path: Path | str, *, cache: Path | str | None = None) -> None:
        self.path = Path(path)
        self._cache = Journal(cache) if cache is not None else None
        try:
            _make_private(self.path)
            self._writing = _connect(self.path)
            self._writing.executescript(_SCHEMA)
            self._reading = _connect(self.path)
        except OSError as error:
            raise StorageError(f"journal {self.path} cannot be opened: {error.strerror}") from error
        except sqlite3.OperationalError as error:
            raise _storage_error(self.path, error) from error
        except sqlite3.DatabaseError as error:
            raise DataError(f"{self.path} is no journal: {error}", hint="--fresh starts over") from error
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[Entry, Kept]] = []
        self._adopted: list[Entry] = []
        self._flushing: asyncio.AbstractEventLoop | None = None

    def get(self, key: bytes) -> Reply | None:
        """Returns the reply that was kept under a key."""
        entry = self._find(key)
        if entry is None and self._cache is not None:
            entry = self._cache._find(key)
            if entry is not None:
                self._adopted.append(entry)  # written with the next batch: a run's own journal holds all of the run
        return None if entry is None else Reply.model_validate_json(entry.reply)

    def _find(self, key: bytes) -> Entry | None:
        row = self._reading.execute("SELECT * FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else Entry(*row)

    async def put(self, key: bytes, reply: Reply, *, prompt: bytes, teacher: str, request: str) -> Reply:
        """Keeps a reply, and returns once it is on disk.

        Returns:
            The reply that the journal now holds: another process may have been first.

        Raises:
            StorageError: It cannot be written, e.g. because the disk is full.
        """
        if self._cache is not None:
            reply = await self._cache.put(key, reply, prompt=prompt, teacher=teacher, request=request)
        loop = asyncio.get_running_loop()
        kept: Kept = loop.create_future()
        entry = Entry(key, prompt, teacher, request, reply.model_dump_json(exclude_defaults=True))
        self._waiting.append((entry, kept))
        if self._flushing is not loop:
            self._flushing = loop
            loop.call_soon(self._flush, loop)
        return await kept or reply

    def entries(self) -> Iterator[Entry]:
        """Yields all that is kept, in the order in which it came."""
        for row in self._reading.execute("SELECT * FROM replies ORDER BY rowid"):
            yield Entry(*row)

    def __len__(self) -> int:
        return int(self._reading.execute("SELECT count(*) FROM replies").fetchone()[0])

    def close(self) -> None:
        """Commits what is waiting and closes the file."""
        self._writer.shutdown(wait=True)
        left = [*self._adopted, *(entry for entry, _ in self._waiting)]
        self._adopted, self._waiting = [], []
        if left:
            self._commit(left)
        self._reading.close()
        self._writing.close()
        if self._cache is not None:
            self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = self._waiting, []
        adopted, self._adopted = self._adopted, []

        def tell(commit: Future[dict[bytes, Reply]]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed by an interrupt; the replies are on disk
                loop.call_soon_threadsafe(self._settle, loop, batch, commit)

        self._writer.submit(self._commit, [*adopted, *(entry for entry, _ in batch)]).add_done_callback(tell)

    def _settle(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[tuple[Entry, Kept]], commit: Future[dict[bytes, Reply]]
    ) -> None:
        error = commit.exception()
        for entry, kept in batch:
            if kept.done():  # its question was given up meanwhile; the reply is on disk all the same
                continue
            if error is not None:
                kept.set_exception(error)
            else:
                kept.set_result(commit.result().get(entry.key))
        if self._waiting:
            self._flush(loop)
        else:
            self._flushing = None

    def _commit(self, entries: Sequence[Entry]) -> dict[bytes, Reply]:
        """Writes entries and returns, by key, the replies that were there before and are kept instead."""
        database = self._writing
        try:
            database.execute("BEGIN IMMEDIATE")
            before = database.total_changes
            database.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)", entries)
            first: dict[bytes, Reply] = {}
            if database.total_changes - before < len(entries):
                kept = "SELECT reply FROM replies WHERE key = ?"
                rows = {entry.key: database.execute(kept, (entry.key,)).fetchone()[0] for entry in entries}
                first = {key: Reply.model_validate_json(row) for key, row in rows.items()}
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
            raise _storage_error(self.path, error) from error
        return first


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _make_private(path: Path) -> None:
    """Makes the file readable for its owner alone; SQLite gives its -wal and -shm files the same permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _storage_error(path: Path, error: sqlite3.Error) -> StorageError:
    return StorageError(
        f"journal {path} cannot be written: {error}",
        hint="what was written before is kept; make room, then run the same command again",
    )
