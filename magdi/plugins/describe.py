"""What there is to say of components, as plain data: the command line draws it, ``--json`` prints it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, TypedDict, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from magdi.core.errors import ComponentError, did_you_mean
from magdi.plugins.builtins import COMMANDS
from magdi.plugins.component import COMMAND, KINDS, Kind
from magdi.plugins.discovery import uninstalled
from magdi.plugins.manager import Plugins
from magdi.plugins.registration import Fault, Registration, shipped
from magdi.plugins.registry import Registry
from magdi.plugins.target import absent

MOST_ROUNDS = 3
"""Rounds after the first that are drawn."""


class PluginSource(TypedDict):
    """Which plugin something is of."""

    plugin: str
    version: str


class CommandEntry(PluginSource):
    """A command."""

    name: str
    summary: str


class LoadedEntry(PluginSource):
    """A plugin, and where it was found."""

    origin: str


class FaultEntry(PluginSource):
    """What is wrong with a plugin."""

    cause: str


class Entry(PluginSource):
    """A component; ``problem`` says why the target of a third party's cannot exist."""

    kind: Kind
    name: str
    summary: str
    address: str
    origin: str
    target: str
    requires: str
    problem: str


class Overview(TypedDict):
    """All components, commands and plugins, and what is wrong with some."""

    components: list[Entry]
    commands: list[CommandEntry]
    plugins: list[LoadedEntry]
    faults: list[FaultEntry]


class SettingEntry(TypedDict):
    """A setting of a component; one of a nested model by its dotted path."""

    name: str
    type: str
    default: object
    required: bool
    description: str


class GraphEntry(TypedDict):
    """Calls and edges after each round, and a drawing, of a discussion between agents who never agree."""

    agents: int
    settings: dict[str, object]
    counts: list[dict[str, int]]
    drawing: list[str]


class Description(Entry):
    """Everything about one component; of a protocol its graph, too."""

    documentation: str
    settings: list[SettingEntry]
    graph: NotRequired[GraphEntry]


def overview(plugins: Plugins) -> Overview:
    """Returns all components, commands, plugins and faults; nothing is imported for it.

    A third-party component whose target cannot exist has a ``problem``.
    """
    return {
        "components": [_entry(each) for each in plugins.registry.listing()],
        "commands": [
            {"name": each.component.name, "summary": each.component.summary, **_source(each.plugin, each.version)}
            for each in (*(shipped(COMMAND, component) for component in COMMANDS), *plugins.commands)
        ],
        "plugins": [{**_source(each.plugin, each.version), "origin": each.origin} for each in plugins.loaded],
        "faults": [fault_entry(fault) for fault in plugins.faults],
    }


def _source(plugin: str, version: str) -> PluginSource:
    return {"plugin": plugin, "version": version}


def fault_entry(fault: Fault) -> FaultEntry:
    """Returns a fault as data."""
    return {**_source(fault.plugin, fault.version), "cause": fault.cause}


def _entry(each: Registration) -> Entry:
    target = each.component.target
    return {
        "kind": each.kind,
        "name": each.component.name,
        "summary": each.component.summary,
        **_source(each.plugin, each.version),
        "address": each.address,
        "origin": each.origin,
        "target": target if isinstance(target, str) else f"{target.__module__}:{getattr(target, '__qualname__', '')}",
        "requires": each.component.requires,
        "problem": "" if each.shipped else absent(target),
    }


def description(registry: Registry, found: Registration, settings: Mapping[str, object] | None = None) -> Description:
    """Returns everything about one component; for a protocol also its graph for 3 agents.

    Args:
        registry: Where it is registered.
        found: Which one.
        settings: Settings to draw a protocol with.

    Raises:
        ComponentError: It cannot be loaded.
        ConfigError: The settings cannot be used.
    """
    cls = registry.load(found.kind, found.address)
    config = cast("type[BaseModel]", cls.Config)  # type: ignore[attr-defined]
    more = {"documentation": inspect.cleandoc(cls.__doc__ or ""), "settings": list(_settings_of(config))}
    about = cast(Description, {**_entry(found), **more})
    if found.kind == "protocol":
        about["graph"] = graph_of(registry, found, settings or {})
    return about


def graph_of(registry: Registry, found: Registration, settings: Mapping[str, object]) -> GraphEntry:
    """Returns calls and edges after 0 to 3 rounds, and a drawing, of a discussion between agents who never agree.

    Where a protocol has a setting ``rounds`` and by default fewer than 3, it is given more.
    """
    from magdi.core.config.models import ComponentChoice
    from magdi.plugins.sketch import counts, drawing, sketch

    fields = registry.config_of(found.kind, found.address).model_fields
    tries = [settings] + [{**settings, "rounds": most} for most in (3, 4) if "rounds" in {*fields} - {*settings}]
    for used in tries:
        protocol = registry.protocol(ComponentChoice.model_validate({"name": found.address, **used}))
        mag = sketch(protocol, found.component.name)
        if max(turn.round for turn in mag.turns) >= MOST_ROUNDS:
            break
    return {
        "agents": max(3, protocol.min_agents),
        "settings": dict(used),
        "counts": [asdict(count) for count in counts(mag, MOST_ROUNDS)],
        "drawing": drawing(mag, MOST_ROUNDS),
    }


def _settings_of(config: type[BaseModel], prefix: str = "") -> Iterator[SettingEntry]:
    """Yields the settings of a component, those of nested models by their dotted path."""
    for name, field in config.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and not field.is_required():
            yield from _settings_of(inner, f"{prefix}{name}.")
        else:
            yield _setting(prefix + name, field)


def _setting(name: str, field: FieldInfo) -> SettingEntry:
    default = field.get_default(call_default_factory=not field.is_required())  # type: ignore[call-overload]
    return {
        "name": name,
        "type": type_name(field.annotation),
        "default": None if default is PydanticUndefined else to_jsonable_python(default, fallback=str),
        "required": field.is_required(),
        "description": field.description or "",
    }


def type_name(annotation: Any) -> str:
    """Returns a type as people write it: ``int | None``, ``'a' | 'b'``, ``tuple[str, ...]``."""
    origin, parameters = get_origin(annotation), get_args(annotation)
    if annotation is Ellipsis:
        return "..."
    if origin is Annotated:
        return type_name(parameters[0])
    if origin is Literal:
        return " | ".join(map(repr, parameters))
    if origin in (Union, UnionType):
        return " | ".join(map(type_name, parameters))
    name = "None" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(type_name, parameters))}]" if parameters else str(name)


def candidates(registry: Registry, name: str, kind: Kind | None = None) -> list[Registration]:
    """Returns the components of a name, of all kinds or of one; a plugin's name or folder is all that it brings.

    Of a protocol and a file format of one name it is the protocol, unless the kind says otherwise.

    Raises:
        ComponentError: There is none.
    """
    listed = list(registry.listing(kind))
    fitting = [each for each in listed if name in (each.component.name, each.address)]
    fitting = [each for each in fitting if KINDS[each.kind].of_runs] or fitting
    plugin = Path(name).resolve().name if Path(name).is_dir() else name
    fitting = fitting or [each for each in listed if each.plugin == plugin]
    if fitting:
        return fitting
    known = {each.component.name for each in listed}
    hint = uninstalled(name) or registry.broken()
    raise ComponentError(f"there is no {kind or 'component'} {name!r}; {did_you_mean(name, known)}", hint=hint)
