"""The run that is meant where none is named: the newest one in ./runs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def newest(having: Literal["student", "mags"] | None = None) -> Path:
    """Returns the newest run that has what is needed, one of a suite only if there is no other; says on stderr which.

    Raises:
        DataError: There is none in ./runs.
    """
    from magdi.plugins.runs.finding import newest_run

    return announced(newest_run(having, alone=True).path)


def announced(path: Path) -> Path:
    """Says on stderr what is taken where nothing was named, and returns it."""
    from magdi.cli.output import say

    say(f"the newest: {path}")
    return path
