"""Deliberately wrong components, and the check that has to catch each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    kind: str
    target: type
    check: str


MUTANTS: list[Mutant] = []


def caught_by(check):
    """Registers a class as one that the check of its kind has to catch."""

    def register(cls):
        kind = cls.__module__.removeprefix("mutant_").removesuffix("s")
        MUTANTS.append(Mutant(kind, cls, check))
        return cls

    return register
