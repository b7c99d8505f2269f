"""Spans on disk, by trace: so that any number of them in any order takes little memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from magdi.core.mag import LARGEST
from magdi.plugins.formats.importers.otel.dialects import first
from magdi.plugins.formats.importers.otel.span import Event, Span
from magdi.plugins.formats.importers.otel.threads import CONVERSATIONS

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (trace TEXT NOT NULL, path TEXT NOT NULL, line INTEGER NOT NULL, span TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_trace ON spans (trace);
"""


class Row(NamedTuple):
    """A span as it is kept, and where it came from."""

    trace: str
    path: str
    line: int
    span: str

    @classmethod
    def of(cls, span: Span, path: Path | str = "", line: int = 0) -> Row:
        """Returns the row of a span."""
        return cls(span.trace, str(path), line, _written(span))


class SpanStore:
    """Keeps spans until they are taken.

    Args:
        path: A file that stays; without one it is a file that goes when the store is closed.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.database = sqlite3.connect(path or "", isolation_level=None, check_same_thread=False)
        if path is not None:
            self.database.execute("PRAGMA journal_mode = WAL")
            self.database.execute("PRAGMA synchronous = FULL")
        self.database.executescript(_SCHEMA)

    def add(self, rows: Iterable[Row]) -> None:
        """Adds spans, all or none; where the store has a file of its own they are on the disk then."""
        with self.transaction() as database:
            database.executemany("INSERT INTO spans VALUES (?, ?, ?, ?)", rows)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Does all of what is done in a block, or nothing of it."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield self.database
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def rows(self, traces: Iterable[str], last: int = LARGEST) -> list[Row]:
        """Returns the spans of traces, those that came after the row ``last`` left out."""
        select = "SELECT trace, path, line, span FROM spans WHERE trace = ? AND rowid <= ?"
        return [Row(*row) for trace in sorted(traces) for row in self.database.execute(select, (trace, last))]

    def all(self) -> Iterator[Row]:
        """Yields all that is kept."""
        yield from (Row(*row) for row in self.database.execute("SELECT trace, path, line, span FROM spans"))

    def close(self) -> None:
        """Closes the file."""
        self.database.close()


def _written(span: Span) -> str:
    *fields, events, failed = (getattr(span, name) for name in Span.__slots__)
    return json.dumps([*fields, [[each.name, each.attributes, each.time] for each in events], failed], default=str)


def read_span(text: str) -> Span:
    """Returns the span of a row."""
    *fields, events, failed = json.loads(text)
    values: list[Any] = [*fields, tuple(Event(*each) for each in events), failed]
    return Span(*values)


class Groups:
    """Which traces belong together: those of one conversation do."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._traces: dict[str, list[str]] = {}

    def add(self, span: Span) -> str:
        """Adds a span; returns the name of its group, which another one may take over later."""
        root = self.name(span.trace)
        if span.trace not in self._traces and root == span.trace:
            self._traces[root] = [span.trace]
        if conversation := first(span.attributes, CONVERSATIONS):
            other = self.name(f"conversation {conversation}")
            if other != root:
                self._parents[root] = other
                self._traces[other] = [*self._traces.get(other, ()), *self._traces.pop(root, ())]
            return other
        return root

    def name(self, trace: str) -> str:
        """Returns the name of a trace's group."""
        path = [trace]
        while (parent := self._parents.get(path[-1], path[-1])) != path[-1]:
            path.append(parent)
        self._parents |= dict.fromkeys(path[:-1], path[-1])
        return path[-1]

    def traces(self, group: str) -> Sequence[str]:
        """Returns the traces of a group."""
        return self._traces.get(group, ())

    def all(self) -> list[Sequence[str]]:
        """Returns the traces of all groups."""
        return list(self._traces.values())

    def drop(self, group: str) -> None:
        """Forgets a group."""
        for trace in self._traces.pop(group, ()):
            self._parents.pop(trace, None)
