"""Which part of a closing sentence has most in common with the question: "he paid 250, and 350 remain"."""

from __future__ import annotations

import re

from magdi.plugins.answers.asked import what_is_asked
from magdi.plugins.answers.numerals import Numeral
from magdi.plugins.answers.phrase import phrase

_PARTS = re.compile(r"[,;]\s|\s(?:and|but|so|or|thus|while|whereas|against)\s|\s[—–-]\s")
_WORD = re.compile(r"[^\W\d_]{3,}|n't\b")
_NAME = re.compile(r"\b[A-Z][a-z]{2,}\b")
_ENDING = re.compile(r"(?:ing|ed|es|s|e)$")
_PASSED_OVER = frozenset(
    re.findall(
        r"\w+",
        "the his her its their they she him how many much what does did has have had was were are will would can and"
        " for with from that this there than then when after all one two you your out who which",
    )
)
_REST = phrase(r"\b(?:left|leftovers?|leaving|leaves|remain\w*|extra|spare|still|unused|over)\b")
_MORE = phrase(r"\b(?:more|less|fewer|difference|older|younger|longer|shorter)\b")


def closest(text: str, question: str, found: list[Numeral], start: int, end: int) -> list[Numeral]:
    """Returns the numbers of the part of a sentence that has most in common with what was asked; all where two have.

    Args:
        text: The text.
        question: What was asked.
        found: The numbers of the sentence.
        start: Where the sentence begins.
        end: Where it ends.
    """
    asked = _words(what_is_asked(question))
    cuts = [start, *(cut.end() for cut in _PARTS.finditer(text, start, end)), end]
    parts = [
        (len(asked & _words(text[first:last])), inside)
        for first, last in zip(cuts, cuts[1:], strict=False)
        if (inside := [each for each in found if first <= each.start < last])
    ]
    best = max((score for score, _ in parts), default=0)
    fitting = [inside for score, inside in parts if score == best]
    return fitting[0] if best > 1 and len(fitting) == 1 else found


def _words(said: str) -> set[str]:
    """Returns a text's words without endings; names, what is left over and a difference weigh more than one."""
    words = {_ENDING.sub("", word) for word in set(_WORD.findall(said.lower())) - _PASSED_OVER}
    words |= {f"{name} again" for name in _NAME.findall(said) if name.lower() not in _PASSED_OVER}
    for number, pattern in enumerate((_REST, _MORE)):
        if pattern.search(said):
            words |= {f"{number} {weight}" for weight in range(3)}
    return words
