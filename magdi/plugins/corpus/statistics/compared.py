"""What the same discussions would have answered by other rules, and what their first words alone were worth."""

from __future__ import annotations

import itertools
import random
from array import array
from collections.abc import Iterable, Mapping, Sequence
from math import comb
from typing import NotRequired, TypedDict

from magdi.core.decision import DecisionRule, vote
from magdi.core.mag import Decision, Mag, Turn
from magdi.plugins.corpus.statistics.rounds import answering
from magdi.plugins.corpus.statistics.shares import Mean, Share, ShareFound, counted
from magdi.plugins.corpus.statistics.voices import voices
from magdi.plugins.decisions.votes import (
    FirstRound,
    LastWord,
    Majority,
    Plurality,
    Supermajority,
    Unanimity,
    Weighted,
)

PURE_RULES: Mapping[str, DecisionRule] = {
    "plurality": Plurality(),
    "weighted": Weighted(),
    "weighted-as-stated": Weighted(Weighted.Config(calibration="stated")),
    "last-word": LastWord(),
    "first-round": FirstRound(),
    "majority": Majority(),
    "supermajority": Supermajority(),
    "unanimity": Unanimity(),
}
"""Rules that ask nobody anything, so that they can be tried on discussions that are over."""


class RuleFound(TypedDict):
    """How right a rule is over all discussions, and over those that it decided."""

    rule: str
    accuracy: ShareFound
    decided: int
    accuracy_decided: ShareFound


class BaselineFound(TypedDict):
    """How right something is beside the discussions, at how many calls a question; see `Baselines`."""

    name: str
    calls: float | None
    accuracy: ShareFound
    fewer_samples_than_calls: NotRequired[int]


class Rules:
    """The accuracy of each rule on the same MAGs: over all, and over those that it decided.

    ``as held`` is the decision that each MAG carries. Several samples of one agent have a vote each (`voices`).
    """

    def __init__(self) -> None:
        self._right = {name: Share() for name in ("as held", *PURE_RULES)}
        self._decided = {name: Share() for name in self._right}

    def add(self, mag: Mag) -> None:
        """Takes a MAG in, where it is graded."""
        if mag.question.gold is None:
            return
        question, heard = mag.question.blind(), voices(mag.turns)
        self._add("as held", mag, mag.decision)
        for name, rule in PURE_RULES.items():
            decision = rule.decide(question, heard)
            if isinstance(decision, Decision):
                self._add(name, mag, decision)

    def _add(self, name: str, mag: Mag, decision: Decision) -> None:
        right = is_right(mag, decision.answer)
        self._right[name].add(right)
        self._decided[name].add(right if decision.answer is not None else None)

    def document(self) -> list[RuleFound]:
        """Returns a row for each rule."""
        return [
            {
                "rule": name,
                "accuracy": right.document(),
                "decided": self._decided[name].count,
                "accuracy_decided": self._decided[name].document(),
            }
            for name, right in self._right.items()
        ]


def by_rule(mags: Iterable[Mag]) -> list[RuleFound]:
    """Returns the accuracy of each rule on the same MAGs: over all, and over those that it decided."""
    return counted(Rules(), mags).document()


def is_right(mag: Mag, answer: str | None) -> bool:
    """Returns whether an answer of the discussion is right, by the grades of its turns."""
    return answer is not None and any(turn.correct is True and turn.answer == answer for turn in mag.turns)


class Baselines:
    """The accuracy of the discussions beside what one agent alone gives for as many calls, and for one.

    From the discussions themselves: ``protocol``; ``single``, an agent's first word, on average; ``best teacher``, the
    agent whose first words are best (chosen on these very questions, so a little flattered); ``first words``, their
    vote. From MAGs without edges on the same questions in the same file, where there are such: ``self-consistency``
    at as many calls as the discussion took, its expected accuracy over all subsets of so many samples; with fewer
    samples than calls it is that of all samples, and the row says so.

    Discussions that ended at once are discussions, too: what counts is whether the protocol ever shows anything. Until
    that is known, of MAGs of several turns without edges the answers are kept, and of all how many turns they had.
    """

    def __init__(self) -> None:
        self._protocols: dict[str, _Talks] = {}
        self._agents: dict[str, None] = {}

    def add(self, mag: Mag) -> None:
        """Takes a MAG in, where it is graded."""
        if mag.question.gold is not None:
            firsts = answering(turn for turn in mag.turns if turn.round == 0)
            self._agents |= dict.fromkeys(turn.agent for turn in firsts)
            self._protocols.setdefault(mag.protocol, _Talks()).add(mag, firsts)

    def document(self) -> list[BaselineFound]:
        """Returns a row for each."""
        talking = {name for name, each in self._protocols.items() if each.shows}
        talks = [each for name, each in self._protocols.items() if name in talking or not talking]
        samples = [each for name, each in self._protocols.items() if name not in talking]
        whole = _Talks()
        for each in talks:
            whole += each
        rows: list[BaselineFound] = [
            {"name": "protocol", "calls": whole.calls.value, "accuracy": whole.right.document()},
            {"name": "single", "calls": 1.0, "accuracy": whole.single.document()},
            *self._best(whole),
            {"name": "first words", "calls": whole.first_calls.value, "accuracy": whole.first_vote.document()},
        ]
        return [*rows, *_self_consistency(talks, samples)]

    def _best(self, talks: _Talks) -> list[BaselineFound]:
        """Of agents that have answered everything: shares over different questions cannot be compared."""
        everywhere = {name: talks.agents[name] for name in self._agents if name in talks.agents}
        everywhere = {name: found for name, found in everywhere.items() if found.count == talks.calls.count}
        if len(everywhere) < 2:
            return []
        best = max(everywhere, key=lambda name: everywhere[name].right / everywhere[name].count)
        return [{"name": f"best teacher ({best})", "calls": 1.0, "accuracy": everywhere[best].document()}]


