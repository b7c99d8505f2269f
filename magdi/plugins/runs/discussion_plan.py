"""What a discussion stage will take, found without asking anybody: what it comes to about, and at most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from magdi.core.config.models import Discussion
from magdi.core.discussion.seat import Seat
from magdi.core.discussion.session import ASK_AGAIN_CHARACTERS
from magdi.core.discussion.usage import PER_MESSAGE
from magdi.core.mag import Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.teacher import Price
from magdi.plugins.runs.drives import Asked, Drive, DrivenTalk, longest_drives
from magdi.plugins.runs.stand_in import CHARACTERS

DRIVEN = 5_000  # calls, and replies that stand in their prompts, after which fewer tell enough
DRIVEN_LONGEST = 50_000  # calls, and replies that stand in their prompts, after which the longest so far stands for all
SAMPLED = 24  # questions that are driven; where there are fewer, with stand-ins each several times
COMPLAINT = 500  # tokens of what is said to a reply that cannot be read, at most
SIMULATED_REPLY = 400  # tokens of a simulated teacher's reply, at most
OF_A_TURN = 750  # bytes on disk of a turn, besides its words: keys, hashes, identities, sampling
BYTES_PER_TOKEN = 6  # of a reply on disk at most, on average; quotes are escaped


class Amount(NamedTuple):
    """What is asked of teachers.

    Attributes:
        calls: Calls.
        prompt_tokens: Tokens of prompts.
        completion_tokens: Tokens of replies.
        cost: US dollars, of those whose price is known.
        bytes: On disk.
    """

    calls: float = 0.0
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0
    cost: float = 0.0
    bytes: float = 0.0

    def times(self, factor: float) -> Amount:
        """Returns so many times as much."""
        return Amount(*(factor * each if each else 0.0 for each in self))

    @classmethod
    def sum(cls, amounts: Iterable[Amount]) -> Amount:
        """Returns them all together."""
        return cls(*map(sum, zip(*amounts, strict=True))) if (amounts := list(amounts)) else cls()

    @classmethod
    def greatest(cls, amounts: Iterable[Amount]) -> Amount:
        """Returns the greatest of each figure."""
        return cls(*map(max, zip(*amounts, strict=True)))


@dataclass(frozen=True, slots=True)
class AgentPlan:
    """What one agent will take.

    Attributes:
        agent: Its name.
        teacher: The identity of its teacher.
        priced: Whether it is known what its tokens cost; a program's cost nothing.
        expected: What it comes to, about.
        most: What it cannot exceed, connections that break aside; infinite where replies may be of any length. Where
            it differs from question to question and there are too many to look at, what it would be if all were like
            the longest of those that were.
    """

    agent: str
    teacher: str
    priced: bool
    expected: Amount
    most: Amount


@dataclass(frozen=True, slots=True)
class DiscussionPlan:
    """What a stage will take.

    Attributes:
        questions: Discussions.
        agents: By agent.
        most: What all agents together cannot exceed; less than the sum of theirs where one speaks for another.
    """

    questions: int
    agents: tuple[AgentPlan, ...]
    most: Amount

    @property
    def expected(self) -> Amount:
        """What all agents together come to, about."""
        return Amount.sum(agent.expected for agent in self.agents)

    @property
    def unpriced(self) -> list[str]:
        """The teachers of which it is not known what they cost."""
        return list(dict.fromkeys(agent.teacher for agent in self.agents if not agent.priced))


@dataclass(frozen=True, slots=True)
class DiscussionPlanner:
    """Plans the discussions of a stage.

    Attributes:
        talk: Who discusses, and by which rules.
        settings: How the discussions are held.
        characters: Of a reply, by teacher, where earlier runs tell.
        like: What a discussion took in earlier runs like this one: the mean of ``calls``, ``prompt_tokens`` and
            ``completion_tokens``; None where there were none.
    """

    talk: DrivenTalk
    settings: Discussion = field(default_factory=Discussion)
    characters: Mapping[str, float] = field(default_factory=dict)
    like: Mapping[str, float] | None = None

    def plan(self, questions: Sequence[Question]) -> DiscussionPlan:
        """Returns what the discussions of these questions will take.

        Of a spread of `SAMPLED` questions the longest discussions are looked at; where they do not all come to the same
        calls, of all questions.

        Raises:
            ProtocolError: The protocol broke its contract.
        """
        most, together = self._most(questions)
        usual = self._usual(questions)
        seats = self.talk.seats
        agents = (
            AgentPlan(seat.agent.name, seat.teacher.identity, _price(seat) is not None, expected, at_most)
            for seat, expected, at_most in zip(seats, usual, most, strict=True)
        )
        return DiscussionPlan(len(questions), tuple(agents), together)

    def _usual(self, questions: Sequence[Question]) -> list[Amount]:
        sampled = _spread(questions)
        draws = range(-(-SAMPLED // max(1, len(sampled))))
        drives: list[Drive] = []
        for question, draw in product(sampled, draws):
            if sum(map(_work, drives)) > DRIVEN:
                break
            drives.append(self.talk.usual(question, dict(self.characters), draw))
        scale = len(questions) / max(1, len(drives))
        found = [Amount.sum(self._amount(seat, drive) for drive in drives).times(scale) for seat in self.talk.seats]
        return [
            self._priced(seat, amount)
            for seat, amount in zip(self.talk.seats, self._as_before(found, len(questions)), strict=True)
        ]

    def _amount(self, seat: Seat, drive: Drive) -> Amount:
        asked = drive.get(seat.agent.name, Asked())
        disk = self._disk(asked.calls, asked.characters, asked.reply * 4)
        return Amount(asked.calls, asked.prompt, asked.reply, 0.0, disk)

    def _as_before(self, found: Sequence[Amount], questions: int) -> Sequence[Amount]:
        """Returns amounts that come to what discussions took before, where that is known."""
        if self.like is None:
            return found
        together = Amount.sum(found)._asdict()
        ratios = {name: questions * mean / (together[name] or 1.0) for name, mean in self.like.items()}
        ratios["bytes"] = ratios["calls"]
        return [Amount(*(ratios.get(name, 1.0) * each for name, each in one._asdict().items())) for one in found]

    def _priced(self, seat: Seat, amount: Amount) -> Amount:
        price = _price(seat)
        return amount._replace(cost=price.of(amount.prompt_tokens, amount.completion_tokens)) if price else amount

    def _disk(self, calls: float, asked: float, said: float) -> float:
        """Returns bytes: prompt and reply in the journal, the reply twice in the MAG, the prompt where that is kept."""
        return OF_A_TURN * calls + asked * (1 + self.settings.keep_prompts) + 2 * said

    def _most(self, questions: Sequence[Question]) -> tuple[list[Amount], Amount]:
        """Returns what each agent cannot exceed, and all together."""
        sampled = _spread(questions)
        longest = self._longest(sampled)
        if len(sampled) < len(questions) and len({_calls(drives) for drives in longest}) > 1:
            sampled, longest = questions, self._longest(questions)
        scale, longer = len(questions) / max(1, len(longest)), _length(questions) / _length(sampled)
        seats = self.talk.seats
        bounds = [[[self._bound(seat, drive, longer) for seat in seats] for drive in drives] for drives in longest]
        agents = [
            Amount.sum(Amount.greatest(by_seat[place] for by_seat in drives) for drives in bounds).times(scale)
            for place in range(len(seats))
        ]
        return agents, Amount.sum(Amount.greatest(map(Amount.sum, drives)) for drives in bounds).times(scale)

    def _longest(self, questions: Sequence[Question]) -> list[list[Drive]]:
        """Returns the longest drives by question; all that were looked at, as of one, where that are not all."""
        longest: list[list[Drive]] = []
        work = 0
        for question in questions:
            if work > DRIVEN_LONGEST:
                return [[drive for drives in longest for drive in drives]]
            longest.append(self.talk.longest(question))
            work += sum(map(_work, longest[-1]))
        return longest

    def _bound(self, seat: Seat, drive: Drive, longer: float) -> Amount:
        """Returns what a seat takes in a drive where every reply is as long as it may be, and read at the last try.

        Args:
            seat: Who is asked.
            drive: What it is asked.
            longer: How much longer all questions are than those that are driven.
        """
        asked, price, tries = drive.get(seat.agent.name, Asked()), _price(seat), self.settings.reasks + 1
        if not asked.calls:
            return Amount()
        own, by_name = longest_reply(seat), {each.agent.name: each for each in self.talk.seats}
        quoted = sum(count * longest_reply(by_name[name]) for name, count in asked.quoted.items() if count)
        again = min(own, ASK_AGAIN_CHARACTERS) + COMPLAINT + 2 * PER_MESSAGE
        prompts = tries * (longer * asked.prompt + quoted) + tries * (tries - 1) / 2 * again * asked.calls
        calls, replies = tries * asked.calls, tries * asked.calls * own
        cost = price.most(prompts, replies) if price else 0.0
        return Amount(calls, prompts, replies, cost, self._disk(calls, prompts, replies * BYTES_PER_TOKEN))


def _spread(questions: Sequence[Question]) -> Sequence[Question]:
    return questions[:: -(-len(questions) // SAMPLED) or 1]


def _calls(drives: Sequence[Drive]) -> tuple[tuple[tuple[str, int], ...], ...]:
    return tuple(tuple((name, asked.calls) for name, asked in drive.items()) for drive in drives)


def _work(drive: Drive) -> int:
    """Returns the calls of a drive, and the replies that stand in their prompts, by their number or length."""
    return sum(a.calls + sum(a.quoted.values()) + a.characters // CHARACTERS for a in drive.values())


def _length(questions: Sequence[Question]) -> float:
    """Returns the bytes of a question, on average."""
    return sum(len(question.prompt.encode()) for question in questions) / max(1, len(questions)) or 1.0


def _price(seat: Seat) -> Price | None:
    """Returns what a seat's tokens cost; nothing for what runs in this process."""
    return seat.teacher.price if seat.teacher.served else Price()


def longest_reply(seat: Seat) -> float:
    """Returns the tokens of a seat's reply at most."""
    limit = math.inf if seat.sampling.max_tokens is None else float(seat.sampling.max_tokens)
    return min(limit, SIMULATED_REPLY) if seat.teacher.simulated else limit


def max_calls(protocol: Protocol, question: Question, agents: Sequence[Agent]) -> int:
    """Returns the most turns that a discussion of a question can have: as many calls, if all replies can be read.

    Raises:
        ProtocolError: The protocol broke its contract.
    """
    return max(sum(asked.calls for asked in drive.values()) for drive in longest_drives(protocol, question, agents))
