"""A folder that is written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from magdi.core.files import PARTIAL, full_disk, writing


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields where to write the files of a folder, which come into it when the block ends well: all of them or none.

    Raises:
        StorageError: It cannot be written.
    """
    partial = path / PARTIAL
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # left by a kill
        partial.mkdir()
    try:
        yield partial
        with writing(path):
            for each in sorted(partial.iterdir()):
                each.replace(path / each.name)
    except Exception as error:
        raise full_disk(path, error) or error from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
