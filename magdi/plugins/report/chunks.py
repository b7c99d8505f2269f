"""Records that are too many to be read at once: packed in chunks that a page unpacks when somebody looks at them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

CHUNK_RECORDS = 100
LEVEL = 6


class Store:
    """An index in columns, and records in chunks of one size.

    Args:
        name: What the parts are called within the page.
        columns: The index's columns; ``id`` is always one.
        size: Records a chunk.
    """

    def __init__(self, name: str, columns: tuple[str, ...], size: int = CHUNK_RECORDS) -> None:
        self.name = name
        self._size = size
        self._index: dict[str, list[Any]] = {column: [] for column in ("id", *columns)}
        self._open: list[str] = []
        self._chunks: list[str] = []

    @property
    def columns(self) -> tuple[str, ...]:
        """The index's columns but ``id``."""
        return tuple(column for column in self._index if column != "id")

    def __len__(self) -> int:
        return len(self._index["id"])

    def add(self, record: str, **index: Any) -> None:
        """Adds a record, which is JSON already, and its row of the index."""
        for column, values in self._index.items():
            values.append(index[column])
        self._open.append(record)
        if len(self._open) == self._size:
            self._close()

    def document(self) -> dict[str, object]:
        """Returns what the page has to know to unpack it."""
        self._close()
        return {"name": self.name, "size": self._size, "chunks": len(self._chunks), "count": len(self)}

    def parts(self) -> Iterator[tuple[str, str]]:
        """Yields (element id, base64 text) of the index and of every chunk."""
        self._close()
        yield f"{self.name}-index", pack(json.dumps(self._index, ensure_ascii=False, separators=(",", ":")))
        for number, chunk in enumerate(self._chunks):
            yield f"{self.name}-{number}", chunk

    def _close(self) -> None:
        if self._open:
            self._chunks.append(pack(f"[{','.join(self._open)}]"))
            self._open = []


def pack(text: str) -> str:
    """Returns a text as base64 of its gzip; the same text gives the same characters."""
    packed = gzip.compress(text.encode("utf-8", "replace"), LEVEL, mtime=0)
    return base64.b64encode(packed).decode("ascii")
