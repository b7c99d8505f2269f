"""Commands that plugins bring, mounted where the command line asks for one of them or for help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from magdi.cli import loading

if TYPE_CHECKING:
    from magdi.plugins.manager import Command


def mount(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Adds plugins' commands to the command line; loads no plugin when one of magdi's own commands is asked for.

    Args:
        app: The command line.
        arguments: What follows ``magdi``.

    Raises:
        ComponentError: The command that is asked for cannot be loaded.
    """
    own = _names(app)
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    if asked in own or "--version" in arguments:
        return
    plugins = loading.load()
    for command in plugins.commands:
        name = command.component.name
        if name in _names(app):
            taken = "is magdi's own" if name in own else "is also brought by another plugin"
            loading.complain(command.fault(f"{taken}; this one cannot be reached"))
        elif name == asked:
            _add(app, command.load(), name, command.component.summary)
        else:
            app.command(name, help=command.component.summary)(_placeholder(command))


def _add(app: typer.Typer, brought: typer.Typer, name: str, summary: str) -> None:
    """Adds a plugin's app: as a group of commands or, where it has but one, as that command."""
    alone = len(brought.registered_commands) == 1 and not brought.registered_groups
    callback = brought.registered_commands[0].callback if alone and not brought.registered_callback else None
    if callback is None:
        app.add_typer(brought, name=name, help=summary)
    else:
        app.command(name, help=summary)(callback)


def _names(app: typer.Typer) -> set[str]:
    commands = {each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands}
    return commands | {each.name for each in app.registered_groups if isinstance(each.name, str)}


def _placeholder(command: Command) -> Callable[[], None]:
    """Returns what stands in help for a command that is not asked for, so that it need not be imported."""

    def stand_in() -> None:
        command.load()()

    return stand_in
