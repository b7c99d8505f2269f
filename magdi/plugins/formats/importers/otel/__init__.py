"""OpenTelemetry's spans, of any agent framework: who said what, after having been shown what, stands in them.

A call of a model has its prompt and its reply in its span; agents are the spans around it. The messages themselves tell
mostly not who wrote them, so that an edge is drawn where the text of a reply stands in a later prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from magdi.core.mag import Mag
from magdi.plugins.formats.importer import Importer
from magdi.plugins.formats.importers.otel.discussions import Discussion, discussions_in, mag_of
from magdi.plugins.formats.importers.otel.span import recognises
from magdi.plugins.formats.importers.otel.traces import traces_in
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importers.source import Item, OnBad


class OtelSpans(Importer):
    """Spans: OTLP/JSON, or what the SDK dumps; in GenAI's conventions, OpenInference's, or older ones."""

    example = {
        "name": "chat",
        "context": {"trace_id": "0x246702ea163c59850e169ec4c8af56a9", "span_id": "0x3280b2222bb377d1"},
        "parent_id": None,
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T00:00:01Z",
        "attributes": {
            "gen_ai.operation.name": "chat",
            "gen_ai.agent.name": "ann",
            "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "What is 2 + 3?"}]}]',
            "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "It is 5."}]}]',
        },
    }

    gathers = True

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a span, holds spans, or is a discussion made of them."""
        return isinstance(value, Discussion | Mag) or recognises(value)

    def discussions(self, items: Iterator[Item], reader: Reader, on_bad: OnBad | None = None) -> Iterator[Item]:
        """Yields one item a discussion, in the order in which their traces began.

        Raises:
            MagFileError: Something is no span, and there is no ``on_bad`` to tell.
        """
        for item in traces_in(items, reader.tally):
            if item.value.bad and on_bad is None:
                raise item.bad(item.value.bad)
            if item.value.bad and on_bad is not None:
                on_bad(item.bad(item.value.bad))
            for discussion in discussions_in(item.value.spans, reader):
                yield replace(item, value=discussion)

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one discussion."""
        return mag_of(item.value, item, reader)
