"""Importers with one thing wrong each. `Honest` has nothing wrong."""

import itertools
from collections.abc import Iterator
from typing import Any

from magdi.core.mag import Mag
from magdi.plugins.formats.importer import Importer, has
from magdi.plugins.formats.importers.items import Item, OnBad
from magdi.plugins.formats.importers.reader import Reader
from tests.plugins.testing.mutant_register import caught_by

_ever = itertools.count()


class Honest(Importer):
    """Chats of a team that does not exist."""

    example = {"asked": "What is 2 + 3?", "right": "5", "talk": [{"who": "ann", "says": "The answer is 5."}]}

    def recognises(self, value: Any) -> bool:
        return has(value, "asked", "talk")

    def read(self, item: Item, reader: Reader) -> Mag:
        question = reader.question(item.value["asked"], item.value["right"])
        turns = [reader.turn(question, step, said["who"], said["says"]) for step, said in enumerate(item.value["talk"])]
        return reader.mag(item, question, "team", turns)


@caught_by("recognises_its_own", alone=True)
class WaitsForMore(Honest):
    def recognises(self, value: Any) -> bool:
        return has(value, "asked", "talk", "version")


@caught_by("recognises_its_own", alone=True)
class SaysWhatItFound(Honest):
    """Truthy is not True."""

    def recognises(self, value: Any) -> bool:
        return has(value, "asked") and value["talk"]


@caught_by("leaves_others", alone=True)
class TakesAll(Honest):
    def recognises(self, value: Any) -> bool:
        return isinstance(value, dict)


@caught_by("leaves_others")
class ExpectsAnObject(Honest):
    def recognises(self, value: Any) -> bool:
        return {"asked", "talk"} <= value.keys()


@caught_by("reads")
class GivesTheTurns(Honest):
    def read(self, item: Item, reader: Reader) -> Mag:
        return super().read(item, reader).turns  # type: ignore[return-value]


@caught_by("reads", alone=True)
class CountsAlong(Honest):
    """Every reading has another name; a run of this process alone begins at 0."""

    def read(self, item: Item, reader: Reader) -> Mag:
        return super().read(item, reader).model_copy(update={"id": f"talk-{next(_ever) // 2 % 2}"})


@caught_by("bad_values", alone=True)
class PassesOver(Honest):
    def read(self, item: Item, reader: Reader) -> Mag:
        return super().read(item, reader) if item.value.get("talk") else None  # type: ignore[return-value]


@caught_by("another_process", alone=True)
class NamesByHash(Honest):
    def read(self, item: Item, reader: Reader) -> Mag:
        mag = super().read(item, reader)
        return mag.model_copy(update={"id": f"talk-{hash(mag.question.text)}"})


@caught_by("recognises_its_own", alone=True)
class TakesWhatItLooksAt(Honest):
    def recognises(self, value: Any) -> bool:
        return has(value, "asked", "talk") and bool(value.setdefault("version", 1))


@caught_by("reads_all", alone=True)
class ReadsTheFirst(Honest):
    def discussions(self, items: Iterator[Item], reader: Reader, on_bad: OnBad | None = None) -> Iterator[Item]:
        yield next(items)
