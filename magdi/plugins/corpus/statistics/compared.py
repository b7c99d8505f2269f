"""What the same discussions would have answered by other rules, and what their first words alone were worth."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from math import comb
from typing import Any

from magdi.core.decision import DecisionRule, vote
from magdi.core.mag import Decision, Mag, Turn
from magdi.plugins.corpus.statistics.rounds import answering
from magdi.plugins.corpus.statistics.shares import share_of
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


def by_rule(mags: Sequence[Mag]) -> list[dict[str, Any]]:
    """Returns the accuracy of each rule on the same MAGs: over all, and over those that it decided.

    ``as held`` is the decision that each MAG carries. Several samples of one agent have a vote each (`voices`).
    """
    graded = [mag for mag in mags if mag.question.gold is not None]
    rows = [_row("as held", graded, [mag.decision for mag in graded])]
    for name, rule in PURE_RULES.items():
        decisions = [rule.decide(mag.question.blind(), voices(mag.turns)) for mag in graded]
        rows.append(_row(name, graded, [each for each in decisions if isinstance(each, Decision)]))
    return rows


def _row(name: str, mags: Sequence[Mag], decisions: Sequence[Decision]) -> dict[str, Any]:
    right = [is_right(mag, decision.answer) for mag, decision in zip(mags, decisions, strict=True)]
    decided = [decision.answer is not None for decision in decisions]
    return {
        "rule": name,
        "accuracy": share_of(right),
        "decided": sum(decided),
        "accuracy_decided": share_of(yes for yes, made in zip(right, decided, strict=True) if made),
    }


def is_right(mag: Mag, answer: str | None) -> bool:
    """Returns whether an answer of the discussion is right, by the grades of its turns."""
    return answer is not None and any(turn.correct is True and turn.answer == answer for turn in mag.turns)


def baselines(mags: Sequence[Mag]) -> list[dict[str, Any]]:
    """Returns the accuracy of the discussions beside what one agent alone gives for as many calls, and for one.

    From the discussions themselves: ``protocol``; ``single``, an agent's first word, on average; ``best teacher``, the
    agent whose first words are best (chosen on these very questions, so a little flattered); ``first words``, their
    vote. From MAGs without edges on the same questions in the same file, where there are such: ``self-consistency``
    at as many calls as the discussion took, its expected accuracy over all subsets of so many samples; with fewer
    samples than calls it is that of all samples, and the row says so.
    """
    graded = [mag for mag in mags if mag.question.gold is not None]
    talking = {mag.protocol for mag in graded if mag.edges}
    # Discussions that ended at once are discussions, too: what counts is whether the protocol ever shows anything.
    talks = [mag for mag in graded if mag.protocol in talking] or graded
    firsts = [[turn for turn in answering(mag) if turn.round == 0] for mag in talks]
    rows: list[dict[str, Any]] = [
        _line("protocol", [len(mag.turns) for mag in talks], [mag.decision.correct for mag in talks]),
        _line("single", [1], [bool(turn.correct) for turns in firsts for turn in turns]),
        *_best(firsts),
        _line("first words", [len(turns) for turns in firsts], [plurality_is_right(turns) for turns in firsts]),
    ]
    return [*rows, *_self_consistency(talks, [mag for mag in graded if mag.protocol not in talking])]


def _line(name: str, calls: Sequence[int], right: Sequence[bool | None]) -> dict[str, Any]:
    return {"name": name, "calls": _mean(calls), "accuracy": share_of(right)}


def _best(firsts: Sequence[Sequence[Turn]]) -> list[dict[str, Any]]:
    by_agent: dict[str, list[bool]] = {}
    for turns in firsts:
        for turn in turns:
            by_agent.setdefault(turn.agent, []).append(bool(turn.correct))
    # Only agents that have answered everything: shares over different questions cannot be compared.
    by_agent = {agent: right for agent, right in by_agent.items() if len(right) == len(firsts)}
    if len(by_agent) < 2:
        return []
    best = max(by_agent, key=lambda agent: sum(by_agent[agent]) / len(by_agent[agent]))
    return [_line(f"best teacher ({best})", [1], by_agent[best])]


def _self_consistency(talks: Sequence[Mag], samples: Sequence[Mag]) -> list[dict[str, Any]]:
    held = {mag.question.id: mag for mag in samples if len(mag.turns) > 1}
    pairs = [
        (mag, held[mag.question.id]) for mag in talks if mag.question.id in held and mag is not held[mag.question.id]
    ]
    if not pairs:
        return []
    calls = [min(len(mag.turns), len(drawn.turns)) for mag, drawn in pairs]
    short = sum(len(drawn.turns) < len(mag.turns) for mag, drawn in pairs)
    expected = [expected_vote(drawn.turns, k) for (_, drawn), k in zip(pairs, calls, strict=True)]
    return [
        {
            "name": "self-consistency",
            "calls": _mean(calls),
            "accuracy": {"share": sum(expected) / len(expected), "count": len(expected), "interval": None},
            "fewer_samples_than_calls": short,
        }
    ]


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


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
