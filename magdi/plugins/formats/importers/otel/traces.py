"""Spans in files, put together by trace: all of a trace's, wherever in the files they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.otel.records import ANY_TRACE, REQUEST
from magdi.plugins.formats.importers.otel.span import Span, recognises, spans_of
from magdi.plugins.formats.importers.otel.span_store import Groups, Row, SpanStore, read_span
from magdi.plugins.formats.importers.tally import Tally

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


def traces_in(items: Iterator[Item], tally: Tally) -> Iterator[Item]:
    """Yields what is no span as it is come across, then the traces, in the order in which they began.

    Objects that are something else are counted: a log of calls tells of more than calls.
    """
    store, groups, began = SpanStore(), Groups(), dict[str, int]()
    waiting: list[Row] = []
    for item in items:
        found = list(spans_of(item.value))
        for span in found:
            if isinstance(span, Span):
                span = _placed(span, item)
                groups.add(span)
                began[span.trace] = min(span.start or began.get(span.trace, 0), began.get(span.trace) or span.start)
                waiting.append(Row.of(span, item.path, item.line))
            else:
                yield replace(item, value=Trace(bad=str(span)))
        if not found:
            other = not recognises(item.value)  # a request may well be empty
            tally.other += other and isinstance(item.value, dict)
            bad = "it holds no span" if other and not isinstance(item.value, dict) else ""
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


def _placed(span: Span, item: Item) -> Span:
    """Returns a span whose time is its place in the file, where nothing tells its time or its trace.

    A reply apart from its request has that of the request.
    """
    timed = span.start or span.trace != ANY_TRACE
    return span if timed or REQUEST not in span.attributes else replace(span, start=item.index + 1, end=item.index + 1)
