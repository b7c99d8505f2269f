"""What a discussion stage will take, found without asking anybody: the protocol is driven with made-up replies."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from magdi.core.decision import DecisionRule
from magdi.core.discussion.gate import CHARACTERS_PER_TOKEN
from magdi.core.discussion.seat import Seat
from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.errors import ProtocolError
from magdi.core.mag import Question
from magdi.core.protocol import Agent, Ask, Protocol
from magdi.core.reply import Parsed
from magdi.core.teacher import Price

DRAWS = 3  # drives with answers drawn at random, besides those that agree, disagree and cannot be read
REPLY_CHARACTERS = 600  # of a made-up reply: about what models write on a grade-school question
BYTES_PER_CHARACTER = 2.5  # on disk: a reply stands in the journal, in the MAG file, and in later prompts' records
MOST_TURNS = 3_000  # of a drive; a discussion itself may take `TURN_LIMIT`
MOST_CHARACTERS = 20_000_000  # of its prompts
SAMPLED = 64  # questions whose prompts are measured

Stub = Callable[[Ask], Parsed | None]


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """What one agent will take, at most.

    Attributes:
        agent: Its name.
        teacher: The identity of its teacher.
        calls: Calls, re-asks aside.
        prompt_tokens: Tokens of the prompts, about.
        completion_tokens: Tokens of the replies if all are as long as they may be.
        cost: US dollars for these tokens: nothing for a program, None where no price is known.
    """

    agent: str
    teacher: str
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a stage will take, at most.

    Attributes:
        questions: Discussions.
        agents: By agent.
        disk: Bytes of journal and MAG file, about.
    """

    questions: int
    agents: tuple[AgentPlan, ...]
    disk: int

    @property
    def calls(self) -> int:
        """Calls of all agents: no discussion makes more, re-asks aside."""
        return sum(agent.calls for agent in self.agents)

    @property
    def tokens(self) -> int:
        """Tokens of all agents."""
        return sum(agent.prompt_tokens + agent.completion_tokens for agent in self.agents)

    @property
    def cost(self) -> float | None:
        """US dollars; None where the price of some agent is not known."""
        costs = [agent.cost for agent in self.agents]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


def max_calls(
    protocol: Protocol, question: Question, agents: Sequence[Agent], *, decide: DecisionRule | None = None
) -> int:
    """Returns the most calls that a discussion of a question can make, re-asks aside.

    The protocol is driven with replies that agree, that disagree, that cannot be read, and with draws of all of these;
    it is the most of them all.

    Raises:
        ProtocolError: The protocol broke its contract.
    """
    return len(_longest(protocol, question, agents, decide))


def make_plan(
    questions: Sequence[Question],
    *,
    protocol: Protocol,
    seats: Sequence[Seat],
    decide: DecisionRule | None = None,
) -> Plan:
    """Returns what the discussions of these questions will take, at most.

    A spread of `SAMPLED` questions is driven. Where they do not all come to the same calls, all questions are.

    Raises:
        ProtocolError: The protocol broke its contract.
    """
    agents = [seat.agent for seat in seats]
    longest = [_longest(protocol, question, agents, decide) for question in _spread(questions)]
    scale = len(questions) / max(1, len(longest))
    characters = sum((_characters(asked) for asked in longest), Counter())
    calls = [_callers(asked) for asked in longest]
    if len(questions) > len(longest) and any(each != calls[0] for each in calls):
        every, times = [_callers(_longest(protocol, question, agents, decide)) for question in questions], 1.0
    else:
        every, times = calls, scale
    called = sum(every, Counter())
    parts = tuple(
        _agent_plan(seat, round(times * called[name]), scale * characters[name] / CHARACTERS_PER_TOKEN)
        for seat in seats
        for name in [seat.agent.name]
    )
    replies = sum(part.calls for part in parts) * REPLY_CHARACTERS
    return Plan(len(questions), parts, round(scale * characters.total() + BYTES_PER_CHARACTER * replies))


def _spread(questions: Sequence[Question]) -> Sequence[Question]:
    return questions[:: -(-len(questions) // SAMPLED) or 1]


def _callers(asked: Sequence[Pending]) -> Counter[str]:
    return Counter(pending.ask.agent.name for pending in asked)


def _characters(asked: Sequence[Pending]) -> Counter[str]:
    total: Counter[str] = Counter()
    for pending in asked:
        total[pending.ask.agent.name] += sum(len(message.content) for message in pending.messages)
    return total


def _agent_plan(seat: Seat, calls: int, prompt_tokens: float) -> AgentPlan:
    completion = calls * (seat.sampling.max_tokens or round(REPLY_CHARACTERS / CHARACTERS_PER_TOKEN))
    price = Price() if seat.teacher.simulated else seat.teacher.price
    return AgentPlan(
        agent=seat.agent.name,
        teacher=seat.teacher.identity,
        calls=calls,
        prompt_tokens=round(prompt_tokens),
        completion_tokens=completion,
        cost=None if price is None else price.of(prompt_tokens, completion),
    )


def _longest(
    protocol: Protocol, question: Question, agents: Sequence[Agent], decide: DecisionRule | None
) -> list[Pending]:
    """Returns what was asked in the longest drive."""
    drives = (_drive(protocol, question, agents, decide, stub) for stub in _stubs(question, agents))
    return max(drives, key=len)


def _drive(
    protocol: Protocol, question: Question, agents: Sequence[Agent], decide: DecisionRule | None, stub: Stub
) -> list[Pending]:
    stepper = Stepper(
        question, protocol, agents, grade=lambda answer, gold: False, decide=decide, turn_limit=MOST_TURNS
    )
    asked: list[Pending] = []
    characters = 0
    while not stepper.done:
        wave = stepper.pending
        asked += wave
        characters += _characters(wave).total()
        if characters > MOST_CHARACTERS:
            raise ProtocolError(
                f"{type(protocol).__name__} asks for more than {MOST_CHARACTERS:,} characters of prompts a discussion",
                hint="fewer rounds, or a rule by which it ends",
            )
        for pending in wave:
            parsed = stub(pending.ask)
            stepper.answer(pending.step, parsed, parsed.reasoning if parsed else "?")
    return asked


def _stubs(question: Question, agents: Sequence[Agent]) -> Iterator[Stub]:
    answers = _answers(question, len(agents) + 1)
    places = {agent.name: place for place, agent in enumerate(agents)}
    words = "so it is as was said " * (REPLY_CHARACTERS // 21)

    def disagree(ask: Ask) -> Parsed:
        return Parsed(words, answers[(places[ask.agent.name] + ask.round) % len(answers)], 0.5)

    def undecided(ask: Ask) -> Parsed:
        return disagree(ask) if ask.role == "solver" else Parsed(words)

    yield lambda ask: Parsed(words, answers[0], 0.9)
    yield disagree
    yield undecided
    yield lambda ask: None
    for seed in range(DRAWS):
        draw = random.Random(seed)
        yield (
            lambda ask, draw=draw: draw.choice(  # type: ignore[misc]
                [None, Parsed(words), *(Parsed(words, answer, draw.random()) for answer in answers[:2] * 2)]
            )
        )


def _answers(question: Question, count: int) -> list[str]:
    if question.choices:
        return [choice.label for choice in question.choices]
    if question.answer_type == "boolean":
        return ["yes", "no"]
    return [str(number) for number in range(1, count + 1)]
