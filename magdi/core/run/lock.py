"""Who is at work in a run's directory: a lock that the system lets go of when its process ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from magdi.core.errors import RunDirectoryError
from magdi.core.files import writing
from magdi.core.run.own_files import LOCK

GLANCE = 0.1  # seconds; far longer than whoever looks whether a directory is held holds the lock for it
PAUSE = 0.01  # seconds between two tries


@contextmanager
def held(folder: Path, who: str = "") -> Iterator[None]:
    """Keeps other processes out of a directory for as long as the context lasts; a kill lets go of it.

    Args:
        folder: The directory.
        who: Who is likely to hold it, for the message.

    Raises:
        RunDirectoryError: Another process is at work in it.
        StorageError: It cannot be written to.
    """
    lock = FileLock(folder / LOCK)
    with writing(folder / LOCK):
        try:  # again for as long as somebody may only be looking
            lock.acquire(timeout=GLANCE, poll_interval=PAUSE)
        except Timeout:
            problem = f"another process is at work in {folder}{who}"
            raise RunDirectoryError(problem, hint="wait for it, or name another directory with -o") from None
        except FileNotFoundError:
            taken = f"another process has taken {folder} away"
            raise RunDirectoryError(taken, hint="run the same command again") from None
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Returns whether a process is at work in a directory; so it is taken to be where locks do not tell."""
    if not (folder / LOCK).is_file():
        return False
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=GLANCE, poll_interval=PAUSE)
    except OSError:  # Timeout is one: it is held; and so it may be where it cannot be opened
        return True
    lock.release()
    return False
