"""Decision rules with one thing wrong each. `Honest` has nothing wrong."""

from collections.abc import Collection, Generator, Sequence

from pydantic import BaseModel

from magdi.core.decision import DecisionRule, last_words, tally, vote
from magdi.core.mag import Decision, Question, Turn
from magdi.core.protocol import Wave
from tests.plugins.testing.mutant_register import caught_by


class Honest(DecisionRule):
    """The most frequent last answer."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return vote(last_words(turns), rule="honest")


@caught_by("decides", alone=True)
class ExpectsAnAnswer(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        votes = tally(last_words(turns))
        answer = max(votes, key=lambda key: votes[key]) if votes else "none"
        return Decision(answer=answer if votes else None, rule="honest" if votes else "")


@caught_by("decides")
class ReturnsTheAnswerAlone(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return vote(last_words(turns)).answer  # type: ignore[return-value]


@caught_by("answer_was_given", alone=True)
class MakesOneUp(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return super().decide(question, turns) if last_words(turns) else Decision(answer="0", rule="honest")


@caught_by("agreement", alone=True)
class AsksForFive(Honest):
    """Too few agents are none at all."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return super().decide(question, turns) if len(last_words(turns)) >= 5 else Decision(rule="honest")


@caught_by("repeats", alone=True)
class TakesTurns(Honest):
    """One decision is by the first answer, the next by the last."""

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.asked = 0

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        self.asked += 1
        given = list(tally(last_words(turns)))
        return Decision(answer=given[-(self.asked % 2)] if given else None, rule="honest")


@caught_by("another_process", alone=True)
class DrawsTies(Honest):
    """A tie goes to whichever answer hashes lowest."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        votes = tally(last_words(turns))
        answer = max(votes, key=lambda key: (votes[key], hash(key))) if votes else None
        return Decision(answer=answer, rule="honest")


@caught_by("leaves_turns_alone", alone=True)
class TidiesUp(Honest):
    """Frozen is what one does not get round."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        for turn in turns:
            vars(turn)["reasoning"] = turn.reasoning.strip().lower()
        return super().decide(question, turns)


@caught_by("answer_was_given", alone=True)
class CountsAbstentions(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        found = vote(last_words(turns), rule="honest")
        return found.model_copy(update={"votes": {**found.votes, "(no answer)": 1.0}})


@caught_by("decides", alone=True)
class TellsAStory(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return vote(last_words(turns), rule="first all were heard,\nthen they were counted")


@caught_by("decides")
class ExpectsAList(Honest):
    def check(self, agents: Collection[str]) -> None:
        agents.sort(key=len).pop()  # type: ignore[attr-defined]


@caught_by("decides")
class DecidesANumber(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return vote(last_words(turns), rule="honest").model_copy(update={"answer": 7})
