"""Deliberately wrong components, and the check that has to catch each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    kind: str
    target: type
    check: str
    alone: bool


MUTANTS: list[Mutant] = []


def caught_by(check, *, alone=False):
    """Registers a class as one that the check of its kind has to catch; ``alone``: and no other check."""

    def register(cls):
        kind = cls.__module__.rpartition("mutant_")[2].removesuffix("s")
        MUTANTS.append(Mutant(kind, cls, check, alone))
        return cls

    return register
