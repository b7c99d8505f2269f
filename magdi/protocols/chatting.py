"""Words that steer a chat and are no part of what is said in it: who speaks next, and that it is over."""

from __future__ import annotations

import re
from dataclasses import dataclass

from magdi.core.reply import Extract, FreeAnswer, Parsed

HAND_OVER = "NEXT:"
"""Stands before the name of the next speaker."""


def without_signals(text: str, word: str = "") -> str:
    """Returns a message without its hand-overs, each up to its line's end, and without the word that ends the chat."""
    said = re.sub(rf"\s*{re.escape(HAND_OVER)}[^\n]*", "", text)
    return re.sub(rf"\s*(?<!\w){re.escape(word)}(?!\w)[.!]?", "", said) if word else said


@dataclass(frozen=True)
class ChatAnswer(FreeAnswer):
    """Free text that ends with the answer, in a chat: signals are neither reasoning nor answer.

    Attributes:
        word: The word that ends the chat; empty for none.
    """

    word: str = ""

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Reads what is left without signals."""
        return super().parse(without_signals(text, self.word), extract)
