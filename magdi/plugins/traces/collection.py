"""Spans as they come in, kept on disk until their trace is complete, and then written as discussions.

Nothing is lost: spans are on the disk before anybody is told that they have been taken, a discussion is before its
spans are let go, and what was begun when the process ended goes on with the next one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from magdi.core.errors import ConfigError, StorageError
from magdi.core.files import MAKE_ROOM, writing
from magdi.plugins.formats.importers.otel.discussions import discussions_in, mag_of
from magdi.plugins.formats.importers.otel.span import Span
from magdi.plugins.formats.importers.otel.span_store import Groups, Row, SpanStore, read_span
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importers.source import Item

KEPT_SECONDS = 3600
"""For how long spans that have been written are known, so that one that is sent again is not taken for a new one."""
LARGEST_TRACE = 1 << 28
"""Characters that the spans of a trace may have together; what comes beyond is refused."""
_AT_ONCE = 64
_SCHEMA = """
CREATE TABLE IF NOT EXISTS written (trace TEXT, id TEXT, at REAL, PRIMARY KEY (trace, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY, size INTEGER NOT NULL);
"""
_STATE = "INSERT OR REPLACE INTO state (one, size) VALUES (1, ?)"
_WRITTEN = """
INSERT OR IGNORE INTO written (at, trace, id)
SELECT ?1, trace, json_extract(span, '$[1]') FROM spans WHERE trace = ?2 AND rowid <= ?3
"""


@dataclass(slots=True)
class _Open:
    """A group of traces that is not complete yet."""

    last: float = 0.0
    rooted: bool = False
    alone: bool = True
    size: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """When a trace is taken for complete.

    Attributes:
        settle: Seconds without a further span once its root is there.
        idle: Seconds without a further span where there is no root, or where a conversation may go on.
    """

    settle: float = 2.0
    idle: float = 60.0


@dataclass(slots=True)
class Counts:
    """What has been done.

    Attributes:
        spans: Spans that were taken.
        refused: Spans that were not.
        mags: Discussions that were written.
        empty: Traces in which no model was called.
        failed: Discussions that could not be read, and why.
        missing: What was left out, cut off or had no right answer, a line each; known once all is read.
    """

    spans: int = 0
    refused: int = 0
    mags: int = 0
    empty: int = 0
    failed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Collection:
    """Takes spans and writes discussions: `take` in one thread, `write_due` in another.

    Args:
        out: The MAG file, to which discussions are added.
        reader: Reads and grades them.
        patience: When a trace is complete.
        clock: Seconds that go on.

    Attributes:
        counts: What has been done.

    Raises:
        ConfigError: Another process writes to the same file.
        StorageError: The files cannot be opened.
    """

    def __init__(
        self, out: Path, reader: Reader, patience: Patience | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.counts = Counts()
        self._out, self._reader, self._patience, self._clock = out, reader, patience or Patience(), clock
        self._groups, self._open = Groups(), dict[str, _Open]()
        self._path, self._lock = out.with_name(f".{out.name}.spans"), threading.Lock()
        with _writing(self._path):
            out.parent.mkdir(parents=True, exist_ok=True)
            self._process = FileLock(f"{self._path}.lock")
            try:
                self._process.acquire(timeout=0)
            except Timeout:
                raise ConfigError(f"another process collects into {out}", hint="name another file with -o") from None
            self._store, self._reading = SpanStore(self._path), SpanStore(self._path)
            self._store.database.executescript(_SCHEMA)
            self._resume()

    def _resume(self) -> None:
        """Goes on where another process has ended: what it had written without letting the spans go is written anew."""
        for row in self._store.all():
            self._note(read_span(row.span), len(row.span))
        self._out.touch()
        written = self._store.database.execute("SELECT size FROM state").fetchone()
        with self._out.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if written is not None and written[0] < size and self._is_ours(file, written[0]):
                file.truncate(written[0])
            elif size and (file.seek(size - 1), file.read())[1] != b"\n":
                file.write(b"\n")
            self._store.database.execute(_STATE, (file.seek(0, os.SEEK_END),))

    def _is_ours(self, file: IO[bytes], start: int) -> bool:
        """Returns whether all that stands behind a place was written from spans that are here still."""
        file.seek(start)
        lines = [line for line in file if line.endswith(b"\n")]
        traces = [trace for line in lines for trace in json.loads(line).get("metadata", {}).get("traces", [None])]
        return all(self._groups.name(str(trace)) in self._open for trace in traces)

    def take(self, batches: Sequence[Sequence[Span]]) -> list[list[str]]:
        """Takes the spans of several requests; when it returns, those that it has not refused are on the disk.

        Returns:
            For each request, why some of its spans were refused.

        Raises:
            StorageError: They cannot be kept; none of them is.
        """
        with self._lock, _writing(self._path):
            coming, taken = Counter[str](), list[tuple[Span, Row]]()
            refused = [[why for span in batch if (why := self._why_not(span, coming, taken))] for batch in batches]
            self._store.add(row for _, row in taken)
            for span, row in taken:
                self._note(span, len(row.span))
            self.counts.refused += sum(map(len, refused))
            self.counts.spans += len(taken)
            return refused

    def _why_not(self, span: Span, coming: Counter[str], taken: list[tuple[Span, Row]]) -> str:
        """Adds a span to those that are taken unless it is known already; returns why it cannot be, "" where it can."""
        row, name = Row.of(span), self._groups.name(span.trace)
        held = self._open[name].size if name in self._open else 0
        if held + coming[name] + len(row.span) > LARGEST_TRACE:
            return f"trace {span.trace} has more than {LARGEST_TRACE >> 20} MiB"
        if not self._is_written(span):
            taken.append((span, row))
            coming[name] += len(row.span)
        return ""

    def _is_written(self, span: Span) -> bool:
        query = "SELECT 1 FROM written WHERE trace = ? AND id = ?"
        return self._store.database.execute(query, (span.trace, span.id)).fetchone() is not None

    def _note(self, span: Span, size: int) -> None:
        before = self._groups.name(span.trace)
        name = self._groups.add(span)
        one = self._open.setdefault(name, _Open())
        if before != name and (other := self._open.pop(before, None)):
            one.size, one.rooted = one.size + other.size, one.rooted or other.rooted
        one.last = self._clock()
        one.size += size
        one.rooted |= bool(span.name) and not span.parent
        one.alone = name == span.trace

    def write_due(self, *, everything: bool = False) -> int:
        """Writes the discussions of traces that are complete; returns how many traces or conversations these were.

        Args:
            everything: Take all for complete.

        Raises:
            StorageError: The file cannot be written; the spans are kept.
        """
        with self._lock:
            due = [name for name, one in self._open.items() if everything or self._is_due(one)]
        for start in range(0, len(due), _AT_ONCE):
            with self._lock:
                names = [name for name in due[start : start + _AT_ONCE] if name in self._open]
                groups = {name: (list(self._groups.traces(name)), self._open[name].size) for name in names}
                (last,) = self._store.database.execute("SELECT coalesce(max(rowid), 0) FROM spans").fetchone()
            lines = [line for traces, _ in groups.values() for line in self._lines(traces, last)]
            with writing(self._out), self._out.open("ab") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            self.counts.mags += len(lines)
            self._let_go(groups, last, size)
        return len(due)

    def _is_due(self, one: _Open) -> bool:
        patience = self._patience.settle if one.rooted and one.alone else self._patience.idle
        return self._clock() - one.last >= patience

    def _lines(self, traces: Sequence[str], last: int) -> list[bytes]:
        """Returns the discussions in traces as lines; those of spans that came too late for the first are numbered."""
        spans = [read_span(row.span) for row in self._reading.rows(traces, last)]
        before = "SELECT count(DISTINCT at) FROM written WHERE trace = ?"
        (count,) = self._reading.database.execute(before, (traces[0],)).fetchone()
        try:
            mags = [
                mag_of(each, Item(self._out, 0, 0, each), self._reader) for each in discussions_in(spans, self._reader)
            ]
            if count:
                mags = [mag.model_copy(update={"id": f"{mag.id}~{count + 1}"}) for mag in mags]
            lines = [f"{mag.to_line()}\n".encode() for mag in mags]
        except Exception as error:  # over spans that are not as they should be; the others are written
            self.counts.failed.append(f"trace {traces[0]}: {error}")
            return []
        self.counts.empty += not mags
        return lines

    def _let_go(self, groups: Mapping[str, tuple[Sequence[str], int]], last: int, size: int) -> None:
        """Forgets spans that have been written, but those that have come meanwhile."""
        now = time.time()
        with self._lock, _writing(self._path), self._store.transaction() as database:
            for traces, _ in groups.values():
                database.executemany(_WRITTEN, [(now, trace, last) for trace in traces])
                database.executemany("DELETE FROM spans WHERE trace = ? AND rowid <= ?", [(t, last) for t in traces])
            database.execute("DELETE FROM written WHERE at < ?", (now - KEPT_SECONDS,))
            database.execute(_STATE, (size,))
            for name, (_, held) in groups.items():
                if self._open[name].size == held:
                    del self._open[name]
                    self._groups.drop(name)

    def close(self) -> None:
        """Writes what there is, complete or not, and lets the files go.

        Raises:
            StorageError: The file cannot be written; the spans are kept for the next time.
        """
        try:
            self.write_due(everything=True)
        finally:
            self._store.close()
            self._reading.close()
            self._process.release()
        for ending in ("", "-wal", "-shm", ".lock"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns the failure of a write to the spans that are kept into one clear error."""
    try:
        with writing(path):
            yield
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be written: {error}", hint=MAKE_ROOM) from error
