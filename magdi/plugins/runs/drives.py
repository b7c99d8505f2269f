"""Discussions with made-up replies: the longest that a protocol can come to, and one as it will be about."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from magdi.core.decision import DecisionRule
from magdi.core.discussion.seat import Seat
from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.discussion.usage import longest_prompt
from magdi.core.errors import ProtocolError
from magdi.core.mag import Question
from magdi.core.protocol import Agent, Ask, Protocol
from magdi.core.reply import Parsed
from magdi.plugins.runs.stand_in import CHARACTERS, StandIn, answers

DRAWS = 3  # drives with answers drawn at random, besides those that agree, disagree and cannot be read
MOST_TURNS = 3_000  # of a drive; a discussion itself may take `TURN_LIMIT`
MOST_CHARACTERS = 20_000_000  # of its prompts
MARKS = 0xE000  # private use: a made-up reply is one sign, which tells whose it is where it is quoted

Stub = Callable[[Ask], Parsed | None]


@dataclass(slots=True)
class Asked:
    """What an agent was asked in a drive.

    Attributes:
        calls: How often.
        prompt: Tokens of its prompts; in the longest drives without what others said, as many as can be.
        reply: Tokens of its replies; nothing in the longest drives.
        characters: Of prompts and replies, about, as they stand on disk.
        quoted: How often a reply of another agent, or its own, stands in its prompts, by agent.
    """

    calls: int = 0
    prompt: float = 0.0
    reply: float = 0.0
    characters: int = 0
    quoted: dict[str, int] = field(default_factory=dict)


Drive = dict[str, Asked]
"""By agent."""


@dataclass(frozen=True, slots=True)
class DrivenTalk:
    """What is driven.

    Attributes:
        protocol: The protocol.
        seats: Who takes part.
        decide: A decision rule instead of the protocol's own.
    """

    protocol: Protocol
    seats: Sequence[Seat]
    decide: DecisionRule | None = None

    def longest(self, question: Question) -> list[Drive]:
        """Returns drives that are as long as can be; see `longest_drives`."""
        return longest_drives(self.protocol, question, [seat.agent for seat in self.seats], self.decide)

    def usual(self, question: Question, characters: dict[str, float], draw: int = 0) -> Drive:
        """Returns a drive with stand-ins for the teachers: one as a discussion will be, about.

        Args:
            question: What is discussed.
            characters: Of a reply, by teacher; see `StandIn`.
            draw: Tells drives of one question apart.

        Raises:
            ProtocolError: The protocol broke its contract.
        """
        speaker = StandIn(question, self.seats, characters, draw)
        models = {seat.agent.name: seat.teacher.identity for seat in self.seats}
        drive: Drive = {}
        agents = [seat.agent for seat in self.seats]
        with steps(self.protocol, question, agents, self.decide, models) as asked_for:
            for stepper, pending in asked_for:
                reply = speaker.reply(pending)
                asked = drive.setdefault(pending.ask.agent.name, Asked())
                asked.calls += 1
                asked.prompt += reply.usage.prompt_tokens
                asked.reply += reply.usage.completion_tokens
                asked.characters += sum(len(message.content) for message in pending.messages) + len(reply.text)
                stepper.answer(pending.step, speaker.read(pending, reply.text), reply.text)
        return drive


def longest_drives(
    protocol: Protocol, question: Question, agents: Sequence[Agent], decide: DecisionRule | None = None
) -> list[Drive]:
    """Returns drives with replies that agree, disagree, cannot be read, and with draws of all of these.

    Raises:
        ProtocolError: The protocol broke its contract.
    """
    return [_longest(protocol, question, agents, decide, stub) for stub in stubs(question, agents)]


def _longest(
    protocol: Protocol, question: Question, agents: Sequence[Agent], decide: DecisionRule | None, stub: Stub
) -> Drive:
    marks = {agent.name: chr(MARKS + place) for place, agent in enumerate(agents)}
    drive: Drive = {}
    with steps(protocol, question, agents, decide) as asked_for:
        for stepper, pending in asked_for:
            asked = drive.setdefault(pending.ask.agent.name, Asked())
            asked.calls += 1
            asked.prompt += longest_prompt(pending.messages, pending.ask.reply.schema(question))
            for name, mark in marks.items():
                count = sum(message.content.count(mark) for message in pending.messages)
                asked.quoted[name] = asked.quoted.get(name, 0) + count
            parsed, mark = stub(pending.ask), marks[pending.ask.agent.name]
            said = Parsed(mark, parsed.answer, parsed.confidence) if parsed else None
            stepper.answer(pending.step, said, mark if said else "?")
    return drive


@contextmanager
def steps(
    protocol: Protocol,
    question: Question,
    agents: Sequence[Agent],
    decide: DecisionRule | None,
    models: dict[str, str] | None = None,
) -> Iterator[Iterator[tuple[Stepper, Pending]]]:
    """Yields the turns of a discussion, each with the stepper that is to be told its reply; it ends with the block.

    Raises:
        ProtocolError: The protocol broke its contract, or asks for more than a discussion can be.
    """
    stepper = Stepper(
        question,
        protocol,
        agents,
        grade=lambda answer, gold: False,
        decide=decide,
        model=lambda ask: (models or {}).get(ask.agent.name, ""),
        turn_limit=MOST_TURNS,
    )
    with closing(stepper):
        yield _asked(stepper, type(protocol).__name__)


def _asked(stepper: Stepper, name: str) -> Iterator[tuple[Stepper, Pending]]:
    characters = 0
    while not stepper.done:
        for pending in stepper.pending:
            characters += sum(len(message.content) for message in pending.messages)
            characters += CHARACTERS * len(pending.ask.shown)  # what is shown may be made up, of one sign
            if characters > MOST_CHARACTERS:
                raise ProtocolError(
                    f"{name} asks for more than {MOST_CHARACTERS:,} characters of prompts a discussion",
                    hint="fewer rounds, or a rule by which it ends",
                )
            yield stepper, pending


def stubs(question: Question, agents: Sequence[Agent]) -> Iterator[Stub]:
    """Yields who replies in the longest drives."""
    made_up = answers(question, len(agents) + 1)
    places = {agent.name: place for place, agent in enumerate(agents)}

    def disagree(ask: Ask) -> Parsed:
        return Parsed("", made_up[(places[ask.agent.name] + ask.round) % len(made_up)], 0.5)

    def undecided(ask: Ask) -> Parsed:
        return disagree(ask) if ask.role == "solver" else Parsed("")

    yield lambda ask: Parsed("", made_up[0], 0.9)
    yield disagree
    yield undecided
    yield lambda ask: None
    for seed in range(DRAWS):
        draw = random.Random(seed)
        yield (
            lambda ask, draw=draw: draw.choice(  # type: ignore[misc]
                [None, Parsed(""), *(Parsed("", answer, draw.random()) for answer in made_up[:2] * 2)]
            )
        )
