"""How components, their graphs and the sources of a configuration are drawn on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.plugins.sheet import Sheet


def overview_table(document: Mapping[str, Any]) -> RenderableType:
    """Draws what `magdi.plugins.describe.overview` found."""
    commands = [{"kind": "command", "problem": "", "requires": "", **each} for each in document["commands"]]
    rows = [
        (each["kind"], each["name"], f"{each['plugin']} {each['version']}", _summary(each))
        for each in [*document["components"], *commands]
    ]
    table = replace(Sheet.of_texts(("kind", "name", "from", "summary"), rows), labels=2)
    return Group(drawn(table), *_fault_lines(document["faults"]))


def _summary(each: Mapping[str, Any]) -> str:
    if each["problem"]:
        return f"broken: {each['problem']}"
    return f"{each['summary']} Needs {each['requires']}." if each["requires"] else str(each["summary"])


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
    rows = [
        (
            each["name"],
            each["type"],
            "(must be given)" if each["required"] else _short(each["default"]),
            each["description"],
        )
        for each in settings
    ]
    return drawn(Sheet.of_texts(("setting", "type", "default", ""), rows))


def _short(value: object, most: int = 40) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def _graph(graph: Mapping[str, Any]) -> list[RenderableType]:
    used = "".join(f", {key}={value}" for key, value in graph["settings"].items())
    keys = ("rounds", "calls", "edges")
    table = drawn(Sheet.of("", keys, [[str(count[key]) for key in keys] for count in graph["counts"]]))
    return [
        Text(f"\nwith {graph['agents']} agents who never agree{used}", style="bold"),
        table,
        Text(""),
        *(Text(line) for line in graph["drawing"]),
    ]


def origin_table(rows: Iterable[tuple[str, str, str]]) -> RenderableType:
    """Draws (path, value, origin) rows."""
    return drawn(Sheet.of_texts(("key", "value", "from"), rows))
