"""The MAG files that a command is given: files and run directories, those without discussions left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from magdi.core.errors import MagFileError


def sources(paths: Sequence[Path] | None) -> list[Path]:
    """Returns the MAG files that are named, the newest run's where none is.

    Of several directories those without one are left out, and said on stderr.

    Raises:
        MagFileError: A file is not there, or no directory has one.
    """
    from magdi.cli.newest import newest
    from magdi.cli.output import progress_console
    from magdi.core.corpus.files import FILE, mag_file

    paths = paths or [newest("mags")]
    bare = [path for path in paths if path.is_dir() and not (path / FILE).is_file()]
    left = [path for path in paths if path not in bare]
    if not left:
        return [mag_file(path) for path in paths]
    for path in bare:
        progress_console().print(f"left out: {path} holds no {FILE}", markup=False, soft_wrap=True)
    return [mag_file(path) for path in left]


def tell_skipped(bad: Iterable[MagFileError]) -> None:
    """Says on stderr which lines were passed over, and why."""
    from magdi.cli.output import progress_console

    for error in bad:
        progress_console().print(f"skipped {error.message}", markup=False, soft_wrap=True)
