"""How components, their graphs and the sources of a configuration are drawn on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import plain_table


def overview_table(document: Mapping[str, Any]) -> RenderableType:
    """Draws what `magdi.plugins.describe.overview` found."""
    table = plain_table("kind", "name", "from", "summary")
    commands = [{"kind": "command", "problem": "", "requires": "", **each} for each in document["commands"]]
    for each in [*document["components"], *commands]:
        summary = Text(each["summary"])
        if each["requires"]:
            summary.append(f" Needs {each['requires']}.", style="dim")
        if each["problem"]:
            summary = Text(f"broken: {each['problem']}", style="red")
        table.add_row(each["kind"], each["name"], Text(f"{each['plugin']} {each['version']}", style="dim"), summary)
    return Group(table, *_fault_lines(document["faults"]))


def _fault_lines(faults: Sequence[Mapping[str, str]]) -> Iterable[Text]:
    if faults:
        yield Text("\nat fault", style="bold red")
    for fault in faults:
        yield Text(f"{fault['plugin']} {fault['version']}".strip() + f": {fault['cause']}")


def description_table(about: Mapping[str, Any]) -> RenderableType:
    """Draws what `magdi.plugins.describe.description` found."""
    where = f"{about['plugin']} {about['version']}".strip()
    parts: list[RenderableType] = [
        Text(f"{about['kind']} {about['name']}", style="bold"),
        Text(about["summary"]),
        Text(f"from {where}, {about['origin']}: {about['target']}", style="dim"),
    ]
    if about["requires"]:
        parts.append(Text(f'needs pip install "{about["requires"]}"'))
    parts += [Text(""), Text(about["documentation"])] if about["documentation"] else []
    parts += [Text(""), _settings(about["settings"])]
    if "graph" in about:
        parts += _graph(about["graph"])
    return Group(*parts)


def _settings(settings: Sequence[Mapping[str, Any]]) -> RenderableType:
    if not settings:
        return Text("no settings")
    table = plain_table("setting", "type", "default", "")
    for each in settings:
        default = "(must be given)" if each["required"] else _short(each["default"])
        table.add_row(each["name"], Text(each["type"]), Text(default), Text(each["description"]))
    return table


def _short(value: object, most: int = 40) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def _graph(graph: Mapping[str, Any]) -> list[RenderableType]:
    used = "".join(f", {key}={value}" for key, value in graph["settings"].items())
    table = plain_table("rounds", "calls", "edges")
    for count in graph["counts"]:
        table.add_row(*(str(count[key]) for key in ("rounds", "calls", "edges")))
    return [
        Text(f"\nwith {graph['agents']} agents who never agree{used}", style="bold"),
        table,
        Text(""),
        *(Text(line) for line in graph["drawing"]),
    ]


def origin_table(rows: Iterable[tuple[str, str, str]]) -> RenderableType:
    """Draws (path, value, origin) rows."""
    table = plain_table("key", "value")
    table.add_column("from", no_wrap=True)
    for path, value, origin in rows:
        table.add_row(path, Text(value), Text(origin, style="dim" if origin == "default" else ""))
    return table
