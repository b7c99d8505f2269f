"""How components, their graphs and the sources of a configuration are drawn on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.plugins.sheet import Sheet

if TYPE_CHECKING:
    from magdi.plugins.describe import Description, Entry, FaultEntry, GraphEntry, Overview, PluginSource, SettingEntry


def overview_table(document: Overview) -> RenderableType:
    """Draws what `magdi.plugins.describe.overview` found."""
    rows = [(str(each["kind"]), each["name"], _from(each), _summary(each)) for each in document["components"]]
    rows += [("command", each["name"], _from(each), each["summary"]) for each in document["commands"]]
    table = replace(Sheet.of_texts(("kind", "name", "from", "summary"), rows), labels=2)
    return Group(drawn(table), *_fault_lines(document["faults"]))


def _from(each: PluginSource) -> str:
    return f"{each['plugin']} {each['version']}".strip()


def _summary(each: Entry) -> str:
    if each["problem"]:
        return f"broken: {each['problem']}"
    return f"{each['summary']} Needs {each['requires']}." if each["requires"] else each["summary"]


def _fault_lines(faults: Sequence[FaultEntry]) -> Iterable[Text]:
    if faults:
        yield Text("\nat fault", style="bold red")
    for fault in faults:
        yield Text(f"{_from(fault)}: {fault['cause']}")


def description_table(about: Description) -> RenderableType:
    """Draws what `magdi.plugins.describe.description` found."""
    parts: list[RenderableType] = [
        Text(f"{about['kind']} {about['name']}", style="bold"),
        Text(about["summary"]),
        Text(f"from {_from(about)}, {about['origin']}: {about['target']}", style="dim"),
    ]
    if about["requires"]:
        parts.append(Text(f'needs pip install "{about["requires"]}"'))
    parts += [Text(""), Text(about["documentation"])] if about["documentation"] else []
    parts += [Text(""), _settings(about["settings"])]
    if "graph" in about:
        parts += _graph(about["graph"])
    return Group(*parts)


def _settings(settings: Sequence[SettingEntry]) -> RenderableType:
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


def _graph(graph: GraphEntry) -> list[RenderableType]:
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
