"""Right answers from a table: by question, or by the trace or conversation that a discussion was held in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from magdi.core.errors import DataError
from magdi.plugins.formats.importers.otel.span import hexadecimal
from magdi.plugins.formats.importers.reader import scalar
from magdi.plugins.tasks.rows import Row, read_rows

_KEYS = ("question", "trace_id", "trace", "traceid", "conversation_id", "conversation", "session_id", "id", "prompt")
_ANSWERS = ("gold", "gold_answer", "answer", "expected", "expected_output", "target", "solution", "label")


def read_golds(path: Path) -> dict[str, str]:
    """Returns the right answers of a table: CSV, JSONL, JSON or parquet, or one JSON object of key and answer.

    Args:
        path: A file with a column for the answer and one or more for what it is of; of two columns that are called
            anything else, the second is the answer.

    Raises:
        DataError: The file cannot be read, or has no such columns.
    """
    rows = read_rows(path)
    if len(rows) == 1 and path.suffix == ".json" and not _named(rows[0], _ANSWERS):
        return {hexadecimal(key): scalar(value) for key, value in rows[0].items()}
    golds: dict[str, str] = {}
    for row in rows:
        keys, answer = _columns(path, row)
        if said := scalar(row[answer]).strip():
            golds |= {hexadecimal(row[key]): said for key in keys if row[key]}
    return golds


def _columns(path: Path, row: Row) -> tuple[list[str], str]:
    answers, keys = _named(row, _ANSWERS), _named(row, _KEYS)
    if answers and keys:
        return keys, answers[0]
    if len(row) == 2 and not (answers or keys):
        first, second = row
        return [first], second
    raise DataError(
        f"{path} has no column for {'what an answer is of' if answers else 'the answer'}: {', '.join(row)}",
        hint="call them question or trace_id, and answer",
    )


def _named(row: Mapping[str, object], names: tuple[str, ...]) -> list[str]:
    plain = {column.strip().lower().replace(" ", "_"): column for column in row}
    return [plain[name] for name in names if name in plain]
