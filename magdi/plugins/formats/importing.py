"""Files of other systems become MAGs, by whichever importer recognises them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from pydantic import ValidationError

from magdi.core.config.models import ComponentChoice
from magdi.core.errors import ComponentError, DataError, MagdiError, MagFileError, called, theirs
from magdi.core.mag import Mag
from magdi.plugins.formats.importer import Importer
from magdi.plugins.formats.importers.items import Item, OnBad, read_items
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.registry import Registry, default_registry

_LOOKED_AT = 16
"""Items of a file that are looked at to find out its format: logs may begin with a header."""


def all_importers(registry: Registry, on_left: Callable[[str], None] = lambda why: None) -> dict[str, Importer]:
    """Returns one importer of each sort, by name, as they are asked: third-party ones first, general ones last.

    Args:
        registry: Makes them.
        on_left: Told why one cannot be made; it is left out.
    """
    found = {}
    for each in sorted(registry.listing("importer"), key=lambda each: each.place):
        name = each.component.name if registry.is_plain(each) else each.address
        try:
            found[name] = registry.importer(ComponentChoice(name=each.address))
        except ComponentError as error:
            on_left(error.message)
    return dict(sorted(found.items(), key=lambda each: each[1].general))


def import_files(
    paths: Iterable[Path],
    reader: Reader,
    importers: Mapping[str, Importer] | None = None,
    *,
    on_bad_item: OnBad | None = None,
) -> Iterator[Mag]:
    """Yields the MAGs of other systems' files, one at a time, with ids that are unique among them.

    Args:
        paths: JSON or JSONL files, or pickles of plain values.
        reader: Reads and grades what is in them.
        importers: By name, those that come into question, all shipped ones when left out; the first that recognises a
            file's first item reads it. One alone reads all of them.
        on_bad_item: Told of items that cannot be read, which are then skipped; without it the first one raises.

    Raises:
        MagFileError: A file or an item cannot be read; with file, line and reason.
        DataError: None of the right answers that the reader was given is that of any discussion.
    """
    importers = all_importers(default_registry()) if importers is None else importers
    taken: set[str] = set()
    for name, item in _discussions(list(map(Path, paths)), reader, importers, on_bad_item):
        given: object = item
        if not isinstance(given, Item):
            what = f"importer {called(importers[name])}: discussions() gives {item!r:.40}, which is no Item"
            raise ComponentError(what, hint="for a part of an item: dataclasses.replace(item, value=...)")
        with _telling(on_bad_item):
            mag = _unique(_read(item, name, importers[name], reader), taken)
            taken.add(mag.id)
            yield mag
    if taken and reader.golds and not reader.tally.used:
        raise _no_gold(reader)


def _no_gold(reader: Reader) -> DataError:
    """Returns the error for right answers that are of nothing that was asked."""
    if not reader.tally.asked:
        return DataError(
            "these files hold right answers of their own, and none of --gold was used", hint="leave it out"
        )
    given, asked = next(iter(reader.golds)), min(reader.tally.asked)
    told = f"none of the right answers is of a question that was asked ({len(reader.tally.asked):,} were)"
    return DataError(told, hint=f"the first is of {given!r:.80}, and asked was {asked!r:.80}")


def _discussions(
    paths: Sequence[Path], reader: Reader, importers: Mapping[str, Importer], on_bad: OnBad | None
) -> Iterator[tuple[str, Item]]:
    """Yields the discussions of all files; those of importers that gather come last."""
    gathered: dict[str, list[Path]] = {}
    tell = _once(on_bad) if on_bad is not None else None
    for path in paths:
        with _telling(on_bad):
            items = read_items(path, tell)
            name, first = _recognised(items, importers)
            if not first:
                continue
            if importers[name].gathers:
                gathered.setdefault(name, []).append(path)
                continue
            with _reading(path, name):
                yield from ((name, item) for item in importers[name].discussions(chain(first, items), reader, on_bad))
    for name, files in gathered.items():
        with _telling(on_bad):
            every = chain.from_iterable(read_items(path, tell) for path in files)
            with _reading(files[0], name):
                yield from ((name, item) for item in importers[name].discussions(every, reader, on_bad))


def _once(on_bad: OnBad) -> OnBad:
    """Returns what tells of a line once, however often its file is read."""
    told = set[str]()

    def tell(error: MagFileError) -> None:
        if str(error) not in told:
            told.add(str(error))
            on_bad(error)

    return tell


@contextmanager
def _reading(path: Path, name: str) -> Iterator[None]:
    """Turns what a format's own reader raises, over a file that is not as it should be, into one clear error."""
    try:
        yield
    except MagdiError:
        raise
    except Exception as error:
        told = f"cannot be read: {str(error) or type(error).__name__} (format {name}){theirs(error)}"
        raise MagFileError(path, 0, told) from error


@contextmanager
def _telling(on_bad: OnBad | None) -> Iterator[None]:
    """Tells of an error instead of raising it, where there is somebody to tell."""
    try:
        yield
    except MagFileError as error:
        if on_bad is None:
            raise
        on_bad(error)


def _recognised(items: Iterator[Item], importers: Mapping[str, Importer]) -> tuple[str, list[Item]]:
    """Returns the name of the importer that recognises the first item of a file that any does, and the items so far.

    Raises:
        MagFileError: There is none.
    """
    looked: list[Item] = []
    wrong: dict[str, Exception] = {}

    def knows(general: bool, item: Item) -> str | None:
        for name, importer in importers.items():
            try:
                if len(importers) == 1 or importer.general is general and importer.recognises(item.value):
                    return name
            except Exception as error:  # of a value that is none of its own it may expect anything
                wrong.setdefault(name, error)
        return None

    for item in islice(items, _LOOKED_AT):
        looked.append(item)
        if name := knows(False, item):
            return name, looked
    for item in looked:  # what begins like any transcript may have gone on as something better known
        if name := knows(True, item):
            return name, looked
    if not looked:
        return "", looked
    failed = [f"; {name} could not look at it: {type(why).__name__}: {why}" for name, why in wrong.items()]
    known = f"name one with --format: {', '.join(importers)}{''.join(failed)}"
    raise MagFileError(looked[0].path, looked[0].line, "is in no format that is known", hint=known)


def _read(item: Item, name: str, importer: Importer, reader: Reader) -> Mag:
    try:
        found: object = importer.read(item, reader)
    except MagFileError:
        raise
    except KeyError as error:
        raise item.bad(f"no {error} (format {name}){theirs(error)}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise item.bad(f"{'.'.join(map(str, first['loc']))}: {first['msg']} (format {name})") from None
    except Exception as error:  # a format's own reader may raise anything over a value that is not as it should be
        raise item.bad(f"{str(error) or type(error).__name__} (format {name}){theirs(error)}") from error
    if not isinstance(found, Mag):
        what = f"importer {called(importer)}: read() gives {found!r:.60}, which is no Mag"
        raise ComponentError(what, hint="return reader.mag(...); what cannot be read is raised")
    return found


def _unique(mag: Mag, taken: set[str]) -> Mag:
    name, count = mag.id, 1
    while name in taken:
        count += 1
        name = f"{mag.id}~{count}"
    return mag if name == mag.id else mag.model_copy(update={"id": name})
