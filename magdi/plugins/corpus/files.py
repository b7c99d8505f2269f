"""Finds MAG files and MAGs in them by what a user says, and writes such files."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count, zip_longest
from pathlib import Path
from typing import IO

from magdi.core.errors import DataError, MagFileError, StorageError, did_you_mean
from magdi.core.files import lines_of, whole_file
from magdi.core.mag import Mag, mags_in
from magdi.core.redact import redact
from magdi.core.run.locations import FILE, Location, expanded, file_system, reaching, suffix_of
from magdi.plugins.corpus.parquet import Put, count_rows, parquet_writer, read_parquet

AT_ONCE = 64
"""Files that are read in turn, one MAG of each."""
NAMED, SPELT = 4, 1000
"""Of the MAGs that a name fits, those that an error names; ids among which a misspelt one is looked for."""


def mag_file(name: Location) -> Location:
    """Returns a MAG file: the path or URL itself, or the one in a run directory.

    Raises:
        MagFileError: There is none.
    """
    found = _inside(name, FILE)
    if isinstance(name, str) or not isinstance(found, Path):
        return found
    if name.is_dir() and not Path(os.path.realpath(found)).is_relative_to(os.path.realpath(name)):
        raise MagFileError(found, 0, f"is a link that leads out of {name}")
    if not found.is_file():
        raise MagFileError(found, 0, "cannot be read: there is no such file")
    return found


def _inside(name: Location, file: str) -> Location:
    """Returns the file in a folder or run directory, of anything else the name as it is."""
    if isinstance(name, Path):
        return name / file if name.is_dir() else name
    if suffix_of(name):
        return name
    with reaching(name):
        files, path = file_system(name)
        return f"{name.rstrip('/')}/{file}" if files.isdir(path) else name


@contextmanager
def _opened(name: Location) -> Iterator[IO[bytes]]:
    """Opens a file for reading.

    Raises:
        MagFileError: It is not there, or cannot be read.
        ComponentError: What speaks to such URLs is not installed.
        DataError: A URL cannot be reached, or not read to its end.
    """
    if isinstance(name, str):
        with reaching(name):
            files, path = file_system(name)
            with files.open(path, "rb") as file:
                yield io.BufferedReader(file)  # some know no longest line
        return
    try:
        file = name.open("rb")
    except OSError as error:
        raise MagFileError(name, 0, f"cannot be read: {error.strerror}") from error
    with file:
        yield file


def mag_files(names: Iterable[Location]) -> list[Location]:
    """Returns the MAG files that names stand for: files, runs, URLs, and patterns of them.

    Raises:
        MagFileError: One of them is not there.
        ComponentError: What speaks to a URL is not installed.
        DataError: A URL cannot be reached.
    """
    return [mag_file(each) for name in names for each in expanded(name)]


def read(file: Location, on_bad_line: list[MagFileError] | None = None) -> Iterator[Mag]:
    """Yields the MAGs of one file, JSONL or by its suffix Parquet; see `magdi.core.mag.read_mags`."""
    with _opened(file) as stream:
        if suffix_of(file) == ".parquet":
            yield from read_parquet(stream, file, on_bad_line)
        else:
            yield from mags_in(stream, redact(file) if isinstance(file, str) else file, on_bad_line)


def count_mags(file: Location) -> int:
    """Returns how many MAGs, or lines that should be some, are in a file."""
    with _opened(file) as stream:
        if suffix_of(file) == ".parquet":
            return count_rows(stream, file)
        return sum(bool(line.strip()) for line in lines_of(stream, file))


@contextmanager
def mag_writer(file: Location) -> Iterator[Put]:
    """Opens a file, JSONL or by its suffix Parquet, that takes its place, at a URL too, when the block ends well.

    Raises:
        StorageError: It cannot be written.
        ComponentError: What speaks to such URLs is not installed.
    """
    if isinstance(file, str):
        with _sent_to(file) as local, mag_writer(local) as put:
            yield put
    elif suffix_of(file) == ".parquet":
        with parquet_writer(file) as put:
            yield put
    else:
        with whole_file(file) as lines:

            def put_line(mag: Mag) -> None:
                lines.write(mag.to_line() + "\n")

            yield put_line


@contextmanager
def _sent_to(url: str) -> Iterator[Path]:
    """Yields a file of this machine that goes to a URL when the block ends well: so it is there whole or not at all.

    Raises:
        ComponentError: What speaks to such URLs is not installed.
        StorageError: It cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="magdi-") as folder:
        local = Path(folder) / f"mags{suffix_of(url)}"
        yield local
        try:
            with reaching(url):
                files, path = file_system(url)
                files.put_file(str(local), path)
        except MagFileError as error:
            raise StorageError(f"{redact(url)} cannot be written: there is no such bucket or folder") from error
        except DataError as error:
            said = error.message.replace(" cannot be read: ", " cannot be written: ")
            raise StorageError(said, hint=error.hint) from error


