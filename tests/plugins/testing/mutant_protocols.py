"""Protocols with one thing wrong each. `Honest` has nothing wrong."""

import random

from mutant_register import caught_by
from pydantic import BaseModel, Field

from magdi.core.decision import consensus, last_words, vote
from magdi.core.mag import Decision, Turn
from magdi.core.protocol import Protocol, chat, quote


class Honest(Protocol):
    """Two rounds, all see all."""

    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        if not consensus(said):
            yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "done"


@caught_by("seen_is_provenance")
class QuotesMoreThanItSays(Honest):
    """The edges lie: the prompt quotes everybody, seen has the agent's own turn only."""

    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        talk = "\n".join(turn.text for turn in said)
        yield [self.ask(agent, round=1, seen=[turn], note=talk) for agent, turn in zip(agents, said, strict=True)]
        return "done"

    def prompt(self, question, ask):
        return chat("", question.prompt, ask.note)


@caught_by("seen_is_provenance")
class SaysMoreThanItQuotes(Honest):
    """ReConcile's code: two turns are in the prompt, three in the graph."""

    def prompt(self, question, ask):
        return chat("", question.prompt, *(quote(turn) for turn in ask.shown[:2]))


@caught_by("seen_is_provenance")
class QuotesNobody(Honest):
    """AgentArk's MacNet: declared interactions that carry nothing."""

    def prompt(self, question, ask):
        return chat("", question.prompt, ask.reply.instructions(question))


@caught_by("seen_is_provenance")
class CallsItControl(Honest):
    """What is quoted is said to have only brought the turn about."""

    def ask(self, agent, **how):
        return super().ask(agent, **how).with_kind("control")


@caught_by("sees_only_the_past")
class SeesItsOwnWave(Honest):
    def discuss(self, question, agents):
        neighbour = Turn(step=0, agent=agents[0].name, text="I say seven.")
        yield [self.ask(agent, seen=[neighbour] if place else []) for place, agent in enumerate(agents)]
        return "done"


@caught_by("sees_only_the_past")
class RewritesWhatWasSaid(Honest):
    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        better = [turn.model_copy(update={"reasoning": turn.reasoning + " Surely."}) for turn in said]
        yield [self.ask(agent, round=1, seen=better) for agent in agents]
        return "done"


@caught_by("gold_never_shown")
class LeaksGold(Honest):
    def prompt(self, question, ask):
        return [*super().prompt(question, ask), *chat("", f"Hint: {question.gold}")]


@caught_by("gold_never_shown")
class LeaksTheExplanation(Honest):
    def prompt(self, question, ask):
        return [*super().prompt(question, ask), *chat("", str(question.metadata))]


@caught_by("gold_never_shown")
class StopsWhenSomebodyIsRight(Honest):
    """An oracle: no prompt holds the gold answer, but it decides how the discussion goes on."""

    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        if all(turn.answer != question.gold for turn in said):
            yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "done"


@caught_by("questions_apart")
class SharesStateBetweenQuestions(Honest):
    """AutoGen teams without reset(): what was said on another question stands in the prompt."""

    def __init__(self, config=None):
        super().__init__(config)
        self.said = []

    def discuss(self, question, agents):
        self.said += yield [self.ask(agent) for agent in agents]
        yield [self.ask(agent, round=1, note=self.said[0].text) for agent in agents]
        return "done"

    def prompt(self, question, ask):
        return chat("", question.prompt, ask.note)


@caught_by("questions_apart")
class OverwritesTheOtherQuestion(Honest):
    """State that is set anew for every question, and lost when two are open at once."""

    def discuss(self, question, agents):
        self.first = yield [self.ask(agent) for agent in agents]
        yield [self.ask(agent, round=1) for agent in agents]
        return "done"

    def decide(self, question, turns):
        return vote(self.first)


@caught_by("repeatable")
class CountsDiscussions(Honest):
    def __init__(self, config=None):
        super().__init__(config)
        self.held = 0

    def discuss(self, question, agents):
        self.held += 1
        for round_ in range(self.held):
            yield [self.ask(agent, round=round_) for agent in agents]
        return "done"


@caught_by("repeatable")
class DrawsTheSpeaker(Honest):
    def discuss(self, question, agents):
        for _ in range(20):
            yield [self.ask(random.choice(agents))]
        return "done"


@caught_by("ends")
class WaitsForConsensus(Honest):
    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        while not consensus(said):
            said = yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "consensus"


@caught_by("ends")
class NeedsAnAnswer(Honest):
    def decide(self, question, turns):
        return Decision(answer=max(turns, key=lambda turn: len(turn.answer)).answer)


@caught_by("ends")
class YieldsNothing(Honest):
    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        yield [self.ask(agent, round=1) for agent in agents if said[0].status == "invalid"]
        return "done"


@caught_by("ends")
class IsNoGenerator(Honest):
    def discuss(self, question, agents):
        return [self.ask(agent) for agent in agents]


@caught_by("ends")
class RewritesWhenItLabels(Honest):
    def label(self, turns):
        return [turn.model_copy(update={"answer": "7"}) for turn in turns]


@caught_by("any_number_of_agents")
class NeedsAPeer(Honest):
    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        share = len(said) / (len(agents) - 1)
        return f"done at {share}"


@caught_by("calls_promised")
class GoesOnForSomeReplies(Honest):
    """No made-up reply of the plan makes it go on; these do."""

    def discuss(self, question, agents):
        said = yield [self.ask(agent) for agent in agents]
        for round_ in range(1, 9):
            if not any(turn.reasoning.startswith("Because") for turn in said):
                break
            said = yield [self.ask(agent, round=round_, seen=said) for agent in agents]
        return "done"


@caught_by("makes_nothing_up")
class AnswersZeroForNothing(Honest):
    """ReConcile's code on GSM8K."""

    def decide(self, question, turns):
        decision = vote(last_words(turns))
        return decision if decision.answer is not None else Decision(answer="0")


@caught_by("survives_jsonl")
class ValuesNothingAtNan(Honest):
    def label(self, turns):
        return [turn.model_copy(update={"value": float("nan")}) for turn in turns]


@caught_by("config")
class TakesUnknownKeys(Honest):
    class Config(BaseModel):
        rounds: int = Field(3, description="Rounds.")


@caught_by("config")
class DescribesNothing(Honest):
    class Config(BaseModel, extra="forbid"):
        rounds: int = 3


class _Part(BaseModel, extra="forbid"):
    rounds: int = 3


@caught_by("config")
class DescribesNoPart(Honest):
    class Config(BaseModel, extra="forbid"):
        parts: tuple[_Part, ...] = Field((), description="Parts.")


@caught_by("base_class")
class SaysNothing(Protocol):
    pass


@caught_by("base_class")
class IsSomethingElse:
    Config = Honest.Config
