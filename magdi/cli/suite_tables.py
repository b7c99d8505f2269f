"""A suite's plan and outcome on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.cli.plan_table import count, dollars, duration, jobs_lines
from magdi.plugins.sheet import Column, Sheet
from magdi.plugins.suites.sheet import figures_sheet, paper_sheet, results_sheet

if TYPE_CHECKING:
    from magdi.plugins.suites.document import SuiteDocument
    from magdi.plugins.suites.suite import SuitePlan


def suite_tables(document: SuiteDocument) -> RenderableType:
    """Draws a suite's outcome: its table, and what must be read with it."""
    results = results_sheet(document)
    sheets = (results, figures_sheet(document), paper_sheet(document, beside=False))
    tables = [drawn(sheet) for sheet in sheets if sheet]
    lines = [Text(note) for note in results.notes]
    return Group(*tables, *lines, Text(f"{document['directory']}: cells are runs for magdi view and magdi runs"))


def plan_table(plan: SuitePlan) -> RenderableType:
    """Draws what a suite would do."""
    cells = plan["cells"]
    axes = [key for key in cells[0] if key not in ("name", "control", "runs", "done")]
    rows = [tuple(str(cell[key]) for key in (*axes, "runs", "done", "control")) for cell in cells]
    headings = (*axes, "seeds", "done", "control for")
    columns = tuple(Column(heading, right=heading in ("seeds", "done")) for heading in headings)
    table = Sheet(plan["title"], columns, tuple(rows), labels=len(axes))
    lines = [Text(f"left out: {name}: {why}") for name, why in plan["left_out"].items()]
    return Group(drawn(table), *lines, *map(Text, _estimated(plan)))


def _estimated(plan: SuitePlan) -> Sequence[str]:
    left = plan["estimate"]
    if not left["runs"]:
        return [f"all is done; the table is printed without -n; {plan['directory']}"]
    expected, most = left["expected"], left["most"]
    calls = f"about {count(expected['calls'])} calls, at most {count(most['calls'])}"
    money = (expected["cost"], most["cost"])
    cost = "" if money == (0, 0) else f"; {dollars(money[0])} US dollars, at most {dollars(money[1])}"
    besides = (
        [f"no price is known of {', '.join(left['unpriced'])}: --price IN,OUT says it"] if left["unpriced"] else []
    )
    jobs = plan["jobs"]["at_once"] or max(sum(wave.values()) for wave in plan["jobs"]["waves"])
    longest = [None if seconds is None else seconds / jobs for seconds in (expected["seconds"], most["seconds"])]
    time = f"about {duration(longest[0])}, at most {duration(longest[1])}, with {jobs} at once"
    return [
        f"{left['runs']} runs left, {left['discussions']} sets of discussions: {calls}{cost}",
        *besides,
        f"time: {'not known' if longest[0] is None else time}; by {left['by']}",
        *jobs_lines(plan["jobs"]),
        f"nothing was started; the suite goes to {plan['directory']}",
    ]


def suite_names(names: Sequence[Mapping[str, str]]) -> RenderableType:
    """Draws the shipped suites."""
    keys = ("name", "asks", "repeats")
    return drawn(Sheet.of_texts(("suite", "what it asks", "repeats"), [[each[key] for key in keys] for each in names]))
