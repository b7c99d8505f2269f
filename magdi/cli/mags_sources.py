"""The MAG files that a command is given: files and run directories, those without discussions left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from magdi.core.errors import MagFileError
    from magdi.core.run.locations import Location


def sources(names: Sequence[str] | None) -> list[Location]:
    """Returns the MAG files that are named, by paths, patterns or URLs, the newest run's where none is.

    Of several directories those without one are left out, and said on stderr; so is what has changed since its run.

    Raises:
        MagFileError: A file is not there, or no directory has one.
        ComponentError: What speaks to a URL is not installed.
        DataError: A URL cannot be reached.
    """
    from magdi.cli.newest import newest
    from magdi.cli.output import say
    from magdi.core.run.locations import FILE, expanded
    from magdi.core.run.resuming import told_changed
    from magdi.plugins.corpus.files import mag_file

    named: Sequence[Location] = names or [newest("mags")]
    found = [each for name in named for each in expanded(name)]
    bare = [each for each in found if isinstance(each, Path) and each.is_dir() and not (each / FILE).is_file()]
    left = [each for each in found if each not in bare]
    if not left:
        return [mag_file(each) for each in found]
    files = [mag_file(each) for each in left]
    for path in bare:
        say(f"left out: {path} holds no {FILE}")
    for note in filter(None, (told_changed(each) for each in files if isinstance(each, Path))):
        say(note)
    return files


def holds_mags(name: str) -> bool:
    """Returns whether a name is one of MAGs, and not of a configuration: by its suffix, or because it is a folder."""
    from magdi.core.run.locations import is_url, suffix_of

    return is_url(name) or bool(suffix_of(name)) or Path(name).is_dir()


def is_place(name: str) -> bool:
    """Returns whether a name is a URL, a pattern of files, or a path at which there is something."""
    from magdi.core.run.locations import is_pattern, is_url, suffix_of

    return is_url(name) or Path(name).exists() or (is_pattern(name) and bool(suffix_of(name)))


def target(out: str) -> Location:
    """Returns where a file of MAGs is to be written, after a look whether it can be.

    Raises:
        ConfigError: It cannot.
    """
    from magdi.cli.output import check_out
    from magdi.core.run.locations import is_url

    if is_url(out):
        return out
    check_out(Path(out))
    return Path(out)


def runs_of(files: Iterable[Location]) -> list[Path]:
    """Returns the folders that files on this machine lie in: they may be runs."""
    return [file.parent for file in files if isinstance(file, Path)]


def tell_skipped(bad: Iterable[MagFileError]) -> None:
    """Says on stderr which lines were passed over, and why."""
    from magdi.cli.output import say

    for error in bad:
        say(f"skipped {error.message}")
