"""What a suite's document says: ``suite.json``, what ``--json`` prints and what tables and pages are drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from magdi.core.seals import read_sealed, write_sealed
from magdi.plugins.runs.finding import SUITE
from magdi.plugins.suites.statistics import Mean, Paired, sentence, verdict

SCHEMA = "magdi.suite/1"


class PairedDocument(Paired):
    """A comparison that was tested.

    ``cells`` are compared with ``to``; ``points`` is the difference in points; ``sentence`` is the verdict in words.
    """

    name: str
    cells: list[str]
    to: str
    points: float
    verdict: str
    sentence: str


class Row(Mean):
    """A cell that is done, over its seeds; what it is called along each axis stands in it under the axis (`label`).

    ``paired`` is the comparison with the reference, or where they share no question with the first other cell that it
    is compared with, None of the reference itself; ``difficulty`` is accuracy by difficulty; ``runs`` are the runs'
    directories; ``paper`` is the paper's own numbers, by column.
    """

    name: str
    measure: str
    control: str
    paired: PairedDocument | None
    figures: dict[str, float]
    difficulty: dict[str, float]
    runs: list[str]
    paper: dict[str, float | None] | None


class ChangeDocument(TypedDict):
    """A change between cells: its value, as it is written, and the paper's own."""

    name: str
    value: float
    written: str
    paper: Mapping[str, float]


class PaperDocument(TypedDict):
    """The paper's table: whence, what the numbers are, its columns, those that stand ``beside`` ours, and its rows."""

    source: str
    what: str
    columns: list[str]
    beside: list[str]
    rows: dict[str, list[float | None]]
    not_repeated: list[str]


class FailureDocument(TypedDict):
    """A job that failed."""

    cell: str
    seed: int
    kind: str
    error: str


class SuiteSettings(TypedDict):
    """What a suite was told: its name and directory, and how it was made smaller or evened out."""

    suite: str
    directory: str
    quick: bool
    instrument: str | None
    equal: str | None
    asked_seeds: list[int]
    left_out: dict[str, str]


class Measurements(SuiteSettings):
    """What came out of the cells that are done.

    ``columns`` are the figures that the suite asks for, ``unit`` what ``questions`` counts, ``comparisons`` all pairs
    that were tested.
    """

    schema: str
    title: str
    repeats: str
    about: str
    axes: list[str]
    columns: list[str]
    reference: str
    simulated: bool
    questions: int
    unit: NotRequired[str]
    rows: list[Row]
    comparisons: list[PairedDocument]
    changes: NotRequired[list[ChangeDocument]]
    paper: PaperDocument | None


class SuiteDocument(Measurements):
    """The outcome of a suite.

    ``missing`` are cells and seeds that are not done, ``warnings`` what runs warn of, ``failed`` counts discussions
    that the same command tries again.
    Of several tasks together ``tasks`` names them and ``suites`` has the directory of each.
    """

    failures: list[FailureDocument]
    missing: list[str]
    warnings: NotRequired[list[str]]
    seconds: float
    regraded: bool
    failed: NotRequired[int]
    tasks: NotRequired[list[str]]
    suites: NotRequired[dict[str, str]]


def paired_document(name: str, cells: Sequence[str], to: Sequence[str], found: Paired) -> PairedDocument:
    """Returns a comparison in a document; its sentence is the verdict in words."""
    return {
        "name": name,
        "cells": list(cells),
        "to": ", ".join(to),
        "points": round(100 * found["difference"], 4),
        **found,
        "verdict": verdict(found),
        "sentence": sentence(found, name),
    }


def label(row: Row, axis: str) -> str:
    """Returns what a row's cell is called along an axis."""
    fields: Mapping[str, object] = row
    return str(fields[axis])


def as_read(document: SuiteDocument) -> SuiteDocument:
    """Returns a document as it will be read from a file: keys are texts, tuples lists."""
    return cast(SuiteDocument, json.loads(json.dumps(document, ensure_ascii=False)))


def read_document(folder: Path) -> SuiteDocument:
    """Returns the document in a suite's directory, as it stands there.

    Raises:
        DataError: It cannot be read.
    """
    return cast(SuiteDocument, read_sealed(folder / SUITE))


def write_document(folder: Path, document: SuiteDocument) -> None:
    """Keeps a suite's document in its directory, whole or not at all."""
    write_sealed(folder / SUITE, document)
