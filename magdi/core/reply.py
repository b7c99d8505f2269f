"""Reply formats: what an agent is asked to reply in, and how the reply is read.

A reply that cannot be read raises `UnreadableReply`; the driver asks again with the reason, and in the end keeps the
turn as invalid. Nothing is ever made up in place of an answer.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

from magdi.core.errors import ProtocolError
from magdi.core.mag import AnswerType, Question
from magdi.core.quotation import own_words
from magdi.core.verdict import Reading

Extract = Callable[[str], str | None]
"""Reads an answer out of text, in the task's normal form; None where there is none."""

ANSWER_HINTS: dict[AnswerType, str] = {
    "number": "a single number, without units",
    "letter": "the letter of one option",
    "boolean": "yes or no",
    "expression": "a single mathematical expression",
    "text": "a few words",
}


DEEPEST = 100  # nested brackets in a reply that is taken for JSON
_BRACKET = re.compile(r"[{}\[\]]")


class UnreadableReply(Exception):
    """A reply that is not in the format asked for; the message is shown to the agent when it is asked again."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read from a reply.

    Attributes:
        reasoning: The reasoning, without the wrapping of the final answer.
        answer: The final answer in the task's normal form; None for a reply that gives none.
        confidence: Stated confidence in 0..1; None where none was stated.
        repaired: Whether the reply had to be mended to be read.
        rule: The rule that read the answer, e.g. "boxed"; see `magdi.core.verdict.Rule`. Empty for no answer.
    """

    reasoning: str
    answer: str | None = None
    confidence: float | None = None
    repaired: bool = False
    rule: str = ""


class ReplyFormat(ABC):
    """A form of reply."""

    @abstractmethod
    def instructions(self, question: Question) -> str:
        """Returns what the prompt says about the form of the reply."""

    @abstractmethod
    def parse(self, text: str, extract: Extract) -> Parsed:
        """Reads a reply.

        Raises:
            UnreadableReply: The reply is not in this format.
        """

    def schema(self, question: Question) -> dict[str, object] | None:
        """Returns a JSON schema for servers that can enforce one; None for free text."""
        return None

    def example(self, question: Question, reasoning: str, answer: str) -> str | None:
        """Returns a reply in this format with this reasoning and answer: protocols are drawn and checked with such.

        None where ``schema`` says enough, or the format reads one of the usual forms.
        """
        return None


class FreeText(ReplyFormat):
    """Any text at all; no answer is looked for (critics, moderators, summarisers)."""

    def instructions(self, question: Question) -> str:
        """Says nothing."""
        return ""

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Takes the text as reasoning; an empty reply is unreadable."""
        if not text.strip():
            raise UnreadableReply("the reply is empty")
        return Parsed(reasoning=text.strip())


class FreeAnswer(ReplyFormat):
    """Free text that ends with the answer."""

    def instructions(self, question: Question) -> str:
        """Asks for steps, then for the answer in one closing sentence."""
        hint = ANSWER_HINTS[question.answer_type]
        return f'Think step by step. End with the sentence "The answer is X." where X is {hint}.'

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Takes the whole text as reasoning and the task's extraction of it as answer."""
        answer = extract(own_words(text))
        if answer is None:
            raise UnreadableReply("no answer was found in the reply")
        return Parsed(reasoning=strip_answer_sentence(text), answer=answer)


