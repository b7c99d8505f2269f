"""The journal: every reply that was ever paid for, on disk before a protocol sees it.

SQLite in WAL mode. Replies that arrive while a commit is under way are committed together by the next one, so that
being durable costs one fsync per batch and not one per reply. A reply is kept under the hash of the teacher's identity
and the request: a changed prompt asks again, an unchanged one never does. Each row has a checksum: a reply that a disk
has changed is counted and asked for again, and takes the place of the changed one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from magdi.core.errors import DataError, StorageError
from magdi.core.files import MAKE_ROOM
from magdi.core.teacher import Reply, Request

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key BLOB PRIMARY KEY NOT NULL,
    prompt BLOB NOT NULL,
    teacher TEXT NOT NULL,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    checksum INTEGER
) STRICT;
"""
_VERSION = 2  # 1 had no checksums; its rows have none, and are taken as they are
_INSERT = "INSERT OR IGNORE INTO replies (key, prompt, teacher, request, reply, checksum) VALUES (?, ?, ?, ?, ?, ?)"
_TEXTS = "CAST(teacher AS BLOB), CAST(request AS BLOB), CAST(reply AS BLOB)"  # a disk may have made no text of them
_SELECT = f"SELECT key, prompt, {_TEXTS}, checksum FROM replies"
Kept = asyncio.Future[Reply | None]
"""Done when an entry is on disk, with the reply that is kept instead of it where another was first."""

FAULTS = (sqlite3.Error, MemoryError, UnicodeDecodeError)  # what comes of a file that a disk has changed
BUSY_SECONDS = 60.0  # how long to wait for another process that writes to the same journal
PAGE_BYTES = 1024  # of a new journal; SQLite's default of 4096 writes twice as much in all
GATHERED = 2  # turns of the loop without another reply, after which those that wait are committed
LOG_BYTES = 16 * 2**20  # that the write-ahead log may grow to


class Entry(NamedTuple):
    """One row.

    Attributes:
        key: Hash of teacher and request.
        prompt: Hash of the request alone; what a replay looks for.
        teacher: The teacher's identity.
        request: Canonical JSON of the request.
        reply: JSON of the reply; empty until there is one.
    """

    key: bytes
    prompt: bytes
    teacher: str
    request: str
    reply: str = ""

    @property
    def checksum(self) -> int:
        """Of all of it; what an equal row has had since it was written."""
        texts = (text.encode() for text in (self.teacher, self.request, self.reply))
        return zlib.crc32(b"\0".join((self.key, self.prompt, *texts)))

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Entry | None:
        """Returns what is in a row as it was written; None where it is not that any more."""
        *fields, checksum = row
        with contextlib.suppress(ValueError, TypeError, AttributeError):  # no UTF-8, no JSON of a reply, nothing at all
            entry = cls(*fields[:2], *(text.decode() for text in fields[2:]))
            if checksum is None:
                Reply.model_validate_json(entry.reply)
            return entry if checksum in (None, entry.checksum) else None
        return None


