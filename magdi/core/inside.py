"""Files of a run lie in the run: one that somebody else has made may hold links to anything on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from magdi.core.errors import RunDirectoryError


def check_inside(folder: Path) -> None:
    """Looks at all that lies in a run, a suite or a student's folder, before anything of it is read or written.

    Raises:
        RunDirectoryError: A link leads out of it, or something is neither a file nor a folder (reading a pipe never
            ends, reading a device may).
    """
    whole = Path(os.path.realpath(folder))
    for each in _all_in(whole):
        path = Path(each.path)
        if each.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(whole):
            raise RunDirectoryError(
                f"{folder / path.relative_to(whole)} is a link that leads out of {folder} (to {os.readlink(path)})",
                hint="put a copy in its place if you trust where it leads",
            )
        if not (each.is_symlink() or each.is_file(follow_symlinks=False) or each.is_dir(follow_symlinks=False)):
            raise RunDirectoryError(f"{folder / path.relative_to(whole)} is neither a file nor a folder")


def _all_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yields all below a folder, however much it is: a crowd of files may be there to hide one."""
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                found = sorted(entries, key=lambda each: each.name)
        except OSError:
            continue  # not there, or not to be read: whoever reads it will say so
        yield from found
        waiting += [each.path for each in found if each.is_dir(follow_symlinks=False)]
