"""Right answers from a table: by question, or by the trace or conversation that a discussion was held in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from magdi.core.errors import DataError
from magdi.plugins.answers import normal_form
from magdi.plugins.formats.importers.matching import fingerprint
from magdi.plugins.formats.importers.otel.span import hexadecimal
from magdi.plugins.formats.importers.reader import guess_answer_type, scalar
from magdi.plugins.tasks.rows import Row, read_rows

_KEYS = ("question", "trace_id", "trace", "traceid", "conversation_id", "conversation", "session_id", "id", "prompt")
_ANSWERS = ("gold", "gold_answer", "answer", "expected", "expected_output", "target", "solution", "label")


class Golds(dict[str, str]):
    """Right answers by key.

    Attributes:
        rows: The keys of each row that they were read from.
    """

    def __init__(self, golds: Mapping[str, str], rows: Sequence[Collection[str]]) -> None:
        super().__init__(golds)
        self.rows = rows


def read_golds(path: Path) -> Golds:
    """Returns the right answers of a table: CSV, JSONL, JSON or parquet, or one JSON object of key and answer.

    Args:
        path: A file with a column for the answer and one or more for what it is of; of two columns that are called
            anything else, the second is the answer, and a CSV's first line may be a row of its own.

    Raises:
        DataError: The file cannot be read, has no such columns or no answer, or two of its rows contradict each other.
    """
    table = read_rows(path)
    rows = list(_keyed(path, table))
    if not rows:
        raise DataError(f"{path} has no right answer", hint="call its columns question or trace_id, and answer")
    told: dict[str, dict[str, None]] = {}
    for keys, answer in rows:
        for key in keys:
            told.setdefault(fingerprint(key), {}).setdefault(answer)
        one, *_ = told[fingerprint(keys[0])]
        if not _same(one, answer):
            raise DataError(f"{path} has two right answers for {keys[0]!r:.80}: {one!r:.40} and {answer!r:.40}")
    sure = {key: answer for keys, answer in rows for key in keys if key == keys[0] or len(told[fingerprint(key)]) == 1}
    return Golds((dict(_heading(table[0])) if path.suffix == ".csv" else {}) | sure, [keys for keys, _ in rows])


def _keyed(path: Path, rows: Sequence[Row]) -> Iterator[tuple[list[str], str]]:
    """Yields what each answer is of, the surest first, and the answer."""
    if len(rows) == 1 and path.suffix == ".json" and not _named(rows[0], _ANSWERS):
        yield from (([hexadecimal(key)], scalar(value)) for key, value in rows[0].items())
        return
    for row in rows:
        keys, answer = _columns(path, row)
        held = [hexadecimal(row[key]) for key in keys if row[key]]
        if held and (said := scalar(row[answer]).strip()):
            yield held, said


def _heading(row: Row) -> Iterator[tuple[str, str]]:
    """Yields a first line that names no columns, and is a row itself where a table has no headings."""
    if not (_named(row, _ANSWERS) or _named(row, _KEYS)):
        yield hexadecimal(next(iter(row))), list(row)[1].strip()


def _same(one: str, other: str) -> bool:
    kind = guess_answer_type(one)
    return one.casefold() == other.casefold() or (normal_form(one, kind) or one) == normal_form(other, kind)


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
