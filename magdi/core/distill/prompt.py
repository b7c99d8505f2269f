"""What the student reads and writes: one form for training, evaluation and the exported model."""

from __future__ import annotations

import re
from typing import Any, Literal

from magdi.core.mag import Question, Turn

PromptStyle = Literal["auto", "chat", "paper"]

AGREEMENT = re.compile(r"(?:^|(?<=[.!?]\s))\s*I (?:dis)?agree\b.*?(?:[.!?]\s+|\Z)", re.IGNORECASE | re.DOTALL)
"""A sentence ends where a space follows its full stop: that of 3.5 is none."""


def student_prompt(tokenizer: Any, question: Question, style: PromptStyle = "auto") -> str:
    """Returns the student's prompt, up to where its answer begins.

    ``chat`` is the tokenizer's chat template with the question as the user's message; ``paper`` the form of the
    authors' code; ``auto`` is chat where the tokenizer has a template.
    """
    if style == "chat" or (style == "auto" and tokenizer.chat_template):
        message = [{"role": "user", "content": question.prompt}]
        return str(tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True))
    return f"[INST] ### Question: {question.prompt}[/INST] ### Answer:"


def student_target(turn: Turn, *, drop_agreement: bool = True) -> str:
    """Returns what the student is to write for a turn: its reasoning, then the answer in one sentence.

    Args:
        turn: A turn with an answer.
        drop_agreement: Cut sentences that begin with "I agree" or "I disagree" (as the authors' code does): the
            student answers alone, and has nobody to agree with.
    """
    reasoning = AGREEMENT.sub("", turn.reasoning) if drop_agreement else turn.reasoning
    return f"{reasoning.strip()} So the answer is {turn.answer}.".strip()
