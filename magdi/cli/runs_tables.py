"""Runs as tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.cli.outcome import outcome_table
from magdi.plugins.runs.finding import AROUND, SHOWN_SETTINGS, changed_lines
from magdi.plugins.sheet import NOTHING, Sheet, p_value, percent, points, span

if TYPE_CHECKING:
    from magdi.core.run.state import Scored
    from magdi.plugins.runs.finding import RunComparison, RunList, RunRow, RunShown
    from magdi.plugins.runs.result import ComparisonDocument

TIMES = ("started", "ended")
COMPARED = {"student": "distilled student", "base": "before distillation", "teams": "teachers' teams"}


def list_table(document: RunList) -> RenderableType:
    """Draws what `magdi runs list` found."""
    rows = [_row(run, document["folder"]) for run in document["runs"]]
    headings = ("run", "started", "status", *SHOWN_SETTINGS, "MAGs", "base", "student")
    table = Sheet.of("", headings, rows, left=headings[:-2])
    lines = [Text(run["error"]) for run in document["runs"] if "error" in run]
    if suites := document["suites"]:
        named = ", ".join(f"{count} of {_short(suite, document['folder'])}" for suite, count in suites.items())
        lines.append(Text(f"runs of suites: {named} (--all lists them, magdi view SUITE shows them)"))
    return Group(drawn(table) if rows else Text(f"no runs in {document['folder']}"), *lines)


def _row(run: RunRow, folder: str) -> list[str]:
    named = [str(run["settings"].get(key, "?")) for key in SHOWN_SETTINGS]
    started = datetime.fromisoformat(run["started"]).astimezone().strftime("%Y-%m-%d %H:%M")
    return [
        _short(run["run"], folder),
        started,
        run["status"],
        *named,
        _mags(run),
        _right(run.get("base")),
        _right(run.get("student")),
    ]


def _mags(run: RunRow) -> str:
    """Returns how many MAGs there are, and what is to be known of them."""
    if "mags" not in run:
        return NOTHING
    failed = f"{run['failed']} failed" if run.get("failed") else ""
    imported = "from files" if "imported" in run else ""
    simulated = "simulated" if run.get("simulated") else ""
    beside = ", ".join(filter(None, (failed, imported, simulated)))
    return f"{run['mags']['count']:,}" + (f" ({beside})" if beside else "")


def _short(run: str, folder: str) -> str:
    """Returns a run's path within the folder that is listed."""
    path = Path(run)
    return str(path.relative_to(folder)) if path != Path(folder) else path.name


def _right(score: Scored | None) -> str:
    return percent(score["accuracy"]) if score else NOTHING


def show_table(document: RunShown) -> RenderableType:
    """Draws what `magdi runs show` says of a run."""
    settings = "  ".join(f"{name} {value}" for name, value in document["settings"].items())
    fields: Mapping[str, object] = document
    around = [f"{name} {fields[name]}" for name in (*TIMES, *AROUND) if fields.get(name)]
    around += [f"{name} {value}" for name, value in document["versions"].items()]
    why = f" ({document['error']})" if "error" in document else ""
    head = Text(f"{document['run']}: {document['status']}{why}", style="bold")
    changed = changed_lines(document.get("changed", []))
    return Group(
        head, *map(Text, changed), Text(settings), outcome_table(document), Text("  ".join(around), style="dim")
    )


def compare_table(document: RunComparison) -> RenderableType:
    """Draws what `magdi runs compare` found."""
    lines = [Text(f"first:  {document['first']['run']}"), Text(f"second: {document['second']['run']}")]
    lines += [*map(Text, changed_lines(document["changed"])), Text("")]
    lines += [Text("the same settings")] if not document["configuration"] else [Text("settings", style="bold")]
    lines += [Text(f"  {line}") for line in document["configuration"]]
    found = {"student": document["student"], "base": document["base"], "teams": document["teams"]}
    compared = {who: each for who, each in found.items() if each}
    return Group(
        *lines, Text(""), drawn(_differences(compared)) if compared else Text("no question that both answered")
    )


def _differences(compared: Mapping[str, ComparisonDocument]) -> Sheet:
    headings = [
        "second less first",
        "points",
        "95 % interval",
        "p",
        "only first right",
        "only second right",
        "questions",
        "verdict",
    ]
    rows = [[COMPARED[who], *_difference(found)] for who, found in compared.items()]
    return Sheet.of("", headings, rows, left=("second less first", "verdict"))


def _difference(found: ComparisonDocument) -> list[str]:
    only = [str(count) for count in (found["only_first"], found["only_second"], found["count"])]
    return [points(found["difference"]), span(found["interval"], "+"), p_value(found["p"]), *only, found["verdict"]]
