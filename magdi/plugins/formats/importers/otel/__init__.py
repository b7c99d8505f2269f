"""OpenTelemetry's spans, of any agent framework: who said what, after having been shown what, stands in them.

A call of a model has its prompt and its reply in its span; agents are the spans around it. The messages themselves tell
mostly not who wrote them, so that an edge is drawn where the text of a reply stands in a later prompt.
"""

from __future__ import annotations

from magdi.core.mag import Mag
from magdi.plugins.formats.importers.format import Format
from magdi.plugins.formats.importers.otel.discussions import mag_of
from magdi.plugins.formats.importers.otel.span import recognises
from magdi.plugins.formats.importers.otel.traces import Traces
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importers.source import Item


def read(item: Item, reader: Reader) -> Mag:
    """Returns the MAG of one discussion."""
    return mag_of(item.value, item, reader)


FORMAT = Format("otel", "OpenTelemetry spans of any agent framework", recognises, read, gather=Traces)
