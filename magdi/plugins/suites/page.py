"""A suite's outcome as one HTML page, of the same blocks as a run's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from magdi.core.errors import DataError
from magdi.core.files import read_json
from magdi.plugins.report.blocks import (
    Block,
    Column,
    Estimate,
    Intervals,
    Listing,
    Notice,
    Point,
    Scatter,
    Section,
    Table,
)
from magdi.plugins.report.page import write_page
from magdi.plugins.runs.finding import SUITE
from magdi.plugins.sheet import Sheet
from magdi.plugins.suites.sheet import notes, sheets
from magdi.plugins.suites.statistics import NO_DIFFERENCE

AGAINST = (("output_tokens", "tokens an answer"), ("calls", "teacher calls"), ("trained_tokens", "tokens learned"))
"""What accuracy is drawn against, where cells differ in it."""

APART = 1.2
"""How much more the most must be than the least for that to be a plot."""

RINGS = "Dots are means, lines their 95 % intervals, rings single seeds."


def write_suite_page(folder: Path, out: Path | None = None) -> Path:
    """Writes the page of the suite in a directory, from its last document; returns the HTML file.

    Raises:
        DataError: The document is damaged.
        StorageError: The page cannot be written.
    """
    document = read_json(folder / SUITE)
    try:
        content = list(sections(document))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        hint = "magdi ablate, as the suite was begun, with --rescore makes it anew"
        raise DataError(f"{folder / SUITE} is no outcome of a suite, or damaged", hint=hint) from error
    return write_page(out or folder / "report.html", str(document["title"]), content)


def is_suite(folder: Path) -> bool:
    """Returns whether a directory holds a suite with a document."""
    return (folder / SUITE).is_file()


def sections(document: Mapping[str, Any]) -> Iterator[Section]:
    """Yields the page's sections."""
    said = [note for note in notes(document) if note not in {each["sentence"] for each in document["comparisons"]}]
    first = (*_warnings(document), _results(document), *_intervals(document), *_controls(document), *_plots(document))
    yield Section("results", "Results", first, str(document["about"]))
    if document["comparisons"]:
        yield Section("comparisons", "Comparisons", (_comparisons(document),))
    further = [Table(_columns(sheet), sheet.rows, title=sheet.title) for sheet in sheets(document)[1:]]
    if further:
        yield Section("further", "Further figures", tuple(further))
    listing = Listing("Runs", yaml.safe_dump({row["name"]: row["runs"] for row in document["rows"]}, sort_keys=False))
    yield Section("about", "About", (*map(Notice, said), listing), str(document["directory"]))


def _warnings(document: Mapping[str, Any]) -> Iterator[Block]:
    if document["quick"]:
        yield Notice("Made small with --quick: too small to conclude from.")
    if document["simulated"]:
        yield Notice("Teachers are simulated; no language model took part in the discussions.")
    for failure in document["failures"]:
        yield Notice(f"{failure['kind']}: {failure['cell']}, seed {failure['seed']}: {failure['error']}")


def _results(document: Mapping[str, Any]) -> Table:
    paper = document["paper"]
    beside = paper["beside"] if paper and any(row["paper"] for row in document["rows"]) else []
    columns = [
        *(Column(axis) for axis in document["axes"]),
        Column("accuracy", "share"),
        Column("95 % interval", "interval"),
        Column("difference", "points", note=f"to {document['reference']}, in points, paired by seed and question"),
        Column("95 % interval", "interval-points"),
        Column("p (Holm)", "number", digits=3),
        *(Column(name.replace("_", " "), "number", digits=0) for name in ("steps", "trained_tokens", "calls")),
        *(Column(f"paper: {name}", "number", note=f"{paper['source']}, {paper['what']}") for name in beside),
    ]
    rows = tuple(
        (
            *(str(row[axis]) for axis in document["axes"]),
            row["mean"],
            row["interval"],
            *((row["paired"] or {}).get(name) for name in ("difference", "interval", "p_holm")),
            *(row["figures"].get(name) for name in ("steps", "trained_tokens", "calls")),
            *((row["paper"] or {}).get(name) for name in beside),
        )
        for row in document["rows"]
    )
    repeats = f"repeats {document['repeats']}" if document["repeats"] else ""
    return Table(tuple(columns), rows, note=repeats)


def _intervals(document: Mapping[str, Any]) -> Iterator[Intervals]:
    compared = document["comparisons"]
    cells = tuple(_estimate(str(each["name"]), each["mean"], each) for each in document["rows"])
    yield Intervals("Accuracy", "accuracy", cells, note=RINGS, half=bool(compared))
    if compared:
        title = f"Difference, to {document['reference']} where nothing else is said"
        usual = f" against {document['reference']}"
        rows = tuple(
            _estimate(str(each["name"]).removesuffix(usual), each["difference"], each, each["verdict"] != NO_DIFFERENCE)
            for each in compared
        )
        note = f"{RINGS} Grey: no difference shown."
        yield Intervals(title, "points", rows, unit="points", note=note, half=True)


def _estimate(name: str, value: float, found: Mapping[str, Any], shown: bool = True) -> Estimate:
    """Returns a row of the plot: its interval and its seeds, where there are several, are those that were found."""
    low, high = found["interval"]
    seeds = tuple(found["seeds"].values())
    return Estimate(name, value, low, high, seeds if len(seeds) > 1 else (), shown)


def _controls(document: Mapping[str, Any]) -> Iterator[Table]:
    rows = tuple((row["name"], row["control"]) for row in document["rows"] if row["control"])
    if rows:
        yield Table((Column("control"), Column("what it is")), rows)


def _plots(document: Mapping[str, Any]) -> Iterator[Scatter]:
    for name, title in AGAINST:
        found = [row for row in document["rows"] if row["figures"].get(name)]
        amounts = [row["figures"][name] for row in found]
        if not amounts or max(amounts) < APART * min(amounts):
            continue
        points = tuple(
            Point(row["name"], row["figures"][name], row["mean"], row["interval"][0], row["interval"][1])
            for row in found
        )
        wide = max(amounts) > 20 * min(amounts)
        yield Scatter(f"Accuracy against {title}", title, "accuracy", points, log=wide)


def _comparisons(document: Mapping[str, Any]) -> Table:
    columns = (
        Column("comparison"),
        Column("difference", "points"),
        Column("95 % interval", "interval-points"),
        Column("p", "number", digits=4),
        Column("p (Holm)", "number", digits=4),
        Column("p over seeds", "number", digits=4, note="paired t test"),
        Column("p over questions", "number", digits=4, note="exact"),
        Column("says"),
    )
    keys = ("name", "difference", "interval", "p", "p_holm", "p_seeds", "p_questions", "verdict")
    rows = tuple(tuple(each[key] for key in keys) for each in document["comparisons"])
    note = f"p (Holm) is corrected for all comparisons of the suite, {len(rows)} of them shown; intervals are not"
    return Table(columns, rows, note=note)


def _columns(sheet: Sheet) -> tuple[Column, ...]:
    return tuple(Column(column.title) for column in sheet.columns)
