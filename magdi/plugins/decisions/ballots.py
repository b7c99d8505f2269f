"""Ballots: the agents are shown everybody's last answer and vote on them (MALLM's voting protocols).

A ballot is a turn of role ``voter`` without an answer: in the graph, out of votes and losses. Ties are voted on again;
in the end they go to who proposed first.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.decision import DecisionRule, last_words, tally, vote
from magdi.core.mag import Decision, EdgeKind, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Wave, chat, quote
from magdi.core.quotation import one_line
from magdi.core.reply import Extract, Parsed, ReplyFormat, UnreadableReply, read_json_object
from magdi.protocols.templates import Templates, fill

VOTER = "voter"


class Prompts(Templates):
    """What voters are asked."""

    vote: str = Field(
        "{question}\n\nThe discussion of this question has ended with these solutions:\n\n{solutions}\n\n"
        "These are the answers to vote on:\n{proposals}\n\n{form}",
        description="The only prompt: {question}, {solutions}, {proposals} (the answers), {form} of the ballot.",
    )


@dataclass(frozen=True, slots=True)
class BallotForm(ReplyFormat):
    """A JSON ballot.

    Attributes:
        key: The key that holds the vote.
        task: What the key is to hold, in words.
        answers: The answers that are voted on; a ballot names them as they are.
    """

    key: str
    task: str
    answers: tuple[str, ...]

    def instructions(self, question: Question) -> str:
        """Names the two keys."""
        return (
            'Reply with one JSON object and nothing else. Its keys: "reasoning" (what speaks for your vote), '
            f'"{self.key}" ({self.task}).'
        )

    def schema(self, question: Question) -> dict[str, object]:
        """Both keys; the vote as one answer, a list of them, or points for each."""
        names = list(self.answers)
        one = {"type": "string", "enum": names}
        points = {"type": "object", "properties": {name: {"type": "number"} for name in names}, "required": names}
        kinds = {"vote": one, "points": points | {"additionalProperties": False}}
        return {
            "type": "object",
            "properties": {
                "reasoning": {"type": "string"},
                self.key: kinds.get(self.key, {"type": "array", "items": one}),
            },
            "required": ["reasoning", self.key],
            "additionalProperties": False,
        }

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Takes a ballot that votes for at least one of the answers."""
        fields, repaired = read_json_object(text)
        if not self.marks(text):
            raise UnreadableReply(f'"{self.key}" names none of the answers that are voted on')
        return Parsed(reasoning=str(fields.get("reasoning") or "").strip(), repaired=repaired)

    def marks(self, text: str) -> list[tuple[str, float]]:
        """Returns the answers that a ballot names, in its order, with the points beside them (1 where there are none).

        A text that is no ballot names none.
        An "answer" that equals one of the answers counts as a vote for it, whatever the key should have been.
        """
        try:
            fields, _ = read_json_object(text)
        except UnreadableReply:
            return []
        if self.key not in fields and str(fields.get("answer")) in self.answers:
            return [(str(fields["answer"]), 1.0)]
        found: dict[str, float] = {}
        for name, points in _items(fields.get(self.key)):
            answer = self._answer(name)
            if answer is not None:
                found.setdefault(answer, _points(points))
        return list(found.items())

    def _answer(self, name: object) -> str | None:
        said = str(name).strip().casefold()
        return next((answer for answer in self.answers if answer.casefold() == said), None)


def _items(raw: object) -> list[tuple[object, object]]:
    if isinstance(raw, dict):
        return list(raw.items())
    return [(name, 1) for name in (raw if isinstance(raw, list) else [raw])]


def _points(value: object) -> float:
    try:
        points = float(str(value))
    except ValueError:
        return 0.0
    return points if 0 <= points < float("inf") else 0.0


