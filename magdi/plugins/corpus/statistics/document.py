"""All statistics together, of MAGs that go by once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from magdi.core.mag import Mag
from magdi.plugins.corpus.statistics.compared import Baselines, Rules
from magdi.plugins.corpus.statistics.counts import Totals, TurnTables
from magdi.plugins.corpus.statistics.flips import Flips
from magdi.plugins.corpus.statistics.rounds import Rounds


class Counter(Protocol):
    """Counts something of MAGs that it is shown one at a time."""

    def add(self, mag: Mag) -> None:
        """Takes a MAG in."""
        ...

    def document(self) -> Any:
        """Returns what was counted, as plain values."""
        ...


def describe(mags: Iterable[Mag]) -> dict[str, Any]:
    """Returns everything that is counted of MAGs, as plain values; none of them is kept.

    Keys: ``totals``; ``turns`` (tables by round, agent, model, role, structure); ``rounds``; ``flips``; ``decisions``
    (each rule on the same MAGs); ``baselines``; ``judged`` where the files say themselves what was right.
    """
    counters: dict[str, Counter] = {
        "totals": Totals(),
        "turns": TurnTables(),
        "rounds": Rounds(),
        "flips": Flips(),
        "decisions": Rules(),
        "baselines": Baselines(),
        "judged": Judged(),
    }
    for mag in mags:
        for counter in counters.values():
            counter.add(mag)
    return {name: counter.document() for name, counter in counters.items()}


class Judged:
    """Labels beside what imported files say of right and wrong (``is_correct`` by agent)."""

    def __init__(self) -> None:
        self._count = self._agreed = 0
        self._disagreements: list[dict[str, Any]] = []

    def add(self, mag: Mag) -> None:
        """Takes a MAG in."""
        said = mag.metadata.get("is_correct") or {}
        for turn in mag.turns:
            if turn.agent in said:
                self._count += 1
                if bool(turn.correct) == said[turn.agent]:
                    self._agreed += 1
                else:
                    self._disagreements.append({"mag": mag.id, "agent": turn.agent, "answer": turn.answer})

    def document(self) -> dict[str, Any] | None:
        """Returns how many agree, and those that do not; None where no file says anything."""
        if not self._count:
            return None
        return {"turns": self._count, "agreed": self._agreed, "disagreements": self._disagreements}


def judged(mags: Iterable[Mag]) -> dict[str, Any] | None:
    """Compares labels with what imported files say of right and wrong; None where none do."""
    found = Judged()
    for mag in mags:
        found.add(mag)
    return found.document()
