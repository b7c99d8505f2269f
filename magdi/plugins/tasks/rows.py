"""Rows of a dataset: from a local JSONL, JSON or parquet file, or from the hub."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from magdi.core.errors import DataError

Row = Mapping[str, Any]
SUFFIXES = (".jsonl", ".json", ".parquet")


def read_rows(path: Path) -> list[Row]:
    """Returns a local file's rows.

    Raises:
        DataError: The file is missing, of an unknown kind, or malformed; names the line.
    """
    try:
        if path.suffix == ".parquet":
            return _read_parquet(path)
        if path.suffix == ".json":
            return _read_json(path)
        return _read_jsonl(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text: {error}") from error


def _read_jsonl(path: Path) -> list[Row]:
    rows = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                rows.append(_object(path, number, line))
    return rows


def _object(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line.rstrip())
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{number}: is no JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}:{number}: is no JSON: {error}") from None
    if not isinstance(row, dict):
        raise DataError(f"{path}:{number}: is no JSON object")
    return row


def _read_json(path: Path) -> list[Row]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path}: is no JSON: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path}: is no JSON list of objects")
    return rows


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_table(path).to_pylist())
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: is no parquet file: {error}") from None


def find_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """Returns a split's files in a folder, for the first of its names that has any.

    ``test.jsonl``, ``test.parquet`` and the hub's layout (``data/test-00000-of-00001.parquet``) are found.
    """
    for name in names:
        for suffix in SUFFIXES:
            whole = folder / f"{name}{suffix}"
            if whole.is_file():
                return [whole]
        shards = sorted(path for path in folder.glob(f"**/{name}-*-of-*") if path.suffix in SUFFIXES)
        if shards:
            return shards
    return []


def hub_rows(path: str, config: str | None, split: str) -> Sequence[Row]:
    """Returns a split of a dataset on the hub, downloaded once and cached by ``datasets``.

    Raises:
        DataError: It cannot be had: no network, no such dataset, no such split.
    """
    import datasets

    try:
        return list(datasets.load_dataset(path, config, split=split))
    except Exception as error:  # datasets raises errors of a dozen libraries
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(
            f"dataset {path} ({split}) cannot be loaded from the hub: {reason[0]}",
            hint="name a local copy with data=FOLDER (JSONL or parquet files with the hub's columns)",
        ) from error
