"""Encoded MAGs in an Arrow file: written as a stream, and read by index from where they lie on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np

from magdi.core.distill.encoded import Encoded, Sizes
from magdi.core.objective import Column

ROWS = 512
"""MAGs of a batch: as many are in memory when the file is written."""


def write_table(file: Path, mags: Iterable[Encoded], columns: Mapping[str, Column]) -> None:
    """Writes MAGs to an Arrow file.

    Args:
        file: The file.
        mags: Any number of MAGs.
        columns: What the objectives' columns are.
    """
    import pyarrow as pa

    numbers = pa.list_(pa.int32())
    flat = dict.fromkeys(("prompt_of", "parents", "counts", "size"), numbers)
    nested = dict.fromkeys(("prompts", "chains", *columns), pa.list_(numbers))
    schema = pa.schema({"id": pa.string(), **flat, **nested})
    rows = (mag.to_row() for mag in mags)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        while few := list(islice(rows, ROWS)):
            writer.write_batch(pa.RecordBatch.from_pylist(few, schema=schema))


class EncodedTable(Sequence[Encoded]):
    """The MAGs of such a file; only those that are asked for are in memory.

    Attributes:
        sizes: What is counted of each.

    Args:
        file: The file.
        columns: What the objectives' columns are.
    """

    def __init__(self, file: Path, columns: Mapping[str, Column]) -> None:
        import pyarrow as pa

        reader = pa.ipc.open_file(pa.memory_map(str(file)))
        self._batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        self._columns = columns
        self._length = sum(int(batch.num_rows) for batch in self._batches)
        counts = [np.asarray(batch.column("size").flatten()) for batch in self._batches]
        self.sizes = Sizes(np.concatenate(counts).reshape(self._length, -1) if counts else np.zeros((0, 4), np.int32))

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Encoded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoded]: ...
    def __getitem__(self, index: int | slice) -> Encoded | list[Encoded]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        number, place = divmod(range(len(self))[index], ROWS)  # by range: what is out of it is so as of lists
        row: dict[str, Any] = self._batches[number].slice(place, 1).to_pylist()[0]
        return Encoded.from_row(row, self._columns)
