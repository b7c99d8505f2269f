"""Discussions with scripted replies, to try protocols on.

Every reply holds words of its own, at its head, in its middle and at its tail, so that a prompt tells whose text stands
in it, and whether it stands there whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from magdi.core.decision import DecisionRule
from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.mag import Choice, Mag, Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.reply import Parsed, UnreadableReply
from magdi.plugins.testing.check_process import CheckFailed

TURN_LIMIT = 2_000
"""Turns after which a protocol is taken not to end."""

PARTS = ("head", "middle", "tail")
WORD = re.compile(rf"zQ(\w+?)n(\d{{4}})({'|'.join(PARTS)})qz")

FILLER = (
    "That is how it has to be, as can be told from what was given, and there is nothing that speaks against it. " * 2
)

ADDITION = Question(id="1", text="How much is three and four?", gold="7", answer_type="number")
CHOICE = Question(
    id="2",
    text="Which of these is a fruit?",
    gold="A",
    answer_type="letter",
    choices=tuple(
        Choice(label=label, text=text)
        for label, text in {"A": "clay", "B": "pear", "C": "iron", "D": "salt", "E": "chalk"}.items()
    ),
)


def word_of(question: Question, step: int, part: str = "head") -> str:
    """Returns the word that a part of a turn's reply holds, and no other does."""
    return f"zQ{question.id}n{step:04d}{part}qz"


def words_in(text: str) -> dict[tuple[str, int], set[str]]:
    """Returns whose words occur in a text, by (question id, step): which parts."""
    found: dict[tuple[str, int], set[str]] = {}
    for question, step, part in WORD.findall(text):
        found.setdefault((question, int(step)), set()).add(part)
    return found


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
UNREADABLE = (EMPTY, GARBAGE, PATCHY)
SCENARIOS = (*READABLE, *UNREADABLE)


@dataclass(frozen=True, slots=True)
class Held:
    """A discussion that was held: its MAG, and every turn as it was asked for, by step."""

    mag: Mag
    asked: tuple[Pending, ...]


def agents_for(count: int) -> list[Agent]:
    """Returns agents with personas of their own, but for the last of several."""
    return [
        Agent(f"agent-{place}", "" if place == count - 1 > 0 else f"You are careful, and a friend of zp{place}pz.")
        for place in range(count)
    ]


def hold(
    protocol: Protocol,
    scenario: Scenario,
    agents: Sequence[Agent],
    question: Question = ADDITION,
    decide: DecisionRule | None = None,
) -> Held:
    """Holds one discussion, decided by a rule or by the protocol itself.

    Raises:
        ProtocolError: The protocol broke its contract.
        CheckFailed: A reply is asked for in a form in which none could be written.
    """
    return hold_at_once(protocol, agents, [(question, scenario)], decide)[0]


def hold_at_once(
    protocol: Protocol,
    agents: Sequence[Agent],
    talks: Sequence[tuple[Question, Scenario]],
    decide: DecisionRule | None = None,
) -> list[Held]:
    """Holds the discussions of several questions, each with replies of its own, one reply of each at a time."""
    steppers = [
        Stepper(question, protocol, agents, grade=_equal, decide=decide, turn_limit=TURN_LIMIT) for question, _ in talks
    ]
    asked: list[list[Pending]] = [[] for _ in talks]
    while not all(stepper.done for stepper in steppers):
        for stepper, log, (_, scenario) in zip(steppers, asked, talks, strict=True):
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
    ask = turn.ask
    head, middle, tail = (word_of(question, turn.step, part) for part in PARTS)
    place = [agent.name for agent in agents].index(ask.agent.name)
    opinion = scenario.opinion(place, ask.round, turn.step)
    if opinion is None:
        text = scenario.unreadable.replace("{word}", head)
        return text, _parse(turn, text, question)
    answer = answer_of(question, opinion)
    because = f"Because {head}. {FILLER}\n\nNext, {middle}. {FILLER}\n\nFinally, {tail}."
    read: tuple[str, Parsed] | None = None
    for text in forms(turn, question, because, answer):
        parsed = _parse(turn, text, question)
        if parsed is not None and head in (parsed.reasoning or text):
            if parsed.answer is not None:
                return text, parsed
            read = read or (text, parsed)
    if read is not None:
        return read
    form = type(ask.reply).__name__
    hint = "give it a schema(), or an example(question, reasoning, answer) that returns a reply"
    raise CheckFailed(f"no scripted reply can be read by {form}; {hint}")


def forms(turn: Pending, question: Question, because: str, answer: str) -> Iterator[str]:
    """Yields a reply in one form after the other, the form that is asked for first."""
    if example := turn.ask.reply.example(question, because, answer):
        yield example
    if schema := turn.ask.reply.schema(question):
        yield json.dumps(_fill(schema, "", because, answer))
    yield f"{because} The answer is {answer}."
    yield json.dumps({"reasoning": because, "answer": answer, "confidence": 0.8})
    yield from (form.format(because, answer) for form in FORMS)


FORMS = (
    "{}\nANSWER: {}", "{}\nAnswer: {}", "{}\nFINAL ANSWER: {}", "{}\nFinal answer: {}", "{}\n#### {}", 
    r"{} \boxed{{{}}}", "{}\n<answer>{}</answer>", "<think>{}</think><answer>{}</answer>", "REASONING: {}\nANSWER: {}",
    "{}\n{}",
    "reasoning: >-\n  {}\nanswer: {}", "{} | {}", "{} [[{}]]", "{} [{}]", "{} => {}", "{}\nanswer={}", "{}; {}",
)  # fmt: skip
"""Forms in which reasoning and answer are given where nothing says how; reply formats of others read one of them."""


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
