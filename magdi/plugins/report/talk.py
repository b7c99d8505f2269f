"""What a run's discussions came to: the figures of `magdi.plugins.corpus.statistics`, and accuracy against tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from magdi.core.mag import Mag, Turn
from magdi.core.run.summary import simulated
from magdi.plugins.corpus.statistics.compared import baselines, by_rule
from magdi.plugins.corpus.statistics.document import TalkFound
from magdi.plugins.corpus.statistics.flips import flips
from magdi.plugins.corpus.statistics.rounds import by_round
from magdi.plugins.report.blocks import Block, Curves, Point, Series
from magdi.plugins.report.shares import mean, wilson_of
from magdi.plugins.report.talk_tables import tables

TEAM = "team, plain vote"
TALK = "discussion after so many rounds, plain vote"
ALONE = "teachers alone"


class TalkFigures:
    """Figures over MAGs, which it is shown one at a time; of each it keeps all but what was said."""

    def __init__(self) -> None:
        self.mags: list[Mag] = []

    def add(self, mag: Mag) -> None:
        """Takes a MAG in."""
        self.mags.append(without_words(mag))
        self.__dict__.pop("document", None)

    @cached_property
    def document(self) -> TalkFound:
        """What `magdi mags stats` says of rounds, changed minds and rules."""
        return {
            "rounds": by_round(self.mags),
            "flips": flips(self.mags),
            "decisions": by_rule(self.mags),
            "baselines": baselines(self.mags),
        }

    @property
    def simulated(self) -> int:
        """MAGs in which a simulated teacher spoke."""
        return sum(any(simulated(mag)) for mag in self.mags)

    @property
    def only_simulated(self) -> bool:
        """Whether every turn of every MAG was said by a simulated teacher."""
        return bool(self.mags) and all(mag.turns and all(simulated(mag)) for mag in self.mags)

    @property
    def decided(self) -> list[bool]:
        """Which teams' decisions are right, where that is known."""
        return [mag.decision.correct for mag in self.mags if mag.decision.correct is not None]

    @property
    def first_answers(self) -> list[bool]:
        """Which answers of the first round are right."""
        firsts = (turn for mag in self.mags for turn in mag.turns if turn.round == 0)
        return [turn.correct for turn in firsts if turn.correct is not None]

    @property
    def written(self) -> float | None:
        """Tokens that a discussion's replies have, on average; None where nobody counted them."""
        return mean([mag.usage.completion_tokens for mag in self.mags]) or None

    def blocks(self) -> Iterator[Block]:
        """Yields what there is to be said; tables that would be empty are left out."""
        first, *others = tables(self.mags, self.document)
        yield first
        if self._rounds > 1 and self.document["rounds"][0]["vote"]["count"]:
            yield self._after_rounds()
        yield from others

    def points(self) -> Iterator[Point]:
        """Yields accuracy against tokens: each teacher's first answers, and the plain vote after each round."""
        for agent, turns in by_agent(self.mags).items():
            alone = [turn for turn in turns if turn.round == 0 and turn.correct is not None]
            tokens = mean([turn.usage.completion_tokens for turn in alone])
            if tokens:
                right = [bool(turn.correct) for turn in alone]
                low, high = wilson_of(right)
                yield Point(agent, tokens, mean(right) or 0.0, low, high, group=ALONE)
        for row in self.document["rounds"] if self.written else ():
            voted, interval = row["vote"]["share"], row["vote"]["interval"]
            if voted is not None and interval is not None:
                tokens, (low, high) = self._written_by(row["round"]), interval
                yield Point(f"round {row['round']}", tokens, voted, low, high, group=TALK)

    @property
    def _rounds(self) -> int:
        return len(self.document["rounds"])

    def _written_by(self, number: int) -> float:
        written = (turn.usage.completion_tokens for mag in self.mags for turn in mag.turns if turn.round <= number)
        return sum(written) / len(self.mags)

    def _after_rounds(self) -> Curves:
        rounds = tuple(float(number) for number in range(self._rounds))
        series = [
            Series(
                agent,
                rounds,
                tuple(mean([bool(right) for right in at_round]) for at_round in zip(*found, strict=True)),
            )
            for agent, found in self._histories().items()
        ]
        team = Series(TEAM, rounds, tuple(row["vote"]["share"] for row in self.document["rounds"]))
        note = "All questions at every round: an agent that was not asked again keeps its answer."
        return Curves("Right after so many rounds", "round", (*series, team), note=note, percent=True)

    def _histories(self) -> dict[str, list[list[bool | None]]]:
        """Returns by agent, for each discussion, whether its newest answer was right after each round."""
        found: dict[str, list[list[bool | None]]] = {}
        for mag in self.mags:
            for agent, turns in by_agent([mag]).items():
                graded = [turn for turn in turns if turn.correct is not None]
                if graded:
                    found.setdefault(agent, []).append(_history(graded, self._rounds))
        return found


def _history(turns: Sequence[Turn], rounds: int) -> list[bool | None]:
    newest = {turn.round: turn.correct for turn in turns}
    history: list[bool | None] = []
    for number in range(rounds):
        history.append(newest.get(number, history[-1] if history else None))
    return history


def by_agent(mags: Sequence[Mag]) -> dict[str, list[Turn]]:
    """Returns the turns by agent, in the order in which the agents first spoke."""
    found: dict[str, list[Turn]] = {}
    for mag in mags:
        for turn in mag.turns:
            found.setdefault(turn.agent, []).append(turn)
    return found


def without_words(mag: Mag) -> Mag:
    """Returns a MAG without what was said and asked, so that many can be held at once."""
    empty = {"text": "", "reasoning": "", "prompt": None}
    turns = tuple(turn.model_copy(update=empty) for turn in mag.turns)
    question = mag.question.model_copy(update={"text": mag.question.text[:1], "choices": ()})
    return mag.model_copy(update={"turns": turns, "question": question})
