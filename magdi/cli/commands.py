"""The command line's commands, magdi's own and those of plugins: each is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from magdi.cli import loading
from magdi.plugins.builtins import COMMANDS
from magdi.plugins.component import COMMAND
from magdi.plugins.registration import Fault, Registration, shipped
from magdi.plugins.target import load_command

if TYPE_CHECKING:
    from magdi.plugins.manager import Plugins

OWN = {component.name: shipped(COMMAND, component) for component in COMMANDS}
"""Magdi's own commands, whatever plugins bring."""


@dataclass
class Brought:
    """The commands that plugins bring, which are loaded where neither name nor help can do without them.

    Attributes:
        plugin: Plugins that were named before the command, or after it.
        folder: A folder of plugins that was.
    """

    plugin: Sequence[str] = ()
    folder: Path | None = None

    @cached_property
    def commands(self) -> Mapping[str, Registration]:
        """By name; what is wrong with plugins is told on stderr."""
        plugins = loading.load(self.plugin, self.folder)
        for fault in shadowed(plugins):
            loading.complain(fault)
        found = {command.component.name: command for command in reversed(plugins.commands)}
        return {name: found[name] for name in reversed(found) if name not in OWN}


class Commands(TyperGroup):
    """A group whose commands are imported one at a time: for help, names and summaries are enough."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Returns all names; loads plugins."""
        return [*OWN, *_brought(ctx).commands]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]
        """Returns what stands in help for a command."""
        command = OWN.get(cmd_name) or _brought(ctx).commands.get(cmd_name)
        return TyperCommand(cmd_name, help=command.component.summary) if command else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Imports the command that is asked for; plugins are loaded for it unless it is magdi's own."""
        name = args[0]
        if name in self._added:
            return name, self._added[name], args[1:]
        if name not in OWN and name not in _brought(ctx).commands:
            return super().resolve_command(ctx, args)
        return name, _imported(OWN.get(name) or _brought(ctx).commands[name]), args[1:]

    @property
    def commands(self) -> dict[str, Any]:
        """Magdi's own commands, all imported, for those who look at the command line from outside."""
        return {**{name: _imported(command) for name, command in OWN.items()}, **self._added}

    @commands.setter
    def commands(self, added: Mapping[str, Any]) -> None:
        self._added = added  # what somebody has given the app itself


def _brought(ctx: typer.Context) -> Brought:
    root = ctx.find_root()
    root.obj = root.obj or Brought()
    found: Brought = root.obj
    return found


def _imported(command: Registration) -> Any:
    """Returns a command, ready to be run: a group or, where its app has but one, that command."""
    brought, name, summary = load_command(command), command.component.name, command.component.summary
    root = typer.Typer(add_completion=False)
    root.callback()(lambda: None)
    alone = len(brought.registered_commands) == 1 and not brought.registered_groups
    callback = brought.registered_commands[0].callback if alone and not brought.registered_callback else None
    if callback is None:
        root.add_typer(brought, name=name, help=summary)
    else:
        root.command(name, help=None if command.shipped else summary)(callback)
    return _with_plain_flags(get_group(root).commands[name])


def _with_plain_flags(command: Any) -> Any:
    """Returns a command, or a group, in whose help flags take no value."""
    for option in command.params:
        if getattr(option, "is_flag", False):
            option.metavar = ""
    given = command.get_help_option

    def help_option(ctx: Any) -> Any:
        option = given(ctx)
        if option is not None:
            option.metavar = ""
        return option

    command.get_help_option = help_option
    for inner in getattr(command, "commands", {}).values():
        _with_plain_flags(inner)
    return command


def taken(arguments: Sequence[str]) -> tuple[Brought, list[str]]:
    """Returns the plugins that are named for a command that is not magdi's own, and what is left of the arguments.

    Magdi's own have options of these names where they have a use for them.
    """
    given: dict[str, list[str]] = {"--plugin": [], "--plugins-dir": []}
    left: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        option, equals, value = argument.partition("=")
        if option not in given:
            left.append(argument)
        elif value := value if equals else next(rest, ""):
            given[option].append(value)
    if next((argument for argument in left if not argument.startswith("-")), None) in OWN:
        return Brought(), list(arguments)
    folders = given["--plugins-dir"]
    return Brought(given["--plugin"], Path(folders[-1]) if folders else None), left


def shadowed(plugins: Plugins) -> Iterator[Fault]:
    """Yields a fault for every command of a plugin that cannot be reached, as another one has its name."""
    first: dict[str, Registration] = {}
    for command in plugins.commands:
        name = command.component.name
        if name in OWN:
            yield command.fault("is magdi's own; this one cannot be reached")
        elif first.setdefault(name, command) is not command:
            yield command.fault(f"is also brought by {first[name].plugin}; this one cannot be reached")
