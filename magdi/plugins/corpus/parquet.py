"""MAGs as Parquet, one discussion a row; nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from magdi.core.errors import MagFileError
from magdi.core.files import whole_path
from magdi.core.mag import SKIP_BAD, Mag, problems_of
from magdi.core.views import View, edges

ROWS_AT_ONCE = 512
"""Discussions that are in memory together, and a group of rows of the file."""
READ_AT_ONCE = 64
"""Discussions that are in memory together when a file is read."""

_FREE = (("metadata",), ("question", "metadata"), ("decision", "votes"))
"""Fields whose keys differ from row to row: they are JSON text in a table."""
_DAMAGED = (OSError, ValueError, LookupError, OverflowError)
"""What Arrow raises over a file that is damaged, beside its own ``ArrowException``."""


def row(mag: Mag, view: View = "exact") -> dict[str, object]:
    """Returns a MAG as a row: its fields, and ``edges`` as (source, target, kind) under a view."""
    fields = mag.model_dump(mode="json")
    for path in _FREE:
        *above, last = path
        holder = fields[above[0]] if above else fields
        holder[last] = json.dumps(holder[last], ensure_ascii=False)
    return fields | {
        "edges": [{"source": source, "target": target, "kind": kind} for source, target, kind in edges(mag, view)]
    }


def mag_of(fields: dict[str, Any]) -> Mag:
    """Returns the MAG that a row was made from.

    Raises:
        ValueError: It was made from none; a ``ValidationError`` where that says why.
        RecursionError: The same.
    """
    fields = {name: value for name, value in fields.items() if name != "edges"}
    for *above, last in _FREE:
        holder = fields.get(above[0]) if above else fields
        if isinstance(holder, dict) and isinstance(holder.get(last), str):
            holder[last] = json.loads(holder[last])
    return Mag.model_validate(fields)


Put = Callable[[Mag], None]
"""Takes one MAG at a time."""


@contextmanager
def parquet_writer(path: Path, view: View = "exact") -> Iterator[Put]:
    """Opens a Parquet file that takes its place when the block ends well; some rows are in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, object]] = []
    schema = _schema()
    with whole_path(path) as file, pq.ParquetWriter(file, schema) as writer:

        def write() -> None:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            rows.clear()

        def put(mag: Mag) -> None:
            rows.append(row(mag, view))
            if len(rows) == ROWS_AT_ONCE:
                write()

        yield put
        if rows:
            write()


def read_parquet(
    file: IO[bytes] | Path | str, name: Path | str = "", on_bad_line: list[MagFileError] | None = None
) -> Iterator[Mag]:
    """Yields the MAGs of a Parquet file, one at a time.

    Args:
        file: The file, or an open one.
        name: What errors call it; its path when left out.
        on_bad_line: Where to put the errors of rows that are no MAGs, which are then skipped.

    Raises:
        MagFileError: It is no Parquet file of MAGs; rows count from 1.
    """
    name = name or str(file)
    number = 0
    for batch in _batches(file, name):
        for fields in batch:
            number += 1
            try:
                yield mag_of(fields)
            except (ValueError, RecursionError) as error:
                said = problems_of(error) if isinstance(error, ValidationError) else f"is no JSON in a table: {error}"
                bad = MagFileError(name, number, said, hint=SKIP_BAD)
                if on_bad_line is None:
                    raise bad from None
                on_bad_line.append(bad)


def count_rows(file: IO[bytes], name: Path | str) -> int:
    """Returns how many rows a Parquet file has, without reading them."""
    return int(_opened(file, name).metadata.num_rows)


def _batches(file: IO[bytes] | Path | str, name: Path | str) -> Iterator[list[dict[str, Any]]]:
    import pyarrow as pa

    try:
        for batch in _opened(file, name).iter_batches(batch_size=READ_AT_ONCE):
            yield batch.to_pylist()
    except (pa.ArrowException, *_DAMAGED) as error:
        raise MagFileError(name, 0, f"cannot be read to its end: {error}") from error


def _opened(file: IO[bytes] | Path | str, name: Path | str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.ParquetFile(file)
    except (pa.ArrowException, *_DAMAGED) as error:
        raise MagFileError(name, 0, f"is no Parquet file: {error}") from error
    if missing := [field for field in ("schema", "id", "question", "turns") if field not in found.schema_arrow.names]:
        raise MagFileError(name, 0, f"holds no MAGs: there is no column {', '.join(missing)}")
    return found


def _schema() -> Any:
    import pyarrow as pa

    text, whole, real, flag = pa.string(), pa.int64(), pa.float64(), pa.bool_()
    message = pa.struct([("role", text), ("content", text)])
    turn = pa.struct(
        [
            *(("step", whole), ("agent", text), ("role", text), ("round", whole), ("branch", pa.list_(whole))),
            ("seen", pa.list_(pa.struct([("step", whole), ("kind", text)]))),
            *(("text", text), ("reasoning", text), ("answer", text), ("confidence", real), ("correct", flag)),
            *(("label", flag), ("label_source", text), ("value", real), ("status", text), ("attempts", whole)),
            ("model", text),
            ("usage", pa.struct([("prompt_tokens", whole), ("completion_tokens", whole), ("cost", real)])),
            ("prompt", pa.list_(message)),
        ]
    )
    question = pa.struct(
        [
            *(("id", text), ("text", text), ("gold", text)),
            ("choices", pa.list_(pa.struct([("label", text), ("text", text)]))),
            *(("answer_type", text), ("task", text), ("metadata", text)),
        ]
    )
    decision = pa.struct([("answer", text), ("rule", text), ("votes", text), ("correct", flag)])
    edge = pa.struct([("source", whole), ("target", whole), ("kind", text)])
    return pa.schema(
        [
            *(("schema", text), ("id", text), ("question", question), ("protocol", text), ("turns", pa.list_(turn))),
            *(("decision", decision), ("stop", text), ("metadata", text), ("edges", pa.list_(edge))),
        ]
    )
