"""Who speaks for a teacher in a plan: nobody is asked, and yet a discussion goes about as it would.

A simulated teacher speaks for itself, for it costs nothing. A model's stand-in knows the answer about as often as
models do, comes round to what most say about as often as they do, and writes as much, in the forms that simulated
teachers know.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from magdi.core.discussion.gate import CHARACTERS_PER_TOKEN
from magdi.core.discussion.seat import Seat
from magdi.core.discussion.stepper import Pending
from magdi.core.mag import Question, Usage
from magdi.core.reply import Parsed, UnreadableReply
from magdi.core.teacher import Reply, Request
from magdi.plugins.teachers.simulated import SimulatedConfig, SimulatedTeacher
from magdi.plugins.teachers.simulated.mind import Opinion, leader
from magdi.plugins.teachers.simulated.replies import APPROVAL, reply_text
from magdi.plugins.teachers.simulated.solver import Solution
from magdi.plugins.teachers.simulated.understanding import Heard, understand

RIGHT = 0.75
"""How often a stand-in knows the answer by itself: about as models of 7B to 70B do on questions of grade school."""

COMES_ROUND = 0.7
"""How often it takes over the leading answer where its own is another."""

CHARACTERS = 700
"""Of a reply: models wrote 390 to 1,230 on GSM8K, MMLU and MATH (means of four debates of Du et al.'s kind, DyLAN)."""

PER_MESSAGE = 5  # tokens that a chat template puts around a message, about
NO_STEPS = "I cannot work this out."
WORDS = "so it is as was said "
PLAIN = SimulatedConfig(remarks=0.0)
_ANSWER = re.compile(r"\banswer is \(?([\w.-]+?)\)?\.?(?=\s|$)", re.I)


class StandIn:
    """Speaks for the seats of a discussion.

    Args:
        question: What is discussed.
        seats: Who takes part.
        characters: Of a model's reply, by the teacher's identity, where more is known than `CHARACTERS`.
        draw: Tells discussions of one question apart.
    """

    def __init__(self, question: Question, seats: Sequence[Seat], characters: dict[str, float], draw: int) -> None:
        self._question = question
        self._seats = {seat.agent.name: seat for seat in seats}
        self._characters = characters
        self._answers = answers(question, len(seats) + 1)
        self._rng = random.Random(f"{question.id} {draw}")

    def reply(self, pending: Pending) -> Reply:
        """Returns what is said in a turn, with the tokens that it takes, about."""
        ask = pending.ask
        seat = self._seats[ask.agent.name]
        request = Request(
            messages=pending.messages,
            sampling=seat.sampling,
            json_schema=ask.reply.schema(self._question),
            sample=pending.sample,
        )
        if isinstance(seat.teacher, SimulatedTeacher):
            return seat.teacher.answer(request)
        text = self._text(understand(request), self._longest(seat))
        prompt = sum(tokens(message.content) + PER_MESSAGE for message in request.messages)
        return Reply(text=text, usage=Usage(prompt_tokens=round(prompt), completion_tokens=round(tokens(text))))

    def read(self, pending: Pending, text: str) -> Parsed:
        """Returns what is read in a reply; one in a form that only its protocol knows is taken as an answer."""
        try:
            return pending.ask.reply.parse(text, _answer)
        except UnreadableReply:
            return Parsed(text, self._answers[0], 0.9)

    def _longest(self, seat: Seat) -> int:
        usual = self._characters.get(seat.teacher.identity, CHARACTERS)
        limit = seat.sampling.max_tokens
        return round(usual if limit is None else min(usual, limit * CHARACTERS_PER_TOKEN))

    def _text(self, heard: Heard, characters: int) -> str:
        said = reply_text(heard, self._opinion(heard), PLAIN, self._rng)
        if APPROVAL.fullmatch(said):
            return said
        words = (WORDS * (1 + characters // len(WORDS)))[: max(0, characters - len(said))].strip()
        return said.replace(NO_STEPS, words) if NO_STEPS in said else f"{words}\n{said}"

    def _opinion(self, heard: Heard) -> Opinion:
        own = heard.own.answer if heard.own else None
        given = [turn for turn in heard.others if turn.answer is not None]
        answer = own or (self._answers[0] if self._rng.random() < RIGHT else self._rng.choice(self._answers[1:]))
        if given and self._rng.random() < COMES_ROUND:
            answer = str(leader(given).answer)
        return Opinion(Solution((), answer), 0.9)


def tokens(text: str) -> float:
    """Returns about how many tokens a text has: other scripts than Latin have more of them a character."""
    plain = len(text) if text.isascii() else sum(map(str.isascii, text))
    return plain / CHARACTERS_PER_TOKEN + 0.7 * (len(text) - plain)


def answers(question: Question, count: int) -> list[str]:
    """Returns made-up answers in the form of a question, at least two; so many where any will do."""
    if question.choices:
        return [choice.label for choice in question.choices]
    if question.answer_type == "boolean":
        return ["yes", "no"]
    return [str(number) for number in range(1, max(2, count) + 1)]


def _answer(text: str) -> str | None:
    stated = _ANSWER.findall(text)
    short = text.strip().strip("()")
    return stated[-1] if stated else short if 0 < len(short) < 20 else None
