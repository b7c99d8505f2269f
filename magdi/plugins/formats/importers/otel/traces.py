"""Spans of many traces, put together by trace: on disk, so that a file of any length and order takes little memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from magdi.plugins.formats.importers.otel.dialects import first
from magdi.plugins.formats.importers.otel.discussions import discussions_in
from magdi.plugins.formats.importers.otel.span import Event, Span, spans_of
from magdi.plugins.formats.importers.otel.threads import CONVERSATIONS
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importers.source import Item, OnBad

_BATCH = 500


class Traces:
    """Gathers spans, then yields the discussions in them.

    Args:
        reader: Knows questions, by which discussions are told apart.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._spans = sqlite3.connect("")  # a file of its own, which goes when it is closed
        self._spans.execute("CREATE TABLE spans (trace TEXT, path TEXT, line INTEGER, span TEXT)")
        self._waiting: list[tuple[str, str, int, str]] = []
        self._group: dict[str, str] = {}
        self._start: dict[str, int] = {}

    def add(self, item: Item, on_bad: OnBad | None = None) -> None:
        """Adds the spans that an item holds; what is no span is told to ``on_bad``.

        Raises:
            MagFileError: Something is no span, and there is no ``on_bad``.
        """
        for span in spans_of(item.value):
            if isinstance(span, Span):
                self._keep(span, item)
            elif on_bad is None:
                raise item.bad(str(span))
            else:
                on_bad(item.bad(str(span)))

    def _keep(self, span: Span, item: Item) -> None:
        self._waiting.append((span.trace, str(item.path), item.line, _written(span)))
        root = self._root(span.trace)
        for conversation in [first(span.attributes, CONVERSATIONS)]:
            if conversation:
                self._group[self._root(f"conversation {conversation}")] = root
        known = self._start.get(span.trace)
        if span.start and (known is None or span.start < known):
            self._start[span.trace] = span.start
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _root(self, name: str) -> str:
        """Returns the name under which a trace or a conversation is put together with others."""
        path = [name]
        while (parent := self._group.get(path[-1], path[-1])) != path[-1]:
            path.append(parent)
        self._group |= dict.fromkeys(path, path[-1])
        return path[-1]

    def _flush(self) -> None:
        self._spans.executemany("INSERT INTO spans VALUES (?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def items(self) -> Iterator[Item]:
        """Yields the discussions of all traces, in the order in which these began, each as an item."""
        self._flush()
        self._spans.execute("CREATE INDEX by_trace ON spans (trace)")
        groups: dict[str, list[str]] = {}
        for name in list(self._group):
            if not name.startswith("conversation "):
                groups.setdefault(self._root(name), []).append(name)
        count = 0
        for traces in sorted(groups.values(), key=lambda each: (min(self._start.get(t, 0) for t in each), min(each))):
            path, line, spans = self._read(traces)
            for discussion in discussions_in(spans, self._reader):
                yield Item(path, line, count, discussion)
                count += 1
        self._spans.close()

    def _read(self, traces: list[str]) -> tuple[Path, int, list[Span]]:
        rows = [
            row
            for trace in sorted(traces)
            for row in self._spans.execute("SELECT path, line, span FROM spans WHERE trace = ?", (trace,))
        ]
        path, line = min((path, line) for path, line, _ in rows)
        return Path(path), line, [_span(text) for _, _, text in rows]


def _written(span: Span) -> str:
    *fields, events, failed = (getattr(span, name) for name in Span.__slots__)
    return json.dumps([*fields, [[each.name, each.attributes, each.time] for each in events], failed], default=str)


def _span(text: str) -> Span:
    *fields, events, failed = json.loads(text)
    values: list[Any] = [*fields, tuple(Event(*each) for each in events), failed]
    return Span(*values)