def write(file: Location, mags: Iterable[Mag]) -> int:
    """Writes MAGs, whole or not at all; returns how many."""
    count = 0
    with mag_writer(file) as put:
        for count, mag in enumerate(mags, start=1):  # noqa: B007
            put(mag)
    return count


def read_all(names: Iterable[Location], on_bad_line: list[MagFileError] | None = None) -> Iterator[Mag]:
    """Yields the MAGs of several files, run directories, URLs or patterns, one at a time; see `read`."""
    return chain.from_iterable(read(file, on_bad_line) for file in mag_files(names))


def read_in_turn(names: Sequence[Location], on_bad_line: list[MagFileError] | None = None) -> Iterator[Mag]:
    """Yields the MAGs of several files or run directories, one of each in turn until all are used up.

    So the first hundred are of all files, and not of the first alone; of more than `AT_ONCE` files, of the first ones.
    An id that comes again, as two protocols have it that discussed the same question, is numbered: ``train-0-00000``,
    ``train-0-00000-2``. One file is read as it is.
    """
    files = mag_files(names)
    if len(files) == 1:
        yield from read(files[0], on_bad_line)
        return
    seen: set[str] = set()
    for mag in _rows(files, on_bad_line):
        numbered = (f"{mag.id}-{number}" for number in count(2))
        name = mag.id if mag.id not in seen else next(each for each in numbered if each not in seen)
        seen.add(name)
        yield mag if name == mag.id else mag.model_copy(update={"id": name})


def _rows(files: Sequence[Location], on_bad_line: list[MagFileError] | None) -> Iterator[Mag]:
    for start in range(0, len(files), AT_ONCE):
        rows = zip_longest(*(read(file, on_bad_line) for file in files[start : start + AT_ONCE]))
        yield from (mag for row in rows for mag in row if mag is not None)


def at_least_one(mags: Iterator[Mag], paths: Sequence[Location], bad: Sequence[MagFileError]) -> Iterator[Mag]:
    """Returns the MAGs as they are; the first is read at once, so that nothing is written where there is none.

    Args:
        mags: The MAGs of the files.
        paths: The files, for the error.
        bad: Where their unreadable lines are put.

    Raises:
        DataError: There is no MAG.
    """
    first = next(mags, None)
    if first is None:
        raise holds_none(paths, bad)
    return chain([first], mags)


def holds_none(paths: Sequence[Location], bad: Sequence[MagFileError] = ()) -> DataError:
    """Returns the error for files that hold no MAG; of those that were passed over it names the first."""
    held = "holds" if len(paths) == 1 else "hold"
    hint = f"{len(bad):,} lines cannot be read, the first is {bad[0].message}" if bad else ""
    return DataError(
        f"{', '.join(redact(str(path)) for path in paths)} {held} no MAG{' that can be read' if bad else ''}", hint=hint
    )


def pick(
    mags: Iterable[Mag], names: Sequence[str], absent: Callable[[str], DataError | None] = lambda name: None
) -> list[Mag]:
    """Returns the MAGs of these names: an id, the only id that ends with or holds the name, or ``#3``, the third.

    Of the others none is kept.

    Args:
        mags: All there are.
        names: Which.
        absent: What is said of a name that none of them has, where it can be said better.

    Raises:
        DataError: There is no such MAG, or there are several.
    """
    sought, ids, count = [_Sought(name) for name in names], list[str](), 0
    for count, mag in enumerate(mags, start=1):
        ids += [mag.id] if count <= SPELT else []
        for each in sought:
            each.look(mag, count)
    return [each.found(count, ids, absent) for each in sought]


class _Sought:
    """Who has a name, of the MAGs that pass by; a few of each kind are kept, whoever has it most exactly first."""

    def __init__(self, name: str) -> None:
        self._name, self._counts = name, [0, 0, 0, 0]
        self._found: list[list[Mag]] = [[], [], [], []]

    def look(self, mag: Mag, place: int) -> None:
        """Takes a MAG in, the place-th of all."""
        name = self._name
        fits = (name == f"#{place}", mag.id == name, mag.id.endswith(f"-{name}"), name in mag.id)
        if any(fits):
            kind = fits.index(True)
            self._counts[kind] += 1
            self._found[kind] += [mag] if self._counts[kind] <= NAMED else []

    def found(self, count: int, ids: Sequence[str], absent: Callable[[str], DataError | None]) -> Mag:
        """Returns the one."""
        for number, found in zip(self._counts, self._found, strict=True):
            if number == 1:
                return found[0]
            if found:
                some = ", ".join(mag.id for mag in found)
                raise DataError(f"{number} MAGs are called {self._name!r}: {some}{', ...' if number > NAMED else ''}")
        if re.fullmatch(r"#\d+", self._name):
            raise DataError(f"there is no MAG {self._name} among {count:,}", hint=f"they go from #1 to #{count}")
        hint = did_you_mean(self._name, ids)
        raise absent(self._name) or DataError(f"there is no MAG {self._name!r} among {count}", hint=hint)