class Ballot(DecisionRule):
    """Base of rules by ballot."""

    key: ClassVar[str]
    task: ClassVar[str]
    name: ClassVar[str]

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of rules by ballot."""

        attempts: Repeats = Field(2, ge=1, description="Votes that are held at most; a tie is voted on again.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Any

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        """Holds the vote, unless there is only one answer to vote on."""
        words = sorted(last_words(turns), key=lambda turn: turn.step)
        if len(tally(words)) < 2:
            return vote(words, rule=self.name)
        return self._hold(words, 1 + max(turn.round for turn in turns))

    def _hold(self, words: Sequence[Turn], round: int) -> Generator[Wave, list[Turn], Decision]:
        form = BallotForm(self.key, self.task, tuple(tally(words)))
        votes: dict[str, float] = {}
        for attempt in range(self.config.attempts):
            cast = yield [_ask(turn.agent, words, form, round + attempt) for turn in words]
            votes = dict.fromkeys(form.answers, 0.0)
            for ballot in cast:
                for answer, weight in self.weigh(_marks(form, ballot), len(form.answers)):
                    votes[answer] += weight
            if list(votes.values()).count(max(votes.values())) == 1:
                break
        return Decision(answer=max(votes, key=lambda answer: votes[answer]), rule=self.name, votes=votes)

    @abstractmethod
    def weigh(self, marks: Sequence[tuple[str, float]], count: int) -> Sequence[tuple[str, float]]:
        """Returns how much each of the answers that a ballot names gets from it; ``count`` are voted on."""

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The question, everybody's last words, the answers to vote on."""
        assert isinstance(ask.reply, BallotForm)
        values = {
            "question": question.prompt,
            "solutions": "\n\n".join(quote(turn, own=ask.agent.name, named=False) for turn in ask.shown),
            "proposals": "\n".join(f"- {one_line(answer)}" for answer in ask.reply.answers),
            "form": ask.reply.instructions(question),
        }
        return chat(ask.agent.persona, fill(self.config.prompts.vote, **values))


def _marks(form: BallotForm, ballot: Turn) -> list[tuple[str, float]]:
    return [] if ballot.status == "invalid" else form.marks(ballot.text)


def _ask(agent: str, words: Sequence[Turn], form: ReplyFormat, round: int) -> Ask:
    kinds: tuple[EdgeKind, ...] = tuple("self" if turn.agent == agent else "content" for turn in words)
    return Ask(agent=Agent(agent), round=round, shown=tuple(words), kinds=kinds, role=VOTER, reply=form)


class SimpleVoting(Ballot):
    """Every agent votes for one answer."""

    name, key, task = "simple-voting", "vote", "the one you hold to be right, as it stands above"

    def weigh(self, marks: Sequence[tuple[str, float]], count: int) -> Sequence[tuple[str, float]]:
        """One vote, for the first that is named."""
        return [(answer, 1.0) for answer, _ in marks[:1]]


class ApprovalVoting(Ballot):
    """Every agent votes for as many answers as it finds acceptable."""

    name, key, task = "approval", "approve", "a list of all that may be right, as they stand above"

    def weigh(self, marks: Sequence[tuple[str, float]], count: int) -> Sequence[tuple[str, float]]:
        """One vote for each."""
        return [(answer, 1.0) for answer, _ in marks]


class RankedVoting(Ballot):
    """Every agent ranks the answers; Borda count."""

    name, key, task = "ranked", "ranking", "a list of all of them, best first, as they stand above"

    def weigh(self, marks: Sequence[tuple[str, float]], count: int) -> Sequence[tuple[str, float]]:
        """``count`` points for the first, one less for the second, and so on; none for those left out."""
        return [(answer, float(count - place)) for place, (answer, _) in enumerate(marks)]


class CumulativeVoting(Ballot):
    """Every agent shares ten points out among the answers."""

    name, key, task = (
        "cumulative",
        "points",
        "an object that shares out ten points, keys as they stand above",
    )

    def weigh(self, marks: Sequence[tuple[str, float]], count: int) -> Sequence[tuple[str, float]]:
        """The points, scaled to ten for those who cannot count."""
        total = sum(points for _, points in marks)
        return [(answer, 10 * points / total) for answer, points in marks] if total else []
