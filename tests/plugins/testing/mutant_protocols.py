"""Protocols with one thing wrong each. `Honest` has nothing wrong."""

import contextlib
import random
import socket
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, Field

from magdi.core.decision import consensus, last_words, vote
from magdi.core.errors import ConfigError
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, Wave, chat, quote
from magdi.core.reply import Extract, Parsed, ReplyFormat, UnreadableReply
from tests.plugins.testing.mutant_register import caught_by


class Honest(Protocol):
    """Two rounds, all see all."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        if not consensus(said):
            yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "done"


@caught_by("seen_is_provenance")
class QuotesMoreThanItSays(Honest):
    """The edges lie: the prompt quotes everybody, seen has the agent's own turn only."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        talk = "\n".join(turn.text for turn in said)
        yield [self.ask(agent, round=1, seen=[turn], note=talk) for agent, turn in zip(agents, said, strict=True)]
        return "done"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return chat("", question.prompt, ask.note)


@caught_by("seen_is_provenance")
class SaysMoreThanItQuotes(Honest):
    """ReConcile's code: two turns are in the prompt, three in the graph."""

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return chat("", question.prompt, *(quote(turn) for turn in ask.shown[:2]))


@caught_by("seen_is_provenance")
class QuotesNobody(Honest):
    """AgentArk's MacNet: declared interactions that carry nothing."""

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return chat(ask.agent.persona, question.prompt, ask.reply.instructions(question))


@caught_by("seen_is_provenance", alone=True)
class CallsItControl(Honest):
    """What is quoted is said to have only brought the turn about."""

    def ask(self, agent: Agent, **how: Any) -> Ask:
        asked = super().ask(agent, **how)
        return replace(asked, kinds=tuple("self" if kind == "self" else "control" for kind in asked.kinds))


