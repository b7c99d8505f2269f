"""magdi's own JSONL: to mix files, or to leave out lines that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from magdi.core.mag import Mag, write_mags
from magdi.core.views import View
from magdi.plugins.formats.exporter import Exporter


class MagdiLines(Exporter):
    """magdi's own JSONL."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """One MAG a line, whatever the view: all edges are in it."""
        return write_mags(path, mags)
