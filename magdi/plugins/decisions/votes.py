"""Decision rules that ask nobody anything: pure functions of the turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from magdi.core.decision import DecisionRule, last_words, tally, vote
from magdi.core.mag import Decision, Question, Turn
from magdi.protocols.confidence import Calibration, recalibrate


class Plurality(DecisionRule):
    """The most frequent of the agents' last answers."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """One agent, one vote."""
        return vote(last_words(turns), rule="plurality")


class Weighted(DecisionRule):
    """The agents' last answers, weighted by recalibrated confidence (ReConcile)."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `weighted`."""

        calibration: Calibration = Field(
            "paper", description="The paper's table, stated, equal, or the path of a fitted calibration."
        )

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self._weight = recalibrate(self.config.calibration)

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """One agent, one weighted vote."""
        return vote(last_words(turns), self._weight, rule="weighted")


class LastWord(DecisionRule):
    """The last answer of all."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """The newest turn with an answer."""
        return vote([turn for turn in turns if turn.answer is not None][-1:], rule="last-word")


class FirstRound(DecisionRule):
    """A vote before anyone has been shown anything: what a plain ensemble would have answered."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of round 0."""
        return vote([turn for turn in turns if turn.round == 0], rule="first-round")


class Threshold(DecisionRule):
    """Base of rules that need more than a share of the agents, or all of them, behind an answer."""

    share: ClassVar[float]

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `majority`, `supermajority` and `unanimity`."""

        otherwise: Literal["none", "plurality"] = Field(
            "none", description="What is answered where too few agree: nothing, or the most frequent answer."
        )

    config: Any

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of the last answers, if it is large enough; agents who gave none count against it."""
        rule = type(self).__name__.lower()
        words = last_words(turns)
        agents = {turn.agent for turn in turns if turn.answer is not None or turn.status == "invalid"}
        votes = tally(words)
        most = max(votes.values(), default=0)
        if most and (most == len(agents) or most / len(agents) > self.share) or self.config.otherwise == "plurality":
            return vote(words, rule=rule)
        return Decision(rule=rule, votes=votes)


class Majority(Threshold):
    """More than half of the agents."""

    share = 0.5


class Supermajority(Threshold):
    """More than 0.66 of the agents: two of three, three of four."""

    share = 0.66


class Unanimity(Threshold):
    """All agents."""

    share = 1.0
