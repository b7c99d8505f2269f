"""All statistics together, of MAGs that go by once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from magdi.core.mag import Mag
from magdi.plugins.corpus.statistics.compared import BaselineFound, Baselines, RuleFound, Rules
from magdi.plugins.corpus.statistics.counts import Totals, TotalsFound, TurnsFound, TurnTables
from magdi.plugins.corpus.statistics.flips import Flips, FlipsFound
from magdi.plugins.corpus.statistics.rounds import RoundFound, Rounds
from magdi.plugins.corpus.statistics.shares import counted


class Disagreement(TypedDict):
    """A turn whose label is not what its file says of it."""

    mag: str
    agent: str
    answer: str | None


class JudgedFound(TypedDict):
    """How many turns the files judge themselves, and how many labels agree."""

    turns: int
    agreed: int
    disagreements: list[Disagreement]


class TalkFound(TypedDict):
    """How discussions went: by round, who changed their minds, other rules, and agents alone beside them."""

    rounds: list[RoundFound]
    flips: FlipsFound
    decisions: list[RuleFound]
    baselines: list[BaselineFound]


class Statistics(TalkFound):
    """Everything that is counted of MAGs; ``turns`` by round, agent, model, role and structure."""

    totals: TotalsFound
    turns: dict[str, list[TurnsFound]]
    judged: JudgedFound | None


def describe(mags: Iterable[Mag]) -> Statistics:
    """Returns everything that is counted of MAGs, as plain values; none of them is kept."""
    totals, turns, rounds, flips = Totals(), TurnTables(), Rounds(), Flips()
    rules, baselines, judged = Rules(), Baselines(), Judged()
    for mag in mags:
        for counter in (totals, turns, rounds, flips, rules, baselines, judged):
            counter.add(mag)
    return {
        "totals": totals.document(),
        "turns": turns.document(),
        "rounds": rounds.document(),
        "flips": flips.document(),
        "decisions": rules.document(),
        "baselines": baselines.document(),
        "judged": judged.document(),
    }


class Judged:
    """Labels beside what imported files say of right and wrong (``is_correct`` by agent)."""

    def __init__(self) -> None:
        self._count = self._agreed = 0
        self._disagreements: list[Disagreement] = []

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

    def document(self) -> JudgedFound | None:
        """Returns how many agree, and those that do not; None where no file says anything."""
        if not self._count:
            return None
        return {"turns": self._count, "agreed": self._agreed, "disagreements": self._disagreements}


def judged(mags: Iterable[Mag]) -> JudgedFound | None:
    """Compares labels with what imported files say of right and wrong; None where none do."""
    return counted(Judged(), mags).document()
