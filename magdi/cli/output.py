"""How the command line speaks: results to stdout, progress and errors to stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.run.progress import Figures, Progress

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from magdi.cli.bars import Bars
    from magdi.core.errors import MagdiError

PLAIN_INTERVAL = 5.0  # seconds between two lines where stderr is no terminal
SCHEMA = "magdi.document/1"
"""Of what ``--json`` prints, unless the document has one of its own; it changes when a key goes or changes meaning."""
UNFOLDED = 100_000
"""Signs a line where stdout is no terminal: whoever reads it by line or by column has them whole."""


def result() -> Console:
    """Returns the console that results go to; but on a terminal nothing is folded, unless COLUMNS says how wide."""
    from magdi.cli.terminal import SafeConsole

    return SafeConsole(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else UNFOLDED)


@cache
def progress_console() -> Console:
    """Returns the console that progress and errors go to."""
    from magdi.cli.terminal import SafeConsole

    return SafeConsole(stderr=True)


def show(document: Mapping[str, object], *, as_json: bool, render: Callable[[], RenderableType]) -> None:
    """Prints a result: as one JSON document, with its ``schema``, or as ``render`` draws it.

    A plain string is never folded or read.
    """
    if as_json:
        from magdi.cli.visible import visible

        document = {"schema": SCHEMA, **document}
        sys.stdout.write(visible(json.dumps(document, indent=2, ensure_ascii=False, default=str)) + "\n")
        return
    drawn = render()
    if isinstance(drawn, str):
        result().print(drawn, markup=False, soft_wrap=True)
    else:
        _print_drawn(drawn)


def _print_drawn(drawn: RenderableType) -> None:
    """Prints a table; to a pipe or a file without the blanks that fill its last column."""
    console = result()
    if console.is_terminal:
        console.print(drawn)
        return
    with console.capture() as held:
        console.print(drawn)
    console.file.write("".join(f"{line.rstrip()}\n" for line in held.get().splitlines()))


def complain(error: MagdiError) -> None:
    """Prints an error, and its hint on a line of its own."""
    from magdi.core.redact import redact

    console = progress_console()
    console.print(redact(f"error: {error.message}"), style="red", markup=False, soft_wrap=True)
    if error.hint:
        console.print(redact(f"hint: {error.hint}"), markup=False, soft_wrap=True)


def check_out(out: Path, *, folder: bool = False) -> None:
    """Checks, before there is any work to lose, that there is a place for what ``--out`` names.

    Raises:
        ConfigError: It is a folder where a file is to be written, or the other way round, or cannot be made there.
    """
    from magdi.core.errors import ConfigError

    if out.is_dir() and not folder:
        raise ConfigError(f"{out} is a folder, and a file is to be written", hint=f"name one in it: -o {out / 'NAME'}")
    if out.exists() and not out.is_dir() and folder:
        raise ConfigError(f"{out} is a file, and a folder is to be written", hint="name another place with -o")
    above = next(each for each in out.absolute().parents if not folder or each.exists())
    if not above.is_dir():
        what = "is a file" if above.exists() else "does not exist"
        raise ConfigError(
            f"{out} cannot be written: the folder {above} {what}", hint="make it first, or name another place with -o"
        )
    if not os.access(out if out.exists() else above, os.W_OK):
        raise ConfigError(f"{out} cannot be written: permission denied", hint="name another place with -o")


def say(line: str) -> None:
    """Prints a line of what goes on."""
    progress_console().print(line, markup=False, soft_wrap=True)


def warn(line: str) -> None:
    """Prints what is to be seen last."""
    progress_console().print(line, style="yellow", markup=False, soft_wrap=True)


def figures_text(figures: Figures) -> str:
    """Returns figures as ``name value`` pairs, short enough for one line."""
    return "  ".join(f"{name} {_number(value)}" for name, value in figures.items())


def fitted(parts: Sequence[str], width: int) -> list[str]:
    """Returns parts on as few lines as hold them, none of them broken; what follows the first line is set in."""
    lines = [parts[0]]
    for part in filter(None, parts[1:]):
        if len(lines[-1]) + 2 + len(part) <= width:
            lines[-1] += f"  {part}"
        else:
            lines.append(f"  {part}")
    return lines


def _number(value: float) -> str:
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


class TerminalProgress(Progress):
    """Progress on stderr: bars on a terminal, a line every few seconds elsewhere, nothing when ``quiet``."""

    def __init__(self, *, quiet: bool = False, observe: Callable[..., None] | None = None) -> None:
        self._quiet = quiet
        self._observe = observe
        self._console = progress_console()
        self._bars: Bars | None = None
        self._name = self._unit = self._figures = ""
        self._total: int | None = None
        self._done = 0
        self._last = 0.0

    def stage(self, name: str, total: int | None, unit: str) -> None:
        """Draws a new bar."""
        self.close()
        self._name, self._total, self._unit, self._done, self._figures = name, total, unit, 0, ""
        self._last = time.monotonic()
        if not self._quiet and self._console.is_terminal:
            from magdi.cli.bars import Bars

            self._bars = Bars(self._console)
            self._bars.start()
            self._bars.add_task(name, total=total, unit=unit, figures="")

    def advance(self, done: int, figures: Figures) -> None:
        """Moves the bar; without a terminal prints a line at most every few seconds."""
        self._done, self._figures = done, figures_text(figures)
        if self._bars is not None:
            self._bars.update(self._bars.task_ids[-1], completed=done, figures=self._figures)
        elif time.monotonic() - self._last > PLAIN_INTERVAL:
            self._last = time.monotonic()
            self._line(f"{self._name}: {self._count()} {self._figures}")

    def finish(self, seconds: float) -> None:
        """Leaves one line about the stage behind."""
        self.close()
        parts = [f"{self._name}: {self._count()} in {seconds:.1f} s", *self._figures.split("  ")]
        for line in fitted(parts, self._console.width if self._console.is_terminal else UNFOLDED):
            self._line(line)

    def note(self, text: str) -> None:
        """Prints a line."""
        self._line(text)

    def event(self, hook: str, **facts: Any) -> None:
        """Passes an event on to plugins that observe."""
        if self._observe is not None:
            self._observe(hook, **facts)

    def close(self) -> None:
        """Takes the bar away, so that the terminal is whole again."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _count(self) -> str:
        of = "" if self._total is None or self._total == self._done else f" of {self._total:,}"
        return f"{self._done:,}{of} {self._unit}"

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._console.print(text.rstrip(), markup=False, soft_wrap=not self._console.is_terminal)
