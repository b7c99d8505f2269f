"""What is asked of an importer: that it knows its own format, and no other, and makes whole MAGs of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from magdi.core.mag import Mag
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.formats.importer import Importer
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.target import resolve
from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply, doing
from magdi.plugins.testing.specimen import Check, Specimen, require

ODD: tuple[Any, ...] = (None, True, 3, 0.5, "text", [], {}, [[]], [{}], {"a": 1}, {"question": None}, [None, "text"])
"""Values that are a discussion in no format."""


def _items(importer: Importer, value: Any) -> list[Item]:
    return list(importer.discussions(iter([Item(Path("example.json"), 1, 0, value)]), Reader(), None))


def _example(specimen: Specimen) -> Any:
    if not hasattr(specimen.target, "example"):
        raise CheckFailed("it has no example: what a file with one discussion holds")
    return deepcopy(specimen.target.example)


def _read(specimen: Specimen) -> list[Mag]:
    importer = specimen.importer()
    return [importer.read(item, Reader()) for item in _items(importer, _example(specimen))]


def check_recognises_its_own(specimen: Specimen) -> None:
    """Its example is recognised, left as it is, and holds a discussion."""
    example = _example(specimen)
    found = specimen.importer().recognises(example)
    require(found is True, f"recognises() gives {found!r} for its own example, not True")
    require(example == _example(specimen), "recognises() changes what it looks at, which is read after that")
    require(_items(specimen.importer(), _example(specimen)), "its example holds no discussion")


def check_leaves_others(specimen: Specimen) -> None:
    """It does not recognise what is in none of the formats, or in another one that magdi ships."""
    importer = specimen.importer()
    shipped = [resolve(each.target) for each in BUILTINS["importer"]]
    others = [each.example for each in shipped if not issubclass(specimen.target, each) and not importer.general]
    for value in (*ODD, *others):
        doing(f"recognises() of {str(value)[:60]}")
        require(not importer.recognises(value), f"it takes {str(value)[:60]} for its own")


def check_reads_all(specimen: Specimen) -> None:
    """Where its example stands in a file twice, so does its discussion (not asked of formats that gather theirs)."""
    importer, example = specimen.importer(), _example(specimen)
    if importer.gathers or type(importer).discussions is not Importer.discussions and importer.general:
        raise DoesNotApply("what stands in several items may be one discussion")
    once = len(_items(importer, example))
    items = (Item(Path("example.json"), line, line - 1, deepcopy(example)) for line in (1, 2))
    twice = len(list(importer.discussions(items, Reader(), None)))
    require(twice == 2 * once, f"discussions() gives {once} of its example, and {twice} where that stands there twice")


def check_reads(specimen: Specimen) -> None:
    """Its example becomes MAGs that can be written and read back, the same every time."""
    mags = _read(specimen)
    for mag in mags:
        require(isinstance(mag, Mag), f"read() gives {type(mag).__name__}, not a Mag")
        require(
            Mag.model_validate_json(mag.to_line()) == mag, "what is written of its MAG is not read back as the same"
        )
    require(mags == _read(specimen), "its example is read in one way, and then in another")


def check_bad_values(specimen: Specimen) -> None:
    """Of a value that lacks something it makes a Mag, or raises: what is missing is told with file and line."""
    importer = specimen.importer()
    for item in _items(importer, _example(specimen)):
        for value in _torn(item.value):
            doing("a value that lacks something")
            try:
                made: object = importer.read(Item(item.path, 1, 0, value, item.key), Reader())
            except Exception:
                continue
            require(isinstance(made, Mag), f"read() gives {made!r:.40} for a value that lacks something")


def _torn(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in value:
            yield {name: each for name, each in value.items() if name != key}
            yield {**value, key: None}
    elif isinstance(value, list):
        yield from ([*value[:place], *value[place + 1 :]] for place in range(len(value)))


def fingerprint(specimen: Specimen) -> str:
    """Returns a hash of what is read."""
    return hashlib.sha256("\n".join(mag.to_line() for mag in _read(specimen)).encode()).hexdigest()


CHECKS: tuple[Check, ...] = (
    check_recognises_its_own,
    check_leaves_others,
    check_reads,
    check_reads_all,
    check_bad_values,
)
