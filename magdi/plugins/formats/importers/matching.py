"""Is it the same question? Two spellings of one have the same fingerprint; two questions never do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_TOKEN = re.compile(r"(?<![\w.])\.\d+|\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]|_")
_SENTENCE_MARKS = frozenset(".,;:!?'\"`´‘’“”„«»…·")
_DASHES = re.compile("[‐-―−]")
_TASK = re.compile(r"\W*(?:(?:next|new|another)\s)?(?:question|problem|task|query)\b[^:\n]{0,12}:", re.IGNORECASE)
_REMARK = re.compile(
    r"\b(?:your|previous|above|again|sure|agree|correct|wrong|explain|elaborate|check|verify|reconsider|clarify|why|else"
    r"|continue|others?|agents?|that|this|it|these|those|they|(?:are|do|did|could|can) you (?!tell|say|give|find)"
    r"|the (?:answer|solution|response|result|reasoning))\b",
    re.IGNORECASE,
)
"""What is said of answers, in questions that are none of their own."""


def fingerprint(text: str) -> str:
    """Returns what two spellings of one question have in common: words, numbers and signs, without punctuation.

    Signs that count stay: ``3 - 2`` is not ``3 + 2``, 1.5 is not 15; ``1,000`` is ``1000``.
    """
    plain = _DASHES.sub("-", text if text.isascii() else "".join(map(_compatible, text))).casefold()
    plain = re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])", " ", plain)
    kept = (each for each in _TOKEN.findall(plain) if each not in _SENTENCE_MARKS)
    return " ".join(each.replace(",", "") if each[0].isdigit() else each for each in kept)


def _compatible(character: str) -> str:
    """Returns a character's usual form, but a superscript as it is: x² is not x2."""
    raised = unicodedata.decomposition(character).startswith(("<super>", "<sub>"))
    return character if raised else unicodedata.normalize("NFKC", character)


_HEAD = 5
"""A question of fewer words is found only where a line or a whole text says nothing else."""
_LINE = 200


class Inside:
    """Finds questions in texts that may say more: instructions, examples, what others have said.

    Args:
        texts: The questions.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._whole: dict[str, str] = {}
        self._heads: dict[tuple[str, ...], list[str]] = {}
        for text in texts:
            mark = fingerprint(text)
            if mark and mark not in self._whole:
                self._whole[mark] = text
                words = tuple(mark.split())
                if len(words) >= _HEAD:
                    self._heads.setdefault(words[:_HEAD], []).append(mark)

    def find(self, text: str) -> str | None:
        """Returns the question that stands in a text, the last of several: those before it are examples."""
        if not self._whole:
            return None
        mark = fingerprint(text)
        lines = [mark, *(fingerprint(line) for line in text.splitlines() if len(line) < _LINE)]
        found = [(mark.rfind(line), len(line), line) for line in lines if line in self._whole]
        words, padded, at = mark.split(), f"{mark} ", 0
        for place in range(len(words) - _HEAD + 1):
            heads = self._heads.get(tuple(words[place : place + _HEAD]), ())
            found += [(at, len(head), head) for head in heads if padded.startswith(f"{head} ", at)]
            at += len(words[place]) + 1
        return self._whole[max(found)[2]] if found else None


def asks_anew(text: str, before: Iterable[str]) -> bool:
    """Returns whether what a user says after an answer is a question of its own, and no remark on what was said."""
    asks = "?" in text or _TASK.match(text) is not None
    return asks and len(text.split()) > 2 and not _REMARK.search(text) and all(text != each for each in before)
