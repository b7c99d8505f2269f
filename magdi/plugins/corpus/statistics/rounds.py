"""Consensus, accuracy and diversity as the rounds go by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypedDict

from magdi.core.decision import agreement, consensus, last_words, tally, vote
from magdi.core.mag import Mag, Turn
from magdi.plugins.corpus.statistics.shares import Mean, Share, ShareFound, counted, grade_of
from magdi.plugins.corpus.statistics.voices import voices

MOST_ROUNDS = 100
"""Rounds that have a row: a file may say that a turn is of the billionth."""


class RoundFound(TypedDict):
    """The figures of a round; see `by_round`."""

    round: int
    reached: int
    consensus: ShareFound
    agreement: float | None
    distinct: float | None
    entropy: float | None
    accuracy: ShareFound
    vote: ShareFound


class Rounds:
    """Figures by round of MAGs that are shown one at a time."""

    def __init__(self) -> None:
        self._rows: list[_Row] = []
        self._ended: dict[int, Share] = {}

    def add(self, mag: Mag) -> None:
        """Takes a MAG in."""
        last = min(MOST_ROUNDS - 1, mag.rounds)
        while len(self._rows) <= last:
            self._rows.append(_Row())
        said: dict[int, list[Turn]] = {}
        for turn in mag.turns:
            said.setdefault(turn.round, []).append(turn)
        for number, row in enumerate(self._rows[: last + 1]):
            row.add(mag, number, said.get(number, []))
        if mag.question.gold is not None:
            self._ended.setdefault(last, Share()).add(_voted(mag, last))

    def document(self) -> list[RoundFound]:
        """Returns a row for each round."""
        rows, ended = [], Share()
        for number, row in enumerate(self._rows):
            ended += self._ended.get(number - 1, Share())
            vote = Share()
            vote += row.vote
            vote += ended
            rows.append(row.document(number, vote))
        return rows


class _Row:
    """The figures of one round."""

    def __init__(self) -> None:
        self.reached = 0
        self.consensus, self.accuracy, self.vote = Share(), Share(), Share()
        self.agreement, self.distinct, self.entropy = Mean(), Mean(), Mean()

    def add(self, mag: Mag, number: int, said: Sequence[Turn]) -> None:
        self.reached += bool(said)
        turns = answering(said)
        if turns:
            self.consensus.add(consensus(turns))
            self.agreement.add(agreement(turns))
            self.distinct.add(len(tally(turns)))
            self.entropy.add(entropy(turns))
            self.accuracy.add(*map(grade_of, turns))
        if mag.question.gold is not None:
            self.vote.add(_voted(mag, number))

    def document(self, number: int, vote: Share) -> RoundFound:
        return {
            "round": number,
            "reached": self.reached,
            "consensus": self.consensus.document(),
            "agreement": self.agreement.value,
            "distinct": self.distinct.value,
            "entropy": self.entropy.value,
            "accuracy": self.accuracy.document(),
            "vote": vote.document(),
        }


def by_round(mags: Iterable[Mag]) -> list[RoundFound]:
    """Returns a row for each round, of the first hundred.

    ``reached`` discussions had turns in it, answered or not. ``accuracy`` of the turns that answered or should have,
    ``consensus`` (all gave the same answer), ``agreement`` (share of the most frequent answer), ``distinct`` answers
    and their ``entropy`` in bits are of the round alone. ``vote`` is what all discussions together, those that had
    ended earlier included, would have answered by plurality of everybody's last word at the end of the round; of an
    agent's samples each is a word (`voices`).
    """
    return counted(Rounds(), mags).document()


def answering(turns: Iterable[Turn]) -> list[Turn]:
    """Returns the turns that gave an answer or should have; critics and voters are not asked for one."""
    return [turn for turn in turns if turn.answer is not None or turn.status == "invalid"]


def _voted(mag: Mag, round: int) -> bool:
    so_far = [turn for turn in mag.turns if turn.round <= round]
    answer = vote(last_words(voices(so_far))).answer
    return any(turn.correct is True and turn.answer == answer for turn in so_far)


def entropy(turns: Sequence[Turn]) -> float:
    """Returns the entropy of the answers in bits; 0 when all agree."""
    votes = tally(turns)
    total = sum(votes.values())
    return -sum(count / total * math.log2(count / total) for count in votes.values()) if votes else 0.0
