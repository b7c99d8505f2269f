"""magdi's own MAGs, so that they can be mixed with others; they are taken as they are."""

from __future__ import annotations

from typing import Any

from magdi.core.mag import SCHEMA, Mag
from magdi.plugins.formats.importer import Importer, has
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader


class MagdiLines(Importer):
    """MAGs as magdi writes them."""

    example = {
        "schema": SCHEMA,
        "id": "a",
        "question": {"id": "q", "text": "What is 2 + 3?"},
        "protocol": "single",
        "turns": [{"step": 0, "agent": "ann", "text": "5"}],
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a MAG."""
        return has(value, "schema", "turns")

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG that the item is."""
        return Mag.model_validate(item.value)
