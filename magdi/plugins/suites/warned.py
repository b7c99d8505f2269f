"""What the runs of a suite warn of: kept in each run's directory, and told once by the suite."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from magdi.plugins.hooks import Observed

WARNINGS = "warnings.txt"
"""The file of a run's directory that has them, a line each."""

_WORTH = ("warning: ", "skipped ")
"""How notes begin that say something of what came out; the others are of how it went."""

_NUMBER = re.compile(r"\d[\d,.]*")


class Heard(Observed):
    """Progress that nobody watches, but that plugins hear of, and whose warnings are kept.

    Args:
        observe: Told of events.
    """

    def __init__(self, observe: Callable[..., None]) -> None:
        super().__init__(observe)
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        """Keeps a warning."""
        if text.startswith(_WORTH):
            self.warnings.append(" ".join(text.split()))


def keep_warnings(directory: Path, warnings: Iterable[str]) -> None:
    """Adds to a run's warnings those that are not among them yet."""
    file = directory / WARNINGS
    there = _read(file)
    if new := [line for line in dict.fromkeys(warnings) if line not in there]:
        with suppress(OSError):
            file.write_text("".join(f"{line}\n" for line in (*there, *new)), "utf-8")


def told_warnings(directories: Iterable[Path]) -> list[str]:
    """Returns what runs warn of; of warnings that differ in their numbers alone the first, and how many there are."""
    alike: dict[str, list[str]] = {}
    for directory in directories:
        for line in _read(directory / WARNINGS):
            alike.setdefault(_NUMBER.sub("#", line), []).append(line)
    return [
        lines[0] + (f" (and {len(lines) - 1:,} more like it: {WARNINGS} of each run)" if len(lines) > 1 else "")
        for lines in alike.values()
    ]


def _read(file: Path) -> list[str]:
    with suppress(OSError):
        return file.read_text("utf-8", "replace").splitlines()
    return []
