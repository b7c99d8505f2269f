"""A suite's plan and outcome on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.plugins.sheet import Column, Sheet
from magdi.plugins.suites.sheet import figures_sheet, paper_sheet, results_sheet


def suite_tables(document: Mapping[str, Any]) -> RenderableType:
    """Draws a suite's outcome: its table, and what must be read with it."""
    results = results_sheet(document)
    sheets = (results, figures_sheet(document), paper_sheet(document, beside=False))
    tables = [drawn(sheet) for sheet in sheets if sheet]
    lines = [Text(note) for note in results.notes]
    return Group(*tables, *lines, Text(f"{document['directory']}: cells are runs for magdi view and magdi runs"))


def plan_table(plan: Mapping[str, Any], jobs: int) -> RenderableType:
    """Draws what a suite would do."""
    cells = plan["cells"]
    axes = [key for key in cells[0] if key not in ("name", "control", "runs", "done")]
    rows = [tuple(str(cell[key]) for key in (*axes, "runs", "done", "control")) for cell in cells]
    headings = (*axes, "seeds", "done", "control for")
    columns = tuple(Column(heading, right=heading in ("seeds", "done")) for heading in headings)
    table = Sheet(plan["title"], columns, tuple(rows), labels=len(axes))
    lines = [Text(f"left out: {name}: {why}") for name, why in plan["left_out"].items()]
    return Group(drawn(table), *lines, *map(Text, _estimated(plan, jobs)))


def _estimated(plan: Mapping[str, Any], jobs: int) -> Sequence[str]:
    left = plan["estimate"]
    if not left["runs"]:
        return [f"all is done; the table is printed without -n; {plan['directory']}"]
    cost = "" if not left["cost"] else f", {left['cost']:.2f} US dollars"
    if left["cost"] is None:
        cost = ", at prices that are not known"
    seconds = left["seconds"]
    time = "not known" if seconds is None else f"about {_duration(seconds / jobs)} with {jobs} at once"
    return [
        f"{left['runs']} runs left, {left['discussions']} sets of discussions, at most {left['calls']:,} calls{cost}",
        f"time: {time}; by {left['from']}",
        f"nothing was started; the suite goes to {plan['directory']}",
    ]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def suite_names(names: Sequence[Mapping[str, str]]) -> RenderableType:
    """Draws the shipped suites."""
    keys = ("name", "asks", "repeats")
    return drawn(Sheet.of_texts(("suite", "what it asks", "repeats"), [[each[key] for key in keys] for each in names]))
