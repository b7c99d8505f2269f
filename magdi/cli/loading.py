"""Loads plugins for a command, and says on stderr what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from magdi.plugins.manager import Plugins
    from magdi.plugins.registration import Fault
    from magdi.plugins.trust import Code, Trust


def load(
    plugin: Iterable[str] | None = None,
    plugins_dir: Path | None = None,
    *,
    enabled: bool = True,
    warn: bool = True,
    lenient: bool = False,
    runs: Iterable[Path | str] = (),
    trusted: bool = False,
    models: bool = False,
) -> Plugins:
    """Returns the plugins, with those that runs were made with, as far as they are there and trusted.

    Every fault is a line on stderr, unless the command shows faults itself. A plugin that is named and cannot be loaded
    is an error, unless the command is lenient. With ``models`` the runs' students are to be loaded: code that comes
    with them, and is not trusted, is an error as well.
    """
    from magdi.plugins.manager import load_plugins

    how: dict[str, Any] = {"folder": plugins_dir, "enabled": enabled, "trace": trace, "lenient": lenient}
    if runs := tuple(runs):
        from magdi.plugins.setup import plugins_for

        plugins = plugins_for(runs, trust(given=trusted), plugin or (), models=models, **how)
    else:
        plugins = load_plugins(plugin or (), **how)
    if warn:
        watch(plugins)
    return plugins


def trust(*, given: bool) -> Trust:
    """Returns how it is decided whether code that files name is run: a person is asked where there is a terminal."""
    from magdi.plugins.trust import Trust

    return Trust(given, _ask if sys.stdin.isatty() and sys.stderr.isatty() else None)


def _ask(codes: Sequence[Code]) -> bool:
    import typer

    for by in dict.fromkeys(code.by for code in codes):
        sys.stderr.write(f"{by} names code that would be run with your rights:\n")
        sys.stderr.writelines(f"  {code}\n" for code in codes if code.by == by)
    return typer.confirm("Run it, now and wherever the same is named?", default=False, err=True)


def watch(plugins: Plugins) -> None:
    """Prints what is wrong with plugins, now and whenever an observer fails."""
    for fault in plugins.faults:
        complain(fault)
    plugins.observers.report = complain


def complain(fault: Fault) -> None:
    """Prints a fault as one line."""
    from magdi.cli.visible import visible

    sys.stderr.write(visible(f"plugin {fault}") + "\n")


def trace(line: str) -> None:
    """Prints what MAGDI_TRACE_PLUGINS asks for."""
    sys.stderr.write(f"trace: {line}\n")
