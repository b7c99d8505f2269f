"""Discussions with scripted replies, to try protocols on.

Every reply holds a word of its own, so that a prompt tells whose text stands in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.mag import Choice, Mag, Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.reply import Parsed, UnreadableReply
from magdi.plugins.testing.specimen import CheckFailed

GOLD = "zgold0451z"
"""A gold answer that no reply contains."""

TURN_LIMIT = 2_000
"""Turns after which a protocol is taken not to end."""

WORD = re.compile(r"zq(\w+?)n(\d{4})qz")

ADDITION = Question(id="1", text="How much is three and four?", gold=GOLD, answer_type="number")
CHOICE = Question(
    id="2",
    text="Which of these is a fruit?",
    gold=GOLD,
    answer_type="letter",
    choices=tuple(
        Choice(label=label, text=text)
        for label, text in {"A": "clay", "B": "pear", "C": "iron", "D": "salt", "E": "chalk"}.items()
    ),
)


def word_of(question: Question, step: int) -> str:
    """Returns the word that the reply of a turn holds and no other does."""
    return f"zq{question.id}n{step:04d}qz"


def words_in(text: str) -> set[tuple[str, int]]:
    """Returns whose words occur in a text, as (question id, step)."""
    return {(question, int(step)) for question, step in WORD.findall(text)}


@dataclass(frozen=True, slots=True)
class Scenario:
    """How everybody replies.

    Attributes:
        name: What it is called in messages.
        opinion: From the agent's place, the turn's round and its step to the number of the answer given; 0 is one
            answer, 1 another, and so on. None for a reply that cannot be read.
        unreadable: What such a reply reads like; ``{word}`` is the turn's word.
    """

    name: str
    opinion: Callable[[int, int, int], int | None]
    unreadable: str = ""


AGREEING = Scenario("agreeing", lambda agent, round_, step: 0)
DISAGREEING = Scenario("disagreeing", lambda agent, round_, step: agent)
CONVERGING = Scenario("converging", lambda agent, round_, step: 0 if round_ else agent)
SHIFTING = Scenario("shifting", lambda agent, round_, step: step)
EMPTY = Scenario("empty", lambda agent, round_, step: None)
GARBAGE = Scenario(
    "garbage", lambda agent, round_, step: None, unreadable='\x00}}] {word} "%s" {{0}} <|im_end|> \ud7ff'
)
PATCHY = Scenario(
    "patchy", lambda agent, round_, step: None if step % 3 == 1 else agent, unreadable="Let me see, {word}, hmm"
)

READABLE = (AGREEING, DISAGREEING, CONVERGING, SHIFTING)
SCENARIOS = (*READABLE, EMPTY, GARBAGE, PATCHY)


@dataclass(frozen=True, slots=True)
class Held:
    """A discussion that was held: its MAG, and every turn as it was asked for, by step."""

    mag: Mag
    asked: tuple[Pending, ...]


def agents_for(count: int) -> list[Agent]:
    """Returns agents, the first one with a persona."""
    return [Agent(f"agent-{place}", "You are careful." if place == 0 else "") for place in range(count)]


def hold(protocol: Protocol, scenario: Scenario, agents: Sequence[Agent], question: Question = ADDITION) -> Held:
    """Holds one discussion.

    Raises:
        ProtocolError: The protocol broke its contract.
        CheckFailed: A reply is asked for in a form in which none could be written.
    """
    return hold_at_once(protocol, scenario, agents, [question])[0]


def hold_at_once(
    protocol: Protocol, scenario: Scenario, agents: Sequence[Agent], questions: Sequence[Question]
) -> list[Held]:
    """Holds the discussions of several questions, one reply of each at a time."""
    steppers = [Stepper(question, protocol, agents, grade=_equal, turn_limit=TURN_LIMIT) for question in questions]
    asked: list[list[Pending]] = [[] for _ in questions]
    while not all(stepper.done for stepper in steppers):
        for stepper, log in zip(steppers, asked, strict=True):
            if not stepper.done:
                turn = stepper.pending[0]
                log.append(turn)
                text, parsed = reply(turn, scenario, stepper.question, agents)
                stepper.answer(turn.step, parsed, text)
    return [Held(stepper.result, tuple(log)) for stepper, log in zip(steppers, asked, strict=True)]


def _equal(answer: str | None, gold: str) -> bool:
    return answer == gold


def reply(turn: Pending, scenario: Scenario, question: Question, agents: Sequence[Agent]) -> tuple[str, Parsed | None]:
    """Returns what is replied to a turn in a scenario, and what is read from it (None: nothing).

    A reply is written in the form that is asked for: as its JSON schema says where it has one, otherwise as free text
    or the usual JSON object.

    Raises:
        CheckFailed: A reply was to be readable and none was, in any of these forms.
    """
    word, ask = word_of(question, turn.step), turn.ask
    place = [agent.name for agent in agents].index(ask.agent.name)
    opinion = scenario.opinion(place, ask.round, turn.step)
    if opinion is None:
        text = scenario.unreadable.replace("{word}", word)
        return text, _parse(turn, text, question)
    answer, because = answer_of(question, opinion), f"Because {word}."
    schema = ask.reply.schema(question)
    by_schema = [json.dumps(_fill(schema, "", because, answer))] if schema else []
    usual = json.dumps({"reasoning": because, "answer": answer, "confidence": 0.8})
    for text in [*by_schema, f"{because} The answer is {answer}.", usual]:
        parsed = _parse(turn, text, question)
        if parsed is not None and word in (parsed.reasoning or text):
            return text, parsed
    form = type(ask.reply).__name__
    raise CheckFailed(f"no scripted reply can be read by {form}; give it a schema() that says what a reply has")


def answer_of(question: Question, opinion: int) -> str:
    """Returns an answer in the form that the question asks for, another one for every opinion."""
    if question.choices:
        return question.choices[opinion % len(question.choices)].label
    return str(7 + opinion)


def read_answer(text: str) -> str | None:
    """Returns the answer in a text: what follows "the answer is", or the whole text where it is one word."""
    found = re.search(r"answer is (\w+)", text) or re.fullmatch(r"\s*(\d+|[A-E])\s*", text)
    return found[1] if found else None


def _parse(turn: Pending, text: str, question: Question) -> Parsed | None:
    try:
        return turn.ask.reply.parse(text, read_answer)
    except UnreadableReply:
        return None


def _fill(schema: dict[str, Any], key: str, because: str, answer: str) -> Any:
    """Returns an instance of a JSON schema: answers where a key speaks of one, the reason in every other string."""
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        return {name: _fill(part, name, because, answer) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_fill(schema.get("items", {}), key, because, answer)]
    values = {"number": 0.8, "integer": schema.get("minimum", 1), "boolean": True, "null": None}
    return values.get(kind, answer if "answer" in key else because)
