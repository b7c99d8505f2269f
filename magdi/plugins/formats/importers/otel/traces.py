"""Spans of many traces in files, put together by trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from magdi.plugins.formats.importers.otel.discussions import discussions_in
from magdi.plugins.formats.importers.otel.span import Span, spans_of
from magdi.plugins.formats.importers.otel.store import Groups, Row, SpanStore, read_span
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
        self._store, self._groups = SpanStore(), Groups()
        self._waiting: list[Row] = []
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
        self._groups.add(span)
        if span.start:
            self._start[span.trace] = min(span.start, self._start.get(span.trace, span.start))
        self._waiting.append(Row.of(span, item.path, item.line))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._store.add(self._waiting)
        self._waiting.clear()

    def items(self) -> Iterator[Item]:
        """Yields the discussions of all traces, in the order in which these began, each as an item."""
        self._flush()
        count = 0
        began = self._start.get
        for traces in sorted(self._groups.all(), key=lambda each: (min(began(t, 0) for t in each), min(each))):
            rows = self._store.rows(traces)
            path, line = min((row.path, row.line) for row in rows)
            for discussion in discussions_in([read_span(row.span) for row in rows], self._reader):
                yield Item(Path(path), line, count, discussion)
                count += 1
        self._store.close()
