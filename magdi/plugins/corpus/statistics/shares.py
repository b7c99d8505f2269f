"""Counts, means and shares with intervals, of values that come one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypedDict, TypeVar

from magdi.core.evaluation.statistics import wilson
from magdi.core.mag import Mag, Turn


class MagCounter(Protocol):
    """Counts something of MAGs that it is shown one at a time."""

    def add(self, mag: Mag, /) -> None:
        """Takes a MAG in."""
        ...


Counting = TypeVar("Counting", bound=MagCounter)


def counted(counter: Counting, mags: Iterable[Mag]) -> Counting:
    """Shows MAGs to a counter, and returns it."""
    for mag in mags:
        counter.add(mag)
    return counter


class ShareFound(TypedDict):
    """A share of ``count`` values in [0, 1] with its 95 % Wilson interval, both None of nothing."""

    share: float | None
    count: int
    interval: list[float] | None


class Share:
    """How many of some values are true, those that are None left out."""

    def __init__(self) -> None:
        self.right = self.count = 0

    def add(self, *values: bool | None) -> None:
        """Takes values in."""
        for value in values:
            if value is not None:
                self.count += 1
                self.right += bool(value)

    def __iadd__(self, other: Share) -> Share:
        self.right, self.count = self.right + other.right, self.count + other.count
        return self

    def document(self) -> ShareFound:
        """Returns the share with its count and interval."""
        return share(self.right, self.count)


class Mean:
    """The mean of some numbers; None of none."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, value: float) -> None:
        """Takes a number in."""
        self.total, self.count = self.total + value, self.count + 1

    def __iadd__(self, other: Mean) -> Mean:
        self.total, self.count = self.total + other.total, self.count + other.count
        return self

    @property
    def value(self) -> float | None:
        """The mean."""
        return self.total / self.count if self.count else None


def share(right: int, count: int) -> ShareFound:
    """Returns a share with its count and interval."""
    if not count:
        return {"share": None, "count": 0, "interval": None}
    return {"share": right / count, "count": count, "interval": list(wilson(right, count))}


def share_of(values: Iterable[bool | None]) -> ShareFound:
    """Returns the share of true values among those that are not None."""
    found = Share()
    found.add(*values)
    return found.document()


def grade_of(turn: Turn) -> bool | None:
    """Returns whether a turn is right; one that should have given an answer and did not is wrong."""
    return False if turn.status == "invalid" else turn.correct
