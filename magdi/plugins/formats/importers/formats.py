"""The formats by name, and how a file finds its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from magdi.core.errors import ConfigError, MagFileError, did_you_mean
from magdi.core.mag import Mag
from magdi.plugins.formats.importers import (
    autogen,
    drift_eval,
    du,
    eot,
    mad,
    magdi_json,
    magdi_lines,
    mallm,
    otel,
    solutions,
    who_when,
)
from magdi.plugins.formats.importers.format import Format, Gatherer
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importers.source import Item, OnBad, entries, read_items

_MODULES = (magdi_lines, otel, magdi_json, solutions, who_when, drift_eval, eot, mallm, mad, autogen, du)
FORMATS: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}


def import_files(
    paths: Iterable[Path],
    reader: Reader,
    *,
    format_name: str = "",
    on_bad_item: OnBad | None = None,
) -> Iterator[Mag]:
    """Yields the MAGs of other systems' files, one at a time, with ids that are unique among them.

    Args:
        paths: JSON or JSONL files.
        reader: Reads and grades what is in them.
        format_name: One of ``FORMATS``; by default the first that recognises a file's first item.
        on_bad_item: Told of items that cannot be read, which are then skipped; without it the first one raises.

    Raises:
        MagFileError: A file or an item cannot be read; with file, line and reason.
        ConfigError: There is no format of that name.
    """
    if format_name and format_name not in FORMATS:
        raise ConfigError(f"no format {format_name!r}", hint=did_you_mean(format_name, FORMATS))
    taken: set[str] = set()
    for fitting, item in _discussions(paths, reader, FORMATS.get(format_name), on_bad_item):
        with _telling(on_bad_item):
            mag = _unique(_read(item, fitting, reader), taken)
            taken.add(mag.id)
            yield mag


def _discussions(
    paths: Iterable[Path], reader: Reader, chosen: Format | None, on_bad: OnBad | None
) -> Iterator[tuple[Format, Item]]:
    """Yields the items of all files; those whose format puts them together come last."""
    gathered: dict[str, tuple[Format, Gatherer]] = {}
    for path in paths:
        with _telling(on_bad):
            for fitting, item in _items(Path(path), chosen, on_bad):
                if fitting.gather is None:
                    yield fitting, item
                else:
                    gathered.setdefault(fitting.name, (fitting, fitting.gather(reader)))[1].add(item, on_bad)
    for fitting, gatherer in gathered.values():
        yield from ((fitting, item) for item in gatherer.items())


@contextmanager
def _telling(on_bad: OnBad | None) -> Iterator[None]:
    """Tells of an error instead of raising it, where there is somebody to tell."""
    try:
        yield
    except MagFileError as error:
        if on_bad is None:
            raise
        on_bad(error)


def _items(path: Path, chosen: Format | None, on_bad: OnBad | None) -> Iterator[tuple[Format, Item]]:
    for item in read_items(path, on_bad):
        try:
            chosen = chosen or recognise(item)
        except MagFileError as error:
            if on_bad is None:
                raise
            on_bad(error)
            continue
        for each in entries(item) if chosen.keyed and isinstance(item.value, dict) else [item]:
            yield chosen, each


def recognise(item: Item) -> Format:
    """Returns the format of a file by its first item.

    Raises:
        MagFileError: No format knows such items.
    """
    for known in FORMATS.values():
        first = next(entries(item), None) if known.keyed and isinstance(item.value, dict) else item
        if first is not None and known.recognises(first.value):
            return known
    raise MagFileError(
        item.path, item.line, "is in no format that is known", hint=f"name one with --format: {', '.join(FORMATS)}"
    )


def _read(item: Item, known: Format, reader: Reader) -> Mag:
    try:
        return known.read(item, reader)
    except MagFileError:
        raise
    except KeyError as error:
        raise item.bad(f"no {error} (format {known.name})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise item.bad(f"{'.'.join(map(str, first['loc']))}: {first['msg']} (format {known.name})") from None
    except (TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        raise item.bad(f"{error} (format {known.name})") from None


def _unique(mag: Mag, taken: set[str]) -> Mag:
    name, count = mag.id, 1
    while name in taken:
        count += 1
        name = f"{mag.id}~{count}"
    return mag if name == mag.id else mag.model_copy(update={"id": name})