@caught_by("sees_only_the_past", alone=True)
class SeesItsOwnWave(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        neighbour = Turn(step=0, agent=agents[0].name, text="I say seven.")
        yield [self.ask(agent, seen=[neighbour] if place else []) for place, agent in enumerate(agents)]
        return "done"


@caught_by("sees_only_the_past")
class RewritesWhatWasSaid(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        better = [turn.model_copy(update={"reasoning": turn.reasoning + " Surely."}) for turn in said]
        yield [self.ask(agent, round=1, seen=better) for agent in agents]
        return "done"


@caught_by("gold_never_shown", alone=True)
class LeaksGold(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return [*super().prompt(question, ask), *chat("", f"Hint: {question.gold}")]


@caught_by("gold_never_shown")
class LeaksTheExplanation(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return [*super().prompt(question, ask), *chat("", str(question.metadata))]


@caught_by("gold_never_shown")
class StopsWhenSomebodyIsRight(Honest):
    """An oracle: no prompt holds the gold answer, but it decides how the discussion goes on."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        if all(turn.answer != question.gold for turn in said):
            yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "done"


@caught_by("questions_apart")
class SharesStateBetweenQuestions(Honest):
    """AutoGen teams without reset(): what was said on another question stands in the prompt."""

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.said: list[Turn] = []

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        self.said += yield [self.ask(agent) for agent in agents]
        yield [self.ask(agent, round=1, note=self.said[0].text) for agent in agents]
        return "done"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return chat("", question.prompt, ask.note)


@caught_by("questions_apart")
class OverwritesTheOtherQuestion(Honest):
    """State that is set anew for every question, and lost when two are open at once."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        self.first = yield [self.ask(agent) for agent in agents]
        yield [self.ask(agent, round=1) for agent in agents]
        return "done"

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return vote(self.first)


@caught_by("repeatable")
class CountsDiscussions(Honest):
    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.held = 0

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        self.held += 1
        for round_ in range(self.held):
            yield [self.ask(agent, round=round_) for agent in agents]
        return "done"


@caught_by("repeatable")
class DrawsTheSpeaker(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        for _ in range(20):
            yield [self.ask(random.choice(agents))]
        return "done"


@caught_by("ends")
class WaitsForConsensus(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        while not consensus(said):
            said = yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "consensus"


@caught_by("ends")
class NeedsAnAnswer(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return Decision(answer=max(turns, key=lambda turn: len(turn.answer)).answer)  # type: ignore[arg-type]


@caught_by("ends")
class YieldsNothing(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        yield [self.ask(agent, round=1) for agent in agents if said[0].status == "invalid"]
        return "done"


@caught_by("ends")
class IsNoGenerator(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        return [self.ask(agent) for agent in agents]  # type: ignore[return-value]


@caught_by("ends")
class RewritesWhenItLabels(Honest):
    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        return [turn.model_copy(update={"answer": "7"}) for turn in turns]


@caught_by("any_number_of_agents", alone=True)
class NeedsAPeer(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        share = len(said) / (len(agents) - 1)
        return f"done at {share}"


@caught_by("calls_promised", alone=True)
class GoesOnForSomeReplies(Honest):
    """No made-up reply of the plan makes it go on; these do."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        for round_ in range(1, 9):
            if not any(turn.reasoning.startswith("Because") for turn in said):
                break
            said = yield [self.ask(agent, round=round_, seen=said) for agent in agents]
        return "done"


@caught_by("makes_nothing_up", alone=True)
class AnswersZeroForNothing(Honest):
    """ReConcile's code on GSM8K."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        decision = vote(last_words(turns))
        return decision if decision.answer is not None else Decision(answer="0")


@caught_by("survives_jsonl")
class ValuesNothingAtNan(Honest):
    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        return [turn.model_copy(update={"value": float("nan")}) for turn in turns]


@caught_by("config", alone=True)
class TakesUnknownKeys(Honest):
    class Config(BaseModel):
        rounds: int = Field(3, description="Rounds.")


@caught_by("config")
class DescribesNothing(Honest):
    class Config(BaseModel, extra="forbid"):
        rounds: int = 3


@caught_by("config")
class HasASettingThatCannotBeSet(Honest):
    class Config(BaseModel, extra="forbid"):
        name: str = Field("ring", description="Of the topology.")


@caught_by("config")
class DrawsItsDefault(Honest):
    class Config(BaseModel, extra="forbid"):
        seed: float = Field(default_factory=random.random, description="Another one every time.")


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
class IsOfAnotherVersion(Honest):
    def prompt(self, question: Question, agent: Agent, shown: list[Turn]) -> list[Message]:  # type: ignore[override]
        return []


@caught_by("base_class")
class IsSomethingElse:
    Config = Honest.Config


@caught_by("question_told", alone=True)
class NeverAsksTheQuestion(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        said = [quote(turn, own=ask.agent.name) for turn in ask.shown]
        return chat(ask.agent.persona, "Please answer.", *said, ask.reply.instructions(question))


@caught_by("question_told")
class LeavesOutTheOptions(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return super().prompt(question.model_copy(update={"choices": ()}), ask)


@caught_by("question_told")
class NeverSaysHowToReply(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return chat(ask.agent.persona, question.prompt, *(quote(turn) for turn in ask.shown))


@caught_by("persona_told", alone=True)
class ForgetsThePersona(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return [message for message in super().prompt(question, ask) if message.role != "system"]


@caught_by("quotes_are_whole", alone=True)
class QuotesTheBeginning(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        short = [turn.model_copy(update={"reasoning": turn.reasoning[:120]}) for turn in ask.shown]
        return super().prompt(question, replace(ask, shown=tuple(short)))


@caught_by("quotes_are_whole")
class QuotesTheFirstLine(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        short = [turn.model_copy(update={"reasoning": turn.reasoning.split("\n")[0]}) for turn in ask.shown]
        return super().prompt(question, replace(ask, shown=tuple(short)))


@caught_by("quotes_name_the_speaker", alone=True)
class HandsNamesRound(Honest):
    """Each text stands under the name of the next speaker."""

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        names = [turn.agent for turn in ask.shown]
        moved = [
            turn.model_copy(update={"agent": name}) for turn, name in zip(ask.shown, names[1:] + names[:1], strict=True)
        ]
        return super().prompt(question, replace(ask, shown=tuple(moved)))


@caught_by("quotes_name_the_speaker")
class SaysAllWasSaidByTheReader(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        said = [f"{ask.agent.name}: {turn.reasoning}" for turn in ask.shown]
        return chat(ask.agent.persona, question.prompt, *said, ask.reply.instructions(question))


@caught_by("rounds", alone=True)
class CountsFromOne(Honest):
    def ask(self, agent: Agent, *, round: int = 0, **how: Any) -> Ask:
        return super().ask(agent, round=round + 1, **how)


@caught_by("rounds")
class IsAlwaysInRoundZero(Honest):
    def ask(self, agent: Agent, *, round: int = 0, **how: Any) -> Ask:
        return super().ask(agent, **how)


@caught_by("rounds")
class CallsFurtherSamplesRounds(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        for number in range(3):
            yield [self.ask(agent, round=number) for agent in agents]
        return "done"


@caught_by("edge_kinds", alone=True)
class TakesAllForItsOwn(Honest):
    def ask(self, agent: Agent, **how: Any) -> Ask:
        asked = super().ask(agent, **how)
        return replace(asked, kinds=tuple("self" for _ in asked.kinds))


@caught_by("edge_kinds")
class TakesNothingForItsOwn(Honest):
    def ask(self, agent: Agent, **how: Any) -> Ask:
        asked = super().ask(agent, **how)
        return replace(asked, kinds=tuple("content" for _ in asked.kinds))


@caught_by("labels", alone=True)
class LabelsAllRight(Honest):
    """Says gold, and means all."""

    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        return [turn.model_copy(update={"label": True, "label_source": "gold"}) for turn in turns]


@caught_by("labels")
class LabelsWithoutASource(Honest):
    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        return [turn.model_copy(update={"label": turn.correct}) for turn in turns]


@caught_by("makes_nothing_up")
class DecidesAgainstAll(Honest):
    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        decision = super().decide(question, turns)
        return decision if decision.answer is None else decision.model_copy(update={"answer": "1234"})


@caught_by("any_number_of_agents")
class TakesThreeOnly(Honest):
    """Without having said so."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        one, two, three = agents
        yield [self.ask(agent) for agent in (one, two, three)]
        return "done"


@caught_by("does_no_io", alone=True)
class AsksAServerItself(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), timeout=0.2).close()
        return (yield from super().discuss(question, agents))


@caught_by("another_process", alone=True)
class WritesAHash(Honest):
    """Python hashes strings otherwise in every process."""

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return [*super().prompt(question, ask), *chat("", f"This is question {hash(question.text)}.")]


@caught_by("survives_jsonl", alone=True)
class DecidesByHalfASurrogate(Honest):
    """Text that no UTF-8 holds."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return super().decide(question, turns).model_copy(update={"rule": "\ud800"})


@caught_by("ends")
class NeverYields(Honest):
    """No turn limit helps: it swallows whatever is raised in it, and never comes back."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        while True:
            try:
                time.sleep(0.01)
            except BaseException:
                continue
        yield []  # type: ignore[unreachable]  # makes it a generator


@caught_by("question_told")
class PromptsWithAString(Honest):
    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return question.prompt  # type: ignore[return-value]


@caught_by("ends")
class CannotBeMade(Honest):
    def __init__(self, config: BaseModel | None = None) -> None:
        raise KeyError("rounds")


@caught_by("ends", alone=True)
class TripsOverOddText(Honest):
    """In a choice only."""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        if question.choices and any("im_end" in turn.text for turn in turns):
            raise ValueError("odd")
        return super().decide(question, turns)


@caught_by("repeatable", alone=True)
class KnowsAQuestionAgain(Honest):
    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.held: set[str] = set()

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        said = yield [self.ask(agent) for agent in agents]
        if question.id in self.held or not consensus(said):
            yield [self.ask(agent, round=1, seen=said) for agent in agents]
        self.held.add(question.id)
        return "done"


@caught_by("questions_apart", alone=True)
class LosesTheOtherQuestion(Honest):
    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        self.first = yield [self.ask(agent) for agent in agents]
        said = yield [self.ask(agent, round=1) for agent in agents]
        yield [self.ask(agent, round=1, seen=said) for agent in agents]
        return "done"

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        return vote(self.first)


class RefusesFour(Honest):
    """Honest: it says which number of agents it takes."""

    min_agents = max_agents = 4

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        one, two, three, four = agents
        said = yield [self.ask(agent) for agent in (one, two, three, four)]
        yield [self.ask(one, round=1, seen=said)]
        return None


class Alone(Honest):
    """Honest: one agent that talks to itself."""

    max_agents = 1

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        (agent,) = agents
        said = yield [self.ask(agent)]
        yield [self.ask(agent, round=1, seen=said)]
        return None


class SeesByChance(Honest):
    """Honest: who sees whom is drawn from the question."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        draw = random.Random(question.id)
        said = yield [self.ask(agent) for agent in agents]
        for number in (1, 2):
            said = yield [
                self.ask(agent, round=number, seen=[turn for turn in said if draw.random() < 0.5]) for agent in agents
            ]
        return None


class Refuses(Honest):
    """Honest: it says by a ConfigError what it cannot do."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        if len(agents) % 2 == 0:
            raise ConfigError("it takes an odd number of agents")
        return (yield from super().discuss(question, agents))


class Lines(ReplyFormat):
    """A form of reply of its own."""

    def instructions(self, question: Question) -> str:
        return "Write your reasons, then a last line with ANSWER: and your answer."

    def parse(self, text: str, extract: Extract) -> Parsed:
        head, mark, tail = text.rpartition("ANSWER:")
        if not mark or not tail.strip():
            raise UnreadableReply("there is no line ANSWER:")
        return Parsed(reasoning=head.strip(), answer=extract(f"The answer is {tail.strip()}."))


class AsksForLines(Honest):
    """Honest: plain text, anonymous quotations."""

    def ask(self, agent: Agent, **how: Any) -> Ask:
        return super().ask(agent, **how | {"reply": Lines()})

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        said = [f"Somebody said:\n{turn.reasoning}" for turn in ask.shown]
        return chat(ask.agent.persona, question.prompt, *said, ask.reply.instructions(question))


class Pointed(Lines):
    """A form that nobody would guess, with an example."""

    def parse(self, text: str, extract: Extract) -> Parsed:
        return super().parse(text.replace("~~>", "ANSWER:") if "ANSWER:" not in text else "", extract)

    def example(self, question: Question, reasoning: str, answer: str) -> str:
        return f"{reasoning}\n~~> {answer}"


class AsksForPointed(AsksForLines):
    """Honest: only the form's own example is in its form."""

    def ask(self, agent: Agent, **how: Any) -> Ask:
        return Honest.ask(self, agent, **how | {"reply": Pointed()})


class SignsQuotations(Honest):
    """Honest: the name stands below the text."""

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        said = [f"{turn.reasoning}\n-- {turn.agent}" for turn in ask.shown]
        return chat(ask.agent.persona, question.prompt, *said, ask.reply.instructions(question))


HONEST = [Honest, RefusesFour, Alone, SeesByChance, Refuses, AsksForLines, AsksForPointed, SignsQuotations]
