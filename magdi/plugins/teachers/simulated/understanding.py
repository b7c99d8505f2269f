"""What a simulated teacher makes of a prompt: the problem, what others said, and what is wanted of it.

It sees chat messages and nothing else, as a language model would.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magdi.core.mag import Message
from magdi.core.teacher import Request
from magdi.plugins.tasks.word_problems import Line, Problem, read_lines, read_problems, read_verdicts

QUOTE = re.compile(r"<<< (?P<who>[^\n]*)\n(?P<said>.*?)\n?>>>", re.S)
ANSWER = re.compile(
    r"(?:\banswer is|\"answer\"\s*:)\s*[\"$]?(?P<answer>-?\d+(?:\.\d+)?|\((?-i:[A-J])\)|(?-i:[A-J])\b|yes\b|no\b)"
    r"[^\n]*?(?:confidence\"?:?\s*(?P<confidence>[01](?:\.\d+)?)|$)",
    re.I | re.M,
)
NAMED_KEYS = re.compile(r'"(\w+)"')
OPTION = re.compile(r"^\(([A-Z])\) ", re.M)


@dataclass(frozen=True, slots=True)
class Shown:
    """A turn that stood in the prompt.

    Attributes:
        who: Its speaker, as far as the prompt says.
        text: What was said.
        lines: The calculations in it.
        answer: Its answer; None for a turn that gave none.
        confidence: As stated; 0.5 where it was not.
        verdicts: By step, whether it holds, where this is a verification.
    """

    who: str
    text: str
    lines: tuple[Line, ...]
    answer: str | None
    confidence: float
    verdicts: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """A prompt as it was understood.

    Attributes:
        problem: The word problem asked about; None where none could be read.
        question: All that was asked, without what is quoted.
        own: What the reader itself said last; None where it has said nothing.
        others: What the others said, in order.
        schema: Keys of the JSON object asked for, with what is known of their values; None for free text.
    """

    problem: Problem | None
    question: str
    own: Shown | None
    others: tuple[Shown, ...]
    schema: Mapping[str, Mapping[str, Any]] | None

    @property
    def verdicts(self) -> tuple[bool, ...]:
        """What the last word says of each step of the solution before it; empty where it is no verification."""
        return self.others[-1].verdicts if self.others else ()

    @property
    def wants_answer(self) -> bool:
        """Whether free text is to end in an answer."""
        return "answer is" in self.question.lower()


def understand(request: Request) -> Heard:
    """Reads a prompt."""
    asked = [message.content for message in request.messages if message.role != "assistant"]
    question = "\n\n".join(QUOTE.sub("", text) for text in asked)
    shown = [_shown(found["who"], found["said"]) for text in asked for found in QUOTE.finditer(text)]
    own = [turn for turn in shown if turn.who.lower().startswith("your")] or _said(request.messages)
    problems = read_problems(question)
    return Heard(
        problem=problems[-1] if problems else None,
        question=question,
        own=own[-1] if own else None,
        others=_latest(turn for turn in shown if not turn.who.lower().startswith("your")) or _loose(question),
        schema=_schema(request, question),
    )


def _said(messages: Sequence[Message]) -> list[Shown]:
    """Returns the reader's own replies in a chat that goes on."""
    return [_shown("you", message.content) for message in messages if message.role == "assistant"]


def _shown(who: str, text: str) -> Shown:
    found = None
    for found in ANSWER.finditer(text):  # noqa: B007 (the last one counts)
        pass
    return Shown(
        who=who.strip(),
        text=text,
        lines=read_lines(text),
        answer=found["answer"].strip("()") if found else None,
        confidence=float(found["confidence"] or 0.5) if found else 0.5,
        verdicts=read_verdicts(text),
    )


def _latest(turns: Any) -> tuple[Shown, ...]:
    """Returns the newest turn of each speaker; turns of nobody in particular all stay."""
    newest: dict[object, Shown] = {}
    for place, turn in enumerate(turns):
        key: object = place if turn.who in ("", "A solution") else turn.who
        newest.pop(key, None)
        newest[key] = turn
    return tuple(newest.values())


def _loose(question: str) -> tuple[Shown, ...]:
    """Returns solutions that stand in a prompt without being marked as quotes."""
    turns, start = [], 0
    for found in ANSWER.finditer(question):
        turns.append(_shown("", question[start : found.end()]))
        start = found.end()
    return tuple(turns)


def _schema(request: Request, question: str) -> Mapping[str, Mapping[str, Any]] | None:
    if request.json_schema is not None:
        properties: Mapping[str, Mapping[str, Any]] = request.json_schema.get("properties", {})
        return properties
    if "JSON" not in question:
        return None
    named = NAMED_KEYS.findall(question[question.rindex("JSON") :])
    return {key: {} for key in named or ("reasoning", "answer", "confidence")}
