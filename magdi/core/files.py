"""Files: written whole or not at all, read in one way, byte order mark or not, and every failure one clear error."""

from __future__ import annotations

import codecs
import errno
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from magdi.core.errors import DataError, MagdiError, StorageError

PARTIAL = ".partial"
"""What the name of a file ends with that is still being written."""

LONGEST = 256 * 2**20  # bytes that a line may have
_NOT_ON_WINDOWS = re.compile(r'[<>:"/\\|?*\x00-\x1f]|[. ]$')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d) *(?:\.|$)", re.I)

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
MAKE_ROOM = "what was written before is kept; make room, then run the same command again"
_SAID = ("No space left", "os error 28", "File too large", "os error 27", "PytorchStreamWriter failed")


def decoded(data: bytes) -> str:
    """Returns a file's text: UTF-8, or UTF-16 where its first bytes say so; a byte order mark is no part of it.

    Raises:
        UnicodeDecodeError: It is neither.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def portable(name: str) -> str:
    """Returns the name of a file or a folder as every system takes it: what Windows would not, is an underscore.

    These are path separators, signs such as colons, stops and blanks at the end, and names that are devices there,
    whatever follows their first stop.
    """
    plain = _NOT_ON_WINDOWS.sub("_", name)
    return f"_{plain}" if _DEVICE.match(plain) else plain


@contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """Opens a text file that takes its place when the block ends well, and once all of it is on the disk.

    Raises:
        StorageError: It cannot be written; what was there before is there still.
    """
    with whole_path(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        yield file


def write_whole(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all.

    Raises:
        StorageError: It cannot be written; what was there before is there still.
    """
    with whole_file(path) as file:
        file.write(text)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns the failure of a write to ``path`` into one clear error."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """Returns what is said of a write that failed."""
    hint = "name a place that can be written to, then run the same command again"
    if error.errno in FULL:
        hint = MAKE_ROOM
    elif path.is_relative_to(cache_directory()):
        hint = "MAGDI_CACHE names another place; then run the same command again"
    return StorageError(f"{path} cannot be written: {error.strerror or error}", hint=hint)


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Yields where to write a file that takes its place when the block ends well: for writers that take a path.

    Raises:
        StorageError: It cannot be written, or another process has begun to write it meanwhile; what was there before
            is there still.
    """
    partial = path.with_name(path.name + PARTIAL)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)  # left by a kill; were it a link, another file would be written
        partial.touch(exist_ok=False)
        own = partial.stat()
        try:
            yield partial
            _check_own(partial, own)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                _check_own(partial, own)
                partial.unlink()
            raise


def _check_own(partial: Path, own: os.stat_result) -> None:
    """Raises OSError where another process writes to the same place: it has taken away what was there."""
    if not (partial.exists() and os.path.samestat(partial.stat(), own)):
        raise BlockingIOError(errno.EWOULDBLOCK, "another process writes it, too")


def read_bytes(path: Path) -> bytes:
    """Returns what is in a file.

    Raises:
        DataError: It is missing, or no file.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} cannot be read: it is no file")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except MemoryError:
        raise DataError(f"{path} cannot be read: it is larger than the memory that is left") from None


def read_text(path: Path) -> str:
    """Returns a file's text.

    Raises:
        DataError: It is missing, no file, or no UTF-8.
    """
    try:
        return decoded(read_bytes(path))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} cannot be read: it is no UTF-8 (byte {error.start})") from error


def read_json(path: Path) -> Any:
    """Returns the document in a JSON file.

    Raises:
        DataError: It is missing or no JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read: it is no JSON ({error})") from error


def read_json_lines(path: Path) -> list[dict[str, object]]:
    """Returns the objects in a file of JSON lines; lines that are none, and a last one that is torn, are left out.

    Raises:
        DataError: It is missing, or no file.
    """
    found: list[dict[str, object]] = []
    for line in read_bytes(path).split(b"\n")[:-1]:
        with suppress(ValueError, RecursionError):
            document = json.loads(line)
            if isinstance(document, dict):
                found.append(document)
    return found


def lines_of(file: IO[bytes], path: Path | str) -> Iterator[bytes]:
    """Yields the lines of an open file, their ends included.

    Raises:
        DataError: One is longer than any that was written: a disk may have made a hole of a terabyte in it.
    """
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise DataError(f"{path} cannot be read: a line has more than {LONGEST:,} bytes")
        yield line


def full_disk(path: Path, error: BaseException) -> StorageError | None:
    """Returns the clear error for one that says in its own words that a file could not be written; None for others.

    Not every library raises OSError: safetensors and torch have errors of their own, and put the reason into the text.
    """
    if isinstance(error, OSError):
        full = error.errno in FULL | {errno.EROFS}
        return storage_error(Path(error.filename2 or error.filename or path), error) if full else None
    said = str(error).splitlines()[:1]
    if isinstance(error, MagdiError) or not any(sign in each for each in said for sign in _SAID):
        return None
    return StorageError(f"{path} cannot be written: {said[0]}", hint=MAKE_ROOM)


def cache_directory() -> Path:
    """Returns MAGDI_CACHE, or ``magdi`` in the user's cache directory (XDG_CACHE_HOME, ~/.cache)."""
    own = os.environ.get("MAGDI_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache") / "magdi"


def check_cache() -> None:
    """Raises StorageError where the cache cannot be written to: before anything is paid for that needs it later."""
    folder = cache_directory()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()


def home() -> Path:
    """Returns the user's home directory.

    Raises:
        DataError: The system knows of none, e.g. in a container, for a user without a name.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise DataError("there is no home directory", hint="set HOME to a folder that can be written to") from None
