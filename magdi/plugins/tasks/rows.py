"""Rows of a dataset from a local file: JSONL, JSON, CSV or parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from magdi.core.errors import DataError
from magdi.core.files import decoded

Row = Mapping[str, Any]
SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")


def read_rows(path: Path) -> list[Row]:
    """Returns a local file's rows.

    Raises:
        DataError: The file is missing, of an unknown kind, or malformed; names the line.
    """
    try:
        if path.suffix == ".parquet":
            return _read_parquet(path)
        text = decoded(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text: {error}") from error
    if path.suffix == ".csv":
        return _read_csv(path, text)
    if text.lstrip().startswith("[") and (path.suffix == ".json" or not text.split("\n", 1)[0].rstrip().endswith("]")):
        return _read_list(path, text)
    return _read_lines(path, text)


def _read_lines(path: Path, text: str) -> list[Row]:
    lines = enumerate(text.split("\n"), start=1)
    return [_object(path, number, line) for number, line in lines if line.strip("\ufeff \t\r")]


def _object(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line.strip("\ufeff \t\r"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{number}: is no JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}:{number}: is no JSON: {error}") from None
    if not isinstance(row, dict):
        raise DataError(f"{path}:{number}: is no JSON object")
    return row


def _read_list(path: Path, text: str) -> list[Row]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is no JSON: {error}") from None
    if not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: is no JSON list of objects")
    return list(rows)


def _read_csv(path: Path, text: str) -> list[Row]:
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(f"{path}: is no CSV: {error}") from None
    for line, row in rows:
        if None in row or None in row.values():
            more = "more" if None in row else "fewer"
            raise DataError(f"{path}:{line}: has {more} columns than the first line names")
    return [row for _, row in rows]


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_table(path).to_pylist())
    except (pyarrow.ArrowException, ValueError, LookupError, OverflowError) as error:
        raise DataError(f"{path}: is no parquet file: {error}") from None


def find_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """Returns a split's files in a folder, for the first of its names that has any.

    ``test.jsonl``, ``test.parquet`` and the hub's layouts (``data/test-00000-of-00001.parquet``) are found, up to two
    folders deep; the rest of what may be a whole disk is not looked through.
    """
    for name in names:
        for suffix in SUFFIXES:
            whole = folder / f"{name}{suffix}"
            if whole.is_file():
                return [whole]
        found = (folder.glob(f"{below}{name}-*-of-*") for below in ("", "*/", "*/*/"))
        shards = sorted(path for path in chain.from_iterable(found) if path.suffix in SUFFIXES)
        if shards:
            return shards
    return []
