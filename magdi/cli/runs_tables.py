"""Runs as tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from magdi.cli.drawn import plain_table
from magdi.cli.outcome import outcome_table
from magdi.core.sheet import p_value, percent, points, span

COMPARED = {"student": "distilled student", "base": "before distillation", "teams": "teachers' teams"}


def list_table(document: Mapping[str, Any]) -> RenderableType:
    """Draws what `magdi runs list` found."""
    if not document["runs"]:
        return Text(f"no runs in {document['folder']}")
    table = plain_table("run", "status", "task", "protocol", "encoder", "level", "seed", "MAGs", "base", "student")
    for run in document["runs"]:
        settings = run["settings"]
        named = (str(settings.get(key, "?")) for key in ("task", "protocol", "encoder", "level", "seed"))
        count = str(run["mags"]["count"]) if "mags" in run else "-"
        count += f" ({run['failed']} failed)" if run.get("failed") else ""
        table.add_row(
            Text(_short(run["run"], document["folder"])),
            run["status"],
            *map(Text, named),
            count,
            _right(run, "base"),
            _right(run, "student"),
        )
    torn = [Text(run["error"]) for run in document["runs"] if "error" in run]
    return Group(table, *torn) if torn else table


def _short(run: str, folder: str) -> str:
    """Returns a run's path within the folder that is listed."""
    path = Path(run)
    return str(path.relative_to(folder)) if path != Path(folder) else path.name


def _right(run: Mapping[str, Any], who: str) -> str:
    return percent(run[who]["accuracy"]) if who in run else "-"


def show_table(document: Mapping[str, Any]) -> RenderableType:
    """Draws what `magdi runs show` says of a run."""
    settings = "  ".join(f"{name} {value}" for name, value in document["settings"].items())
    versions = "  ".join(f"{name} {value}" for name, value in document["versions"].items())
    why = f" ({document['error']})" if "error" in document else ""
    head = Text(f"{document['run']}: {document['status']}{why}", style="bold")
    return Group(head, Text(settings), outcome_table(document), Text(versions, style="dim"))


def compare_table(document: Mapping[str, Any]) -> RenderableType:
    """Draws what `magdi runs compare` found."""
    lines = [Text(f"first:  {document['first']['run']}"), Text(f"second: {document['second']['run']}"), Text("")]
    lines += [Text("the same settings")] if not document["configuration"] else [Text("settings", style="bold")]
    lines += [Text(f"  {line}") for line in document["configuration"]]
    compared = {who: document[who] for who in COMPARED if document[who]}
    return Group(*lines, Text(""), _differences(compared) if compared else Text("no question that both answered"))


def _differences(compared: Mapping[str, Mapping[str, Any]]) -> Table:
    headings = (
        "second less first",
        "points",
        "95 % interval",
        "p",
        "only first right",
        "only second right",
        "questions",
    )
    table = plain_table(*headings, "")
    for who, found in compared.items():
        table.add_row(
            COMPARED[who],
            points(found["difference"]),
            span(found["interval"], "+"),
            p_value(found["p"]),
            str(found["only_first"]),
            str(found["only_second"]),
            str(found["count"]),
            found["verdict"],
        )
    return table
