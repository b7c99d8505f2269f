"""Spans in files, put together by trace: all of a trace's, wherever in the files they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from magdi.plugins.formats.importers.otel.span import Span, recognises, spans_of
from magdi.plugins.formats.importers.otel.span_store import Groups, Row, SpanStore, read_span
from magdi.plugins.formats.importers.source import Item

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Trace:
    """What belongs together.

    Attributes:
        spans: The spans of a trace, or of the traces of a conversation.
        bad: What is wrong with a span that is none; "" otherwise.
    """

    spans: Sequence[Span] = ()
    bad: str = ""


def traces_in(items: Iterator[Item]) -> Iterator[Item]:
    """Yields what is no span as it is come across, then the traces, in the order in which they began."""
    store, groups, began = SpanStore(), Groups(), dict[str, int]()
    waiting: list[Row] = []
    for item in items:
        found = list(spans_of(item.value))
        for span in found:
            if isinstance(span, Span):
                groups.add(span)
                began[span.trace] = min(span.start or began.get(span.trace, 0), began.get(span.trace) or span.start)
                waiting.append(Row.of(span, item.path, item.line))
            else:
                yield replace(item, value=Trace(bad=str(span)))
        if not found:
            bad = "" if recognises(item.value) else "it holds no span"  # a request may well be empty
            yield replace(item, value=Trace(bad=bad))
        if len(waiting) >= _BATCH:
            store.add(waiting)
            waiting.clear()
    store.add(waiting)
    traces = sorted(groups.all(), key=lambda each: (min(began.get(trace, 0) for trace in each), min(each)))
    for count, each in enumerate(traces):
        rows = store.rows(each)
        path, line = min((row.path, row.line) for row in rows)
        yield Item(Path(path), line, count, Trace([read_span(row.span) for row in rows]))
    store.close()