class _Talks:
    """The graded MAGs of a protocol: sums, and what a comparison by question needs."""

    def __init__(self) -> None:
        self.shows = False
        self.calls, self.first_calls = Mean(), Mean()
        self.right, self.single, self.first_vote = Share(), Share(), Share()
        self.agents: dict[str, Share] = {}
        self.asked, self.turns = array("q"), array("l")  # of each MAG a hash of its question's id, and its turns
        self.held: dict[int, tuple[int, list[Turn]]] = {}

    def add(self, mag: Mag, firsts: Sequence[Turn]) -> None:
        self.calls.add(len(mag.turns))
        self.right.add(mag.decision.correct)
        self.first_calls.add(len(firsts))
        self.first_vote.add(plurality_is_right(firsts))
        for turn in firsts:
            self.single.add(bool(turn.correct))
            self.agents.setdefault(turn.agent, Share()).add(bool(turn.correct))
        if mag.edges and not self.shows:
            self.shows = True
            self.held.clear()
        if len(mag.turns) > 1 and not self.shows:
            light = {"text": "", "reasoning": "", "prompt": None}
            turns = [turn.model_copy(update=light) for turn in mag.turns]
            self.held[hash(mag.question.id)] = len(self.turns), turns
        self.asked.append(hash(mag.question.id))
        self.turns.append(len(mag.turns))

    def __iadd__(self, other: _Talks) -> _Talks:
        for name in ("calls", "first_calls", "right", "single", "first_vote"):
            setattr(self, name, getattr(self, name).__iadd__(getattr(other, name)))
        for agent, found in other.agents.items():
            self.agents[agent] = self.agents.get(agent, Share()).__iadd__(found)
        return self


def baselines(mags: Iterable[Mag]) -> list[BaselineFound]:
    """Returns the accuracy of discussions beside that of agents alone; see `Baselines`."""
    return counted(Baselines(), mags).document()


def _self_consistency(talks: Sequence[_Talks], samples: Sequence[_Talks]) -> list[BaselineFound]:
    held = {question: (of, *found) for of in samples for question, found in of.held.items()}
    expected, calls, short = Mean(), Mean(), 0
    for talk in talks:
        for place, (question, turns) in enumerate(zip(talk.asked, talk.turns, strict=True)):
            of, its_place, drawn = held.get(question, (None, 0, ()))
            if of is None or (of is talk and its_place == place):
                continue
            calls.add(min(turns, len(drawn)))
            short += len(drawn) < turns
            expected.add(expected_vote(drawn, min(turns, len(drawn))))
    if not calls.count:
        return []
    accuracy: ShareFound = {"share": expected.value, "count": expected.count, "interval": None}
    name = "self-consistency"
    return [{"name": name, "calls": calls.value, "accuracy": accuracy, "fewer_samples_than_calls": short}]


def expected_vote(turns: Sequence[Turn], k: int) -> float:
    """Returns how likely the plurality of k of these turns is right, all subsets alike; ties go to the first.

    Exact where there are few subsets, else over 200 that are drawn with a fixed seed.
    """
    if comb(len(turns), k) <= 200:
        subsets = [list(subset) for subset in itertools.combinations(turns, k)]
    else:
        lot = random.Random(0)
        subsets = [sorted(lot.sample(list(turns), k), key=lambda turn: turn.step) for _ in range(200)]
    return sum(plurality_is_right(subset) for subset in subsets) / len(subsets)


def plurality_is_right(turns: Sequence[Turn]) -> bool:
    """Returns whether the most frequent answer of some turns is right, by their grades."""
    answer = vote(turns).answer
    return any(turn.answer == answer and turn.correct is True for turn in turns)
