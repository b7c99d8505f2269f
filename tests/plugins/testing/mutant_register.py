"""Deliberately wrong components, and the check that has to catch each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from magdi.plugins.component import Kind


@dataclass(frozen=True)
class Mutant:
    kind: Kind
    target: type
    check: str
    alone: bool


MUTANTS: list[Mutant] = []
Wrong = TypeVar("Wrong")


def caught_by(check: str, *, alone: bool = False) -> Callable[[type[Wrong]], type[Wrong]]:
    """Registers a class as one that the check of its kind has to catch; ``alone``: and no other check."""

    def register(cls: type[Wrong]) -> type[Wrong]:
        kind = cls.__module__.rpartition("mutant_")[2].removesuffix("s")
        MUTANTS.append(Mutant(cast(Kind, kind), cls, check, alone))
        return cls

    return register
