"""Discussions that other systems have recorded, as MAGs: one file a format."""

from magdi.core.corpus.importers.formats import FORMATS, import_files
from magdi.core.corpus.importers.reader import Reader

__all__ = ["FORMATS", "Reader", "import_files"]
