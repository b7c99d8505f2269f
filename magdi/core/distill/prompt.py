"""What the student reads and writes: one form for training, evaluation and the exported model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from magdi.core.errors import DataError
from magdi.core.mag import Mag, Message, Question, Turn

PromptStyle = Literal["auto", "chat", "paper"]

AGREEMENT = re.compile(r"(?:^|(?<=[.!?]\s))\s*I (?:dis)?agree\b.*?(?:[.!?]\s+|\Z)", re.IGNORECASE | re.DOTALL)
"""A sentence ends where a space follows its full stop: that of 3.5 is none."""


def student_prompt(tokenizer: Any, question: Question, style: PromptStyle = "auto") -> str:
    """Returns the prompt of a student that answers alone: the question. See `chat_prompt`."""
    return chat_prompt(tokenizer, [Message(role="user", content=question.prompt)], style)


def chat_prompt(tokenizer: Any, messages: Sequence[Message], style: PromptStyle = "auto") -> str:
    """Returns what the student reads of some messages, up to where its reply begins.

    ``chat`` is the tokenizer's chat template; ``paper`` the form of the authors' code, with the messages one after
    another in the place of the question; ``auto`` is chat where the tokenizer has a template. A template that knows no
    system message gets it at the head of the first one that it knows.

    Raises:
        DataError: The template cannot be used.
    """
    if style != "chat" and (style == "paper" or not tokenizer.chat_template):
        asked = "\n\n".join(message.content for message in messages)
        return f"[INST] ### Question: {asked}[/INST] ### Answer:"
    from jinja2 import TemplateError

    plain = [message.model_dump() for message in messages]
    try:
        return _templated(tokenizer, plain)
    except TemplateError:
        system = [each["content"] for each in plain if each["role"] == "system"]
        first, *rest = [each for each in plain if each["role"] != "system"]
        first = {**first, "content": "\n\n".join([*system, first["content"]])}
    try:
        return _templated(tokenizer, [first, *rest])
    except TemplateError as error:
        raise DataError(f"the chat template of {tokenizer.name_or_path} cannot be used: {error}") from error


def _templated(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> str:
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def student_target(turn: Turn, *, drop_agreement: bool = True) -> str:
    """Returns what the student is to write for a turn: its reasoning, then the answer in one sentence.

    Args:
        turn: A turn with an answer.
        drop_agreement: Cut sentences that begin with "I agree" or "I disagree" (as the authors' code does): the
            student answers alone, and has nobody to agree with.
    """
    reasoning = AGREEMENT.sub("", turn.reasoning) if drop_agreement else turn.reasoning
    return f"{reasoning.strip()} So the answer is {turn.answer}.".strip()


def transcript(mag: Mag, turn: Turn) -> str:
    """Returns what led to a turn, one speaker after another, as one text that a student can write by itself.

    Latent Agents (arXiv 2604.24881) trains a model on such transcripts first, and then to keep them to itself.
    """
    said = [mag.turns[edge.step] for edge in turn.seen if edge.kind != "control"]
    return "\n".join(f"{each.role}: {each.text.strip()}" for each in said) + f"\n{turn.role}: " * bool(said)
