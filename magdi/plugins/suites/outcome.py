"""What came out of a suite, as an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from magdi.plugins.runs.result import Result
from magdi.plugins.sheet import Sheet, percent
from magdi.plugins.suites.document import SuiteDocument
from magdi.plugins.suites.sheet import sheets


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell against the one that it is compared with, over the same questions and seeds.

    Attributes:
        to: The other cell.
        points: Difference in points of accuracy.
        p: As tested.
        p_holm: Corrected for all comparisons of the suite; None where nothing was tested.
        verdict: In words.
    """

    to: str
    points: float
    p: float | None = None
    p_holm: float | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """A cell of a suite, over its seeds.

    Attributes:
        name: The cell.
        mean: Mean accuracy, in [0, 1].
        interval: Its 95 % interval.
        sd: Standard deviation over seeds.
        seeds: Accuracy by seed.
        paired: Against the reference; None for the reference itself.
        figures: Means of whatever else was measured.
        runs: The runs' directories, by seed.
    """

    name: str
    mean: float
    interval: tuple[float, float] | None
    sd: float | None
    seeds: dict[int, float]
    paired: Difference | None
    figures: Mapping[str, float]
    runs: list[Path]


class SuiteResult(Result):
    """A suite's document (`magdi.plugins.suites.document.SuiteDocument`), with attributes.

    Attributes:
        directory: The suite's directory.
        reference: The cell that others are compared with.
        rows: The table, a cell a row.
        failures: What failed: cell, seed, kind, error.
    """

    directory: Path
    reference: str
    rows: list[SuiteRow]
    failures: list[dict[str, str | int]]

    def __repr__(self) -> str:
        rows = ", ".join(f"{row['name']} {percent(row['mean'])}" for row in self["rows"])
        return f"<suite {self['suite']} in {self['directory']}: {rows or 'nothing done'}>"

    def sheets(self) -> list[Sheet]:
        """Returns its tables; see `magdi.plugins.suites.sheet`."""
        return sheets(cast(SuiteDocument, self._document))
