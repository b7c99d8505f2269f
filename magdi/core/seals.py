"""What files are known by, so that one that is not as it was written is told."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock

from magdi.core.errors import DataError
from magdi.core.files import read_json, write_whole, writing

SEAL = ".sealed"
CHECKSUM = "checksum"
"""Key of a document under which stands the `fingerprint` of all else in it."""
READ = 64 * 2**20  # bytes; of larger weights the size has to do: reading them may take longer than a run's start
WEIGHTS = frozenset({".safetensors", ".pt", ".pth", ".bin", ".distcp"})
_BYTES = " bytes"
_MAKING = ".making-"
_LEFT = 7 * 24 * 3600  # seconds after which a folder that is being made is what a killed process has left


def write_sealed(path: Path, document: Mapping[str, object]) -> None:
    """Writes a JSON document with a checksum of itself, whole or not at all.

    Raises:
        StorageError: It cannot be written; what was there before is there still.
    """
    plain = json.loads(json.dumps(document))
    write_whole(path, json.dumps({**plain, CHECKSUM: fingerprint(plain)}, indent=2, ensure_ascii=False) + "\n")


def read_sealed(path: Path) -> dict[str, Any]:
    """Returns a document as it was written; one without a checksum, of an earlier version, is taken as it is.

    Raises:
        DataError: It is missing, no JSON document, or not what was written.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise DataError(f"{path} cannot be read: it is no JSON document of magdi")
    if document.pop(CHECKSUM, None) not in (None, fingerprint(document)):
        raise DataError(f"{path} cannot be read: it is not as magdi wrote it")
    return document


def digest(path: Path) -> str:
    """Returns a digest of what is in a file; of one that has not changed since, the file is not read again."""
    known = path.stat()
    return _digest(path.resolve(), known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=1024)
def _digest(path: Path, mtime: int, size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, hashlib.blake2b).hexdigest()[:16]


def fingerprint(value: object) -> str:
    """Returns a digest of plain data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def sealed(file: Path) -> str:
    """Returns what a file is known by: its size, and but for large weights a digest."""
    size = file.stat().st_size
    known = f"{size}{_BYTES}"
    return known if size > READ and file.suffix in WEIGHTS else f"{known} {digest(file)}"


def is_as(file: Path, seal: str) -> bool:
    """Returns whether a file is as it was when it was sealed; it is not where it cannot be read.

    One of another size is not read: a disk may have made it longer than can be read in a day.
    """
    with suppress(OSError, ValueError):
        size, told, known = seal.rpartition(_BYTES)
        return (not told or int(size) == file.stat().st_size) and (not known or known.strip() == digest(file))
    return False


def seal(folder: Path, name: str = SEAL) -> None:
    """Writes into a folder what is in its files, once they all are there; ``name`` is the file that says so."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != name)
    write_sealed(folder / name, {file.relative_to(folder).as_posix(): sealed(file) for file in files})


def is_sealed(folder: Path, name: str = SEAL) -> bool:
    """Returns whether a folder is as it was when it was sealed."""
    with suppress(DataError):
        return all(is_as(folder / file, known) for file, known in read_sealed(folder / name).items())
    return False


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Returns a sealed folder, which ``make`` fills unless it is there, or another process makes it meanwhile.

    It is made under another name and put in place in one move, so that a process that dies leaves no half of it; what
    one left a week ago is swept away.

    Raises:
        StorageError: It cannot be written.
    """
    if is_sealed(folder):
        return folder
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f"{_MAKING}*"):
            with suppress(FileNotFoundError):  # another process takes it away
                if time.time() - left.stat().st_mtime > _LEFT:
                    shutil.rmtree(left)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        with lock, TemporaryDirectory(dir=folder.parent, prefix=_MAKING) as scratch:
            unfinished = Path(scratch) / folder.name
            unfinished.mkdir()
            if not is_sealed(folder):
                make(unfinished)
                seal(unfinished)
            if not is_sealed(folder):  # even now: where locks do not hold (network disks), somebody may be reading it
                shutil.rmtree(folder, ignore_errors=True)  # what is left of one that somebody has damaged
                unfinished.rename(folder)
    return folder
