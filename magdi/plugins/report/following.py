"""What a page that follows a run is told: how the run stands, and the discussions that have come meanwhile."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, cast

from magdi.core.components import Components
from magdi.core.errors import MagFileError
from magdi.core.mag import Mag, mags_in
from magdi.core.run.directory import RunDirectory
from magdi.plugins.report.chunks import Store
from magdi.plugins.report.data import RunContent
from magdi.plugins.report.discussions import Discussions
from magdi.plugins.runs.result import NAMES

BATCH = 200
"""Discussions that one message has."""


class Records(TypedDict):
    """Discussions of one message: the index, by column, and each as JSON."""

    rows: dict[str, list[Any]]
    records: list[str]


class News(TypedDict):
    """How a run stands: ``sections`` of the page, ``parts`` of the stores in them, ``status``."""

    sections: list[dict[str, object]]
    parts: dict[str, str]
    status: str


class GrowingStore(Store):
    """A store whose records stay apart, for each reader to have those that it has not had."""

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        super().__init__(name, columns)
        self._records: list[bytes] = []

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: str, **index: Any) -> None:
        """Adds a record, which is JSON already, and its row of the index."""
        for column, values in self._index.items():
            values.append(index[column])
        self._records.append(zlib.compress(record.encode("utf-8", "replace"), 1))

    def between(self, first: int, end: int) -> Records:
        """Returns a batch of the records from one place to another."""
        part = slice(first, min(first + BATCH, end))
        rows = {column: values[part] for column, values in self._index.items()}
        return {"rows": rows, "records": [zlib.decompress(each).decode() for each in self._records[part]]}


@dataclass
class Following:
    """A run that is looked at again and again; what has been read of its discussions is not read again.

    Attributes:
        directory: The run.
        components: Makes protocol and task, as for `magdi.plugins.report.data.view`.
        epoch: How often the discussions were begun anew: a run that goes on may put some between others.
        version: How often something has changed.
        ready: Discussions that readers may have.
        news: How the run stands.
    """

    directory: RunDirectory
    components: Components | None = None
    epoch: int = 0
    version: int = 0
    ready: int = 0
    news: News = field(default_factory=lambda: cast(News, {}))

    def __post_init__(self) -> None:
        self._seen: tuple[object, ...] = ()
        self._begin()

    def _begin(self) -> None:
        self._read, self._file, self.ready = 0, 0, 0
        self._problems: list[str] = []
        first = RunContent(self.directory, self.components).discussions(read=False)
        self.store = GrowingStore("discussions", first.store.columns)
        self.discussions = Discussions(first.reworder, store=self.store, first=True)

    def look(self) -> bool:
        """Reads what is new; returns whether anything is.

        Raises:
            StorageError: The run cannot be read any more.
        """
        seen = (self.directory.status, *map(_state, self._files()))
        if seen == self._seen:
            return False
        self._seen = seen
        for mag in self._new_mags():
            self.discussions.add(mag)
        content = RunContent(self.directory, self.components, list(self._problems), self.discussions)
        sections = content.sections()
        stores = [store for section in sections for store in section.stores if not isinstance(store, GrowingStore)]
        self.news = {
            "sections": [section.document() for section in sections],
            "parts": {name: text for store in stores for name, text in store.parts()},
            "status": self.directory.status,
        }
        self.ready = len(self.store)
        self.version += 1
        return True

    def _files(self) -> Sequence[Path]:
        run = self.directory
        return (run.path / run.STATE, run.mags, run.metrics, run.failures, *map(run.predictions, NAMES))

    def _new_mags(self) -> list[Mag]:
        """Returns the discussions that stand in the file since it was last read, up to its last whole line."""
        if not self.directory.mags.is_file():
            return []
        with self.directory.mags.open("rb") as file:
            now = os.fstat(file.fileno())
            if self._read and (now.st_ino != self._file or now.st_size < self._read):  # another file, or a shorter one
                self._begin()
                self.epoch += 1
            self._file = now.st_ino
            file.seek(self._read)
            whole = file.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        self._read += len(whole)
        bad: list[MagFileError] = []
        found = list(mags_in(io.BytesIO(whole), self.directory.mags, bad))
        self._problems += [error.message for error in bad]
        return found


def _state(file: Path) -> tuple[int, int, int] | None:
    """Returns which file it is, its size, and when it was last written; None where there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
