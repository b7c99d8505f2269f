"""A suite's outcome as one HTML page, of the same blocks as a run's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from magdi.core.errors import DataError
from magdi.core.run.metrics import read_metrics
from magdi.plugins.report.blocks import (
    Block,
    Column,
    Estimate,
    Intervals,
    Notice,
    Point,
    Scatter,
    Section,
    Table,
    Value,
)
from magdi.plugins.report.curves import overlaid
from magdi.plugins.report.page import REPORT, link_to, write_page
from magdi.plugins.runs.finding import SUITE
from magdi.plugins.sheet import Sheet
from magdi.plugins.suites.document import PairedDocument, Row, SuiteDocument, label, read_document
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
    document, out = read_document(folder), out or folder / REPORT
    with _telling_damage(folder):
        content, title = list(sections(document, folder, out)), str(document["title"])
    return write_page(out, title, content)


@contextmanager
def _telling_damage(folder: Path) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        hint = "magdi ablate, as the suite was begun, with --rescore makes it anew"
        raise DataError(f"{folder / SUITE} is no outcome of a suite, or damaged", hint=hint) from error


def is_suite(folder: Path) -> bool:
    """Returns whether a directory holds a suite with a document."""
    return (folder / SUITE).is_file()


def runs_of(folder: Path) -> list[Path]:
    """Returns the directories of a suite's runs, wherever its folder is by now.

    Raises:
        DataError: Its document is damaged.
    """
    document = read_document(folder)
    with _telling_damage(folder):
        return [run for row in document.get("rows", ()) for _, run in _runs(document, row, folder)]


def _runs(document: SuiteDocument, row: Row, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields the names of a cell's runs, and where they are."""
    within = Path(document["directory"])
    for run in map(Path, row["runs"]):
        inside = run.is_relative_to(within)
        yield (str(run.relative_to(within)), folder / run.relative_to(within)) if inside else (str(run), run)


def sections(document: SuiteDocument, folder: Path, page: Path) -> Iterator[Section]:
    """Yields the page's sections.

    Args:
        document: The suite's document.
        folder: Where the suite is.
        page: The HTML file, from which links lead to those of the runs.
    """
    said = [note for note in notes(document) if note not in {each["sentence"] for each in document["comparisons"]}]
    first = (*_warnings(document), _results(document), *_intervals(document), *_controls(document), *_plots(document))
    yield Section("results", "Results", first, str(document["about"]))
    if document["comparisons"]:
        yield Section("comparisons", "Comparisons", (_comparisons(document),))
    further = [Table(_columns(sheet), sheet.rows, title=sheet.title) for sheet in sheets(document)[1:]]
    if further:
        yield Section("further", "Further figures", tuple(further))
    runs = {str(row["name"]): list(_runs(document, row, folder)) for row in document["rows"]}
    measured = {name: [read_metrics(run / "metrics.jsonl") for _, run in some] for name, some in runs.items()}
    if any(map(any, measured.values())):
        note = "Means over seeds; thin lines are single seeds."
        yield Section("training", "Training", tuple(overlaid(measured)), note)
    yield Section("about", "About", (*map(Notice, said), _links(document, runs, page)), str(document["directory"]))


def _links(document: SuiteDocument, runs: Mapping[str, Sequence[tuple[str, Path]]], page: Path) -> Table:
    columns = (Column("cell"), Column("run", "link"), Column("accuracy", "share", note="on the held-out questions"))
    rows: list[tuple[Value, ...]] = []
    for row in document["rows"]:
        found, right = runs[str(row["name"])], list(row["seeds"].values())
        seeds = right if len(right) == len(found) else [None] * len(found)
        rows += [(str(row["name"]), link_to(run, name, page), of) for (name, run), of in zip(found, seeds, strict=True)]
    return Table(columns, tuple(rows), title="Runs", note="Where a run has no page yet, magdi view SUITE makes it.")


def _warnings(document: SuiteDocument) -> Iterator[Block]:
    if document["quick"]:
        yield Notice("Made small with --quick: too small to conclude from.")
    if document["simulated"]:
        yield Notice("Teachers are simulated; no language model took part in the discussions.")
    yield from map(Notice, document.get("warnings", ()))
    for failure in document["failures"]:
        yield Notice(f"{failure['kind']}: {failure['cell']}, seed {failure['seed']}: {failure['error']}")


def _results(document: SuiteDocument) -> Table:
    paper = document["paper"] if any(row["paper"] for row in document["rows"]) else None
    beside = [(name, f"{paper['source']}, {paper['what']}") for name in paper["beside"]] if paper else []
    columns = [
        *(Column(axis) for axis in document["axes"]),
        Column("accuracy", "share"),
        Column("95 % interval", "interval"),
        Column("difference", "points", note=f"to {document['reference']}, in points, paired by seed and question"),
        Column("95 % interval", "interval-points"),
        Column("p (Holm)", "number", digits=3),
        *(Column(name.replace("_", " "), "number", digits=0) for name in ("steps", "trained_tokens", "calls")),
        *(Column(f"paper: {name}", "number", note=note) for name, note in beside),
    ]
    rows = tuple(
        (
            *(label(row, axis) for axis in document["axes"]),
            row["mean"],
            row["interval"],
            *_difference(row["paired"]),
            *(row["figures"].get(name) for name in ("steps", "trained_tokens", "calls")),
            *((row["paper"] or {}).get(name) for name, _ in beside),
        )
        for row in document["rows"]
    )
    repeats = f"repeats {document['repeats']}" if document["repeats"] else ""
    return Table(tuple(columns), rows, note=repeats)


def _difference(found: PairedDocument | None) -> tuple[Value, Value, Value]:
    return (found["difference"], found["interval"], found["p_holm"]) if found else (None, None, None)


def _intervals(document: SuiteDocument) -> Iterator[Intervals]:
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


def _estimate(name: str, value: float, found: Row | PairedDocument, shown: bool = True) -> Estimate:
    """Returns a row of the plot: its interval and its seeds, where there are several, are those that were found."""
    low, high = found["interval"]
    seeds = tuple(found["seeds"].values())
    return Estimate(name, value, low, high, seeds if len(seeds) > 1 else (), shown)


def _controls(document: SuiteDocument) -> Iterator[Table]:
    rows = tuple((row["name"], row["control"]) for row in document["rows"] if row["control"])
    if rows:
        yield Table((Column("control"), Column("what it is")), rows)


def _plots(document: SuiteDocument) -> Iterator[Scatter]:
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


def _comparisons(document: SuiteDocument) -> Table:
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
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (
            each["name"],
            *_difference(each)[:2],
            *(each["p"], each["p_holm"], each["p_seeds"], each["p_questions"]),
            each["verdict"],
        )
        for each in document["comparisons"]
    )
    note = f"p (Holm) is corrected for all comparisons of the suite, {len(rows)} of them shown; intervals are not"
    return Table(columns, rows, note=note)


def _columns(sheet: Sheet) -> tuple[Column, ...]:
    return tuple(Column(column.title) for column in sheet.columns)
