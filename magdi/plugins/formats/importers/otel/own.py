"""What our own spans say beyond the conventions, so that the MAG that was sent is the one that is read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from magdi.core.mag import Mag, Turn
from magdi.plugins.formats.importers.items import loads
from magdi.plugins.formats.importers.otel.span import Span

MAG, TURN = "magdi.mag", "magdi.turn"


def header(mag: Mag) -> str:
    """Returns all of a MAG but its turns, and how many these are."""
    fields = mag.model_dump(mode="json", exclude_defaults=True, exclude={"turns"})
    return json.dumps(fields | {"turns": len(mag.turns)}, ensure_ascii=False)


def own_part(turn: Turn) -> str:
    """Returns a turn as JSON."""
    return json.dumps(turn.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)


def mags_in(spans: Iterable[Span]) -> Iterator[tuple[Mag, str]]:
    """Yields the MAGs that were sent whole, each with the id of its trace."""
    spans = list(spans)
    for root in spans:
        if isinstance(told := root.attributes.get(MAG), str):
            agents = {span.id for span in spans if span.parent == root.id}
            turns = [str(span.attributes[TURN]) for span in spans if span.parent in agents and TURN in span.attributes]
            if (mag := _mag(told, turns)) is not None:
                yield mag, root.trace


def _mag(told: str, turns: Iterable[str]) -> Mag | None:
    try:
        fields = loads(told)
        said = sorted((loads(turn) for turn in turns), key=lambda turn: int(turn["step"]))
        return Mag.model_validate(fields | {"turns": said}) if len(said) == fields.get("turns") else None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None
