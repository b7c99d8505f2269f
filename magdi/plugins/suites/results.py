"""What came out of a suite: one document, from what was measured of its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal, cast

from magdi.plugins.suites.document import (
    SCHEMA,
    ChangeDocument,
    Measurements,
    PairedDocument,
    PaperDocument,
    Row,
    SuiteSettings,
    paired_document,
)
from magdi.plugins.suites.grid import Cell, Grid
from magdi.plugins.suites.information import MEASURE
from magdi.plugins.suites.measure import Measured
from magdi.plugins.suites.sheet import COUNTED
from magdi.plugins.suites.statistics import Answers, Paired, corrected, mean_of, moves, paired

MOVES: Sequence[Literal["gained", "lost"]] = ("gained", "lost")
"""Figures of a cell that come from its comparison with the reference."""


@dataclass(frozen=True, slots=True)
class DoneCell:
    """A cell with a seed, done.

    Attributes:
        directory: Its run.
        measured: What was measured.
    """

    directory: Path
    measured: Measured


DoneCells = Mapping[str, Mapping[int, DoneCell]]
"""By cell and seed; those that are not done are absent."""


def make_document(grid: Grid, shown: Sequence[str], trials: DoneCells, about: SuiteSettings) -> Measurements:
    """Returns a suite's outcome.

    Args:
        grid: All cells.
        shown: Names of the cells that have rows.
        trials: What is done of all cells; the reference is compared with where it is done, shown or not.
        about: Put before the rows: suite, directory, seeds, ...
    """
    answers = {name: _answers(of) for name, of in trials.items() if of}
    comparisons = {
        each: found for each, found in _comparisons(grid, answers).items() if not {*each.plus}.isdisjoint(shown)
    }
    rows = [_row(grid, grid.cells[name], trials[name], comparisons) for name in shown if trials.get(name)]
    measured = [trial.measured for name in shown for trial in trials.get(name, {}).values()]
    return {
        "schema": SCHEMA,
        **about,
        "title": grid.file.title,
        "repeats": grid.file.repeats,
        "about": grid.file.about,
        "axes": grid.file.axis_names,
        "columns": list(grid.file.columns),
        "reference": grid.reference,
        "simulated": any(each.simulated for each in measured),
        "questions": max((len(each.answers) for each in measured), default=0),
        "unit": "turns" if any(cell.measure.startswith(MEASURE) for cell in grid.cells.values()) else "questions",
        "rows": rows,
        "comparisons": [_told(pair, found, grid.file.columns) for pair, found in comparisons.items()],
        "changes": list(_changes(grid, rows)),
        "paper": _paper(grid, rows),
    }


def _changes(grid: Grid, rows: Sequence[Row]) -> Iterator[ChangeDocument]:
    """Yields the changes between cells that are done: name, value, as it is written, and the paper's own."""
    figures = {row["name"]: row["figures"] for row in rows}
    for each in grid.changes:
        before, after = (figures.get(name, {}).get(each.figure) for name in (each.before, each.after))
        if before and after:
            value = each.of(before, after)
            yield {"name": each.name, "value": value, "written": each.written(value), "paper": each.paper}


def _answers(trials: Mapping[int, DoneCell]) -> Answers:
    return {seed: trial.measured.answers for seed, trial in trials.items()}


@dataclass(frozen=True, slots=True)
class ComparedCells:
    """Cells that are compared.

    Attributes:
        name: In words.
        plus: What is compared,
        minus: and with what; one cell each, or two where gains are.
    """

    name: str
    plus: tuple[str, ...]
    minus: tuple[str, ...]


Compared = Mapping[ComparedCells, Paired]


def _comparisons(grid: Grid, answers: Mapping[str, Answers]) -> Compared:
    """Returns what each cell is more than those that it is compared with, and contrasts, all corrected together.

    All cells that are done are in it, whichever are asked for: choosing among results must not make p smaller.
    """
    pairs = [(name, other) for name, cell in grid.cells.items() for other in (grid.reference, *cell.against)]
    once = {frozenset(pair): pair for pair in reversed(pairs)}  # a against b says it all of b against a
    wanted = [ComparedCells(f"{a} against {b}", (a,), (b,)) for a, b in pairs if once[frozenset((a, b))] == (a, b)]
    wanted += [ComparedCells(each.name, each.plus, each.minus) for each in grid.contrasts]
    wanted = [each for each in wanted if each.plus != each.minus and answers.keys() >= {*each.plus, *each.minus}]
    found = [paired([answers[name] for name in each.plus], [answers[name] for name in each.minus]) for each in wanted]
    return {
        comparison: {**each, "p_holm": p}
        for comparison, each, p in zip(wanted, found, corrected(found), strict=True)
        if each is not None
    }


def _row(grid: Grid, cell: Cell, trials: Mapping[int, DoneCell], comparisons: Compared) -> Row:
    own = next((each for each in comparisons if each.plus == (cell.name,) and cell.name != grid.reference), None)
    figures = _means([trial.measured.figures for trial in trials.values()])
    if own is not None and own.minus == (grid.reference,):
        figures |= {name: share for name in MOVES if (share := comparisons[own][name]) is not None}
    paper = grid.file.paper
    numbers = grid.paper.get(cell.name)
    row: Row = {
        "name": cell.name,
        "measure": cell.measure,
        "control": cell.control,
        **mean_of(_answers(trials)),
        "paired": None if own is None else _told(own, comparisons[own], grid.file.columns),
        "figures": figures,
        "difficulty": _difficulty([trial.measured for trial in trials.values()]),
        "runs": [str(trial.directory) for _, trial in sorted(trials.items())],
        "paper": dict(zip(paper.columns, numbers, strict=True)) if paper and numbers else None,
    }
    return cast(Row, {**cell.labels, **row})


def _told(comparison: ComparedCells, found: Paired, columns: Sequence[str]) -> PairedDocument:
    told = paired_document(comparison.name, comparison.plus, comparison.minus, found)
    if (moved := moves(found)) and {*MOVES} <= {*columns}:
        told["sentence"] += f"; {moved}"
    return told


def _means(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Returns each figure's mean over the seeds that have it; a count that a seed lacks is 0 there."""
    names = dict.fromkeys(name for each in figures for name in each)
    filled = [dict.fromkeys(filter(COUNTED.match, names), 0.0) | dict(each) for each in figures]
    return {name: fmean(each[name] for each in filled if name in each) for name in names}


def _difficulty(measured: Sequence[Measured]) -> dict[str, float]:
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for each in measured:
        for name, (good, of) in each.difficulty.items():
            right[name] += good
            count[name] += of
    return {name: right[name] / count[name] for name in sorted(count)}


def _paper(grid: Grid, rows: Sequence[Row]) -> PaperDocument | None:
    paper = grid.file.paper
    if paper is None:
        return None
    repeated = {row["name"] for row in rows}
    return {
        "source": paper.source,
        "what": paper.what,
        "columns": list(paper.columns),
        "beside": list(paper.columns if paper.beside is None else paper.beside),
        "rows": {name: list(numbers) for name, numbers in grid.paper.items()},
        "not_repeated": [name for name in grid.paper if name not in repeated],
    }
