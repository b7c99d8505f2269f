"""What an exporter is: MAGs for another tool."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from magdi.core.configurable import Configurable
from magdi.core.errors import ComponentError, called
from magdi.core.files import storage_error
from magdi.core.mag import Mag
from magdi.core.views import View


class Exporter(Configurable):
    """Base class of exporters: `magdi mags export --to NAME`.

    Attributes:
        folder: Whether it writes a folder, and not one file.
        needs_prompts: Whether turns are to come with their prompts, which are made anew where they were not kept.
        unit: What it counts.
        counted: How many it has written of each kind, where there are kinds.
    """

    folder: ClassVar[bool] = False
    unit: ClassVar[str] = "MAGs"
    needs_prompts: bool = False
    counted: Mapping[str, int] = MappingProxyType({})

    @abstractmethod
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes MAGs with the edges of a view; returns how many.

        The MAGs come once and one at a time; there may be more of them than fit into memory. What is written is there
        whole or not at all: see `magdi.core.files.whole_file` and `whole_path`.

        Args:
            mags: At least one.
            path: The file, or the folder; what it lies in is there.
            view: Which edges, see `magdi.core.views.edges`.
        """


def export(exporter: Exporter, mags: Iterable[Mag], path: Path, view: View) -> int:
    """Has MAGs written; returns how many, see `Exporter.write`.

    Raises:
        ComponentError: It does not say how many, or has written nothing where it was to write.
        StorageError: It cannot be written there.
    """
    try:
        count: object = exporter.write(mags, path, view)
    except OSError as error:
        if error.filename is not None and not str(error.filename).startswith(str(path)):
            raise  # it reads, or writes, something else
        raise storage_error(path, error) from error
    what = f"exporter {called(exporter)}: write() gives {count!r:.60}"
    if not isinstance(count, int) or isinstance(count, bool):
        raise ComponentError(f"{what}, and has to give how many {exporter.unit} it has written")
    if count and not path.exists():
        raise ComponentError(f"{what}, and there is no {path}: it has to write there, and nowhere else")
    return count
