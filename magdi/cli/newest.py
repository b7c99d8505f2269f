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

    return say(newest_run(having, alone=True).path)


def say(path: Path) -> Path:
    """Says on stderr what is taken where nothing was named, and returns it."""
    from magdi.cli.output import progress_console

    progress_console().print(f"the newest: {path}", markup=False, soft_wrap=True)
    return path