def canonical(request: Request) -> str:
    """Returns a request as JSON that is the same for equal requests, whatever the version of magdi.

    What is not set is left out, so that a field that is new in a later version changes no key.
    """
    fields: dict[str, object] = {
        "messages": [[message.role, message.content] for message in request.messages],
        "sampling": {name: value for name, value in vars(request.sampling).items() if value is not None},
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


class JournalReader:
    """What is in a journal, read without writing to it.

    Args:
        path: The SQLite file.

    Attributes:
        path: The same.

    Raises:
        DataError: It is missing, no journal, or too damaged to be one.
    """

    _select = _SELECT

    def __init__(self, path: Path) -> None:
        self.path = path
        self._damaged: set[bytes] = set()
        try:
            where = f"file:{quote(str(path))}?mode=ro{_unshared(path)}"
            self._reading = sqlite3.connect(where, uri=True, check_same_thread=False, isolation_level=None)
            _check_plain(self._reading, path)
            if "checksum" not in {column[1] for column in self._reading.execute("PRAGMA table_info(replies)")}:
                self._select = _SELECT.replace(", checksum", ", NULL")
            self._reading.execute(f"{self._select} LIMIT 1").fetchone()
        except FAULTS as error:
            raise DataError(f"{path} is no journal: {error}") from error

    def find(self, key: bytes) -> Entry | None:
        """Returns what was kept under a key; None where there is nothing, or nothing as it was written."""
        for row in self._rows(f"{self._select} WHERE key = ?", key):
            entry = Entry.of_row(row)
            if entry is None:
                self._damaged.add(key)
            return entry
        return None

    def entries(self) -> Iterator[Entry]:
        """Yields all that is kept, in the order in which it came; what has changed since is left out, and counted."""
        for row in self._rows(f"{self._select} ORDER BY rowid"):
            entry = Entry.of_row(row)
            if entry is None:
                self._damaged.add(row[0])
            else:
                yield entry

    def _rows(self, query: str, *values: object) -> Iterator[Sequence[Any]]:
        try:
            yield from self._reading.execute(query, values)
        except FAULTS as error:
            raise _error(self.path, error) from error


class Journal(JournalReader):
    """Replies by key, durable, shared between threads; see the module's head.

    Args:
        path: The SQLite file; made with permissions 0600, its folder where that is missing.
        cache: A second journal, shared between runs: looked into after this one, and written to as well.

    Raises:
        DataError: The file is no journal, or too damaged to be one.
        StorageError: It cannot be opened for writing.
    """

    def __init__(self, path: Path | str, *, cache: Path | str | None = None) -> None:
        self.path = Path(path)
        self._cache = Journal(cache) if cache is not None else None
        try:
            _make_private(self.path)
            self._writing = _connect(self.path)
            _check_plain(self._writing, self.path)
            _prepare(self._writing)
            self._reading = _connect(self.path)
        except OSError as error:
            raise StorageError(f"journal {self.path} cannot be opened: {error.strerror}") from error
        except FAULTS as error:
            raise _error(self.path, error) from error
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[Entry, Kept]] = []
        self._adopted: list[Entry] = []
        self._flushing: asyncio.AbstractEventLoop | None = None
        self._damaged: set[bytes] = set()

    @property
    def damaged(self) -> int:
        """How many replies were looked for and found changed since they were written."""
        return len(self._damaged) + (self._cache.damaged if self._cache else 0)

    def get(self, key: bytes) -> Reply | None:
        """Returns the reply that was kept under a key."""
        entry = self.find(key)
        if entry is None and self._cache is not None:
            entry = self._cache.find(key)
            if entry is not None:
                self._adopted.append(entry)  # written with the next batch: a run's own journal holds all of the run
        return None if entry is None else Reply.model_validate_json(entry.reply)

    async def put(self, entry: Entry, reply: Reply) -> Reply:
        """Keeps a reply to what an entry asks, and returns once it is on disk.

        Returns:
            The reply that the journal now holds: another process may have been first.

        Raises:
            StorageError: It cannot be written, e.g. because the disk is full.
        """
        if self._cache is not None:
            reply = await self._cache.put(entry, reply)
        kept: Kept = (loop := asyncio.get_running_loop()).create_future()
        self._waiting.append((entry._replace(reply=reply.model_dump_json(exclude_defaults=True)), kept))
        if self._flushing is not loop:
            self._flushing = loop
            loop.call_soon(self._gather, loop, 0, 0)
        return await kept or reply

    def __len__(self) -> int:
        return next(int(row[0]) for row in self._rows("SELECT count(*) FROM replies"))

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

    def _gather(self, loop: asyncio.AbstractEventLoop, known: int, turns: int) -> None:
        """Waits for replies that the loop is about to read: a commit for each would cost more than all of them do."""
        if (count := len(self._waiting)) > known or turns < GATHERED:
            loop.call_soon(self._gather, loop, count, 0 if count > known else turns + 1)
        else:
            self._flush(loop)

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
            self._gather(loop, 0, 0)
        else:
            self._flushing = None

    def _commit(self, entries: Sequence[Entry]) -> dict[bytes, Reply]:
        """Writes entries and returns, by key, the replies that were there before and are kept instead."""
        database = self._writing
        try:
            database.execute("BEGIN IMMEDIATE")
            self._make_way(entry.key for entry in entries)
            before = database.total_changes
            database.executemany(_INSERT, [(*entry, entry.checksum) for entry in entries])
            first: dict[bytes, Reply] = {}
            if database.total_changes - before < len(entries):
                kept = "SELECT reply FROM replies WHERE key = ?"
                rows = {entry.key: database.execute(kept, (entry.key,)).fetchone()[0] for entry in entries}
                first = {key: Reply.model_validate_json(row) for key, row in rows.items()}
            database.execute("COMMIT")
        except FAULTS as error:
            if database.in_transaction:
                with contextlib.suppress(*FAULTS):
                    database.execute("ROLLBACK")
            raise _error(self.path, error) from error
        return first

    def _make_way(self, keys: Iterable[bytes]) -> None:
        """Takes away the rows of keys that are damaged, unless another process has replaced them by now."""
        for key in self._damaged.intersection(keys):
            rows = self._writing.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchall()
            if rows and Entry.of_row(rows[0]) is None:
                self._writing.execute("DELETE FROM replies WHERE key = ?", (key,))


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # A commit writes a whole page of the index for each of its keys, which are random: small pages, seldom copied back.
    database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // PAGE_BYTES}")
    return database


def _unshared(path: Path) -> str:
    """Returns what lets SQLite read where it may not write: else it has to share its files' index with writers."""
    beside = path.with_name(f"{path.name}-wal").exists()
    return "" if beside or os.access(path.parent, os.W_OK) else "&immutable=1"


def _check_plain(database: sqlite3.Connection, path: Path) -> None:
    """Raises DataError where a file holds more than data: SQLite itself does what triggers, views and columns say."""
    doing = database.execute("SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall()
    doing += [("column", row[1]) for row in database.execute("PRAGMA table_xinfo(replies)") if row[6]]
    if doing:
        what = ", ".join(f"{kind} {name}" for kind, name in doing[:3])
        raise DataError(f"{path} is no journal of magdi: it makes what it holds ({what})")


def _prepare(database: sqlite3.Connection) -> None:
    """Makes the table, or gives the one of an earlier version the column that it lacks."""
    database.executescript(_SCHEMA)
    if database.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
        if "checksum" not in {column[1] for column in database.execute("PRAGMA table_info(replies)")}:
            database.execute("ALTER TABLE replies ADD COLUMN checksum INTEGER")
        database.execute(f"PRAGMA user_version = {_VERSION}")


def _make_private(path: Path) -> None:
    """Makes the file readable for its owner alone; SQLite gives its -wal and -shm files the same permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def _error(path: Path, error: Exception) -> DataError | StorageError:
    """Returns what is said of a journal that fails: that it is no good, or that it cannot be written just now."""
    other = isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.DatabaseError)
    if other or isinstance(error, sqlite3.OperationalError):
        return StorageError(
            f"journal {path} cannot be written: {error}",
            hint=MAKE_ROOM if "full" in str(error) else "what was written before is kept; the same command goes on",
        )
    return DataError(
        f"{path} is no journal, or damaged: {str(error) or type(error).__name__}",
        hint=f"put a copy of it back; or sqlite3 {path.name} .recover | sqlite3 mended.sqlite saves the replies that "
        "can be read",
    )