class JsonAnswer(ReplyFormat):
    """A JSON object with ``reasoning``, ``answer`` and ``confidence`` (ReConcile's form)."""

    def instructions(self, question: Question) -> str:
        """Names the three keys and what goes into each."""
        hint = ANSWER_HINTS[question.answer_type]
        return (
            "Reply with one JSON object and nothing else. Its keys: "
            '"reasoning" (your reasoning, step by step), '
            f'"answer" ({hint}), '
            '"confidence" (a number from 0 to 1: how likely your answer is to be right).'
        )

    def schema(self, question: Question) -> dict[str, object]:
        """The three keys, all required."""
        return {
            "type": "object",
            "properties": {
                "reasoning": {"type": "string"},
                "answer": {"type": "string"},
                "confidence": {"type": "number"},
            },
            "required": ["reasoning", "answer", "confidence"],
            "additionalProperties": False,
        }

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Reads the object, mending broken JSON; 95, "95%" and 0.95 are all the confidence 0.95."""
        fields, repaired = read_json_object(text)
        if "answer" not in fields:
            raise UnreadableReply('the JSON object has no key "answer"')
        raw = fields["answer"]
        answer = None if raw is None or isinstance(raw, dict | list) else extract(json_scalar(raw))
        if answer is None:
            raise UnreadableReply(f'"answer" is not in the form asked for: {str(raw)[:80]!r}')
        reasoning = fields.get("reasoning") or ""
        return Parsed(
            reasoning=reasoning.strip() if isinstance(reasoning, str) else json.dumps(reasoning),
            answer=answer,
            confidence=read_confidence(fields.get("confidence", fields.get("confidence_level"))),
            repaired=repaired,
        )


def read_reply(text: str, reply_format: ReplyFormat, read: Callable[[str], Reading]) -> Parsed:
    """Reads a reply in a format, and notes by which rule its answer was read.

    Args:
        text: The reply.
        reply_format: Its format.
        read: Reads an answer and says by which rule: a task's `read` with the question filled in.

    Raises:
        UnreadableReply: The reply is not in this format.
        ProtocolError: The format gives something else than a `Parsed`.
    """
    rules: dict[str | None, str] = {}

    def extract(part: str) -> str | None:
        reading = read(part)
        rules[reading.answer] = reading.rule
        return reading.answer

    parsed = reply_format.parse(text, extract)
    if not isinstance(parsed, Parsed):
        raise ProtocolError(f"{type(reply_format).__name__}.parse() gives {type(parsed).__name__}, and no Parsed")
    return replace(parsed, rule=rules.get(parsed.answer, "") if parsed.answer is not None else "")


def read_json_object(text: str) -> tuple[dict[str, object], bool]:
    """Returns the JSON object in a reply, and whether it had to be mended.

    Prose around it, code fences, single quotes, trailing commas and a cut-off end are mended with json-repair.

    Raises:
        UnreadableReply: There is no JSON object in it.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict):
        return whole, False
    import json_repair

    start = text.find("{")
    if start < 0:
        raise UnreadableReply("there is no JSON object in the reply")
    if _depth(text[start:]) > DEEPEST:  # json-repair takes seconds over thousands of open brackets
        raise UnreadableReply("the JSON in the reply is nested too deeply")
    try:
        mended = json_repair.loads(text[start:])
    except (ValueError, RecursionError) as error:
        raise UnreadableReply(f"the JSON object cannot be read: {error}") from None
    if isinstance(mended, list):
        mended = next((item for item in mended if isinstance(item, dict)), None)
    if not isinstance(mended, dict) or not mended:
        raise UnreadableReply("there is no JSON object in the reply")
    return mended, True


def _depth(text: str) -> int:
    """Returns how deeply brackets are nested in a text, those in strings counted as well."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in "{[" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def json_scalar(value: object) -> str:
    """Returns a JSON scalar as an answer's text: True is ``yes``, 300.0 is ``300.0``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def read_confidence(value: object) -> float | None:
    """Returns a stated confidence in 0..1, or None where it says nothing: 0.9, 90, "90%" and "0.9" are all 0.9."""
    if value is None or isinstance(value, bool):
        return None
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d+)?|\.\d+)\s*(%?)\s*", str(value)[:32])
    if match is None:
        return None
    number = float(match[1])
    if match[2] or number > 1:
        number /= 100
    return number if 0 <= number <= 1 else None


ANSWER_SENTENCE = re.compile(
    r"(?:^|(?<=[.\n!?]))\s*(?:so|therefore|thus|hence)?,?\s*the (?:final )?answer is[^\n]*$", re.I
)


def strip_answer_sentence(text: str) -> str:
    """Returns free text without a closing "(So) the answer is ..." sentence."""
    return ANSWER_SENTENCE.sub("", text.strip()).strip()
