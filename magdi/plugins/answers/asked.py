"""Which of amounts side by side a question asks for: "there are 12 cats and 6 dogs", "Ann has 4, Bob has 6"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from magdi.plugins.answers.numerals import Numeral
from magdi.plugins.answers.phrase import phrase

_SIDE_BY_SIDE = re.compile(r"[,;]?\s(?:and|but|while|whereas)\s|[,;]\s")
_NO_LIST = phrase(
    r"=|\b(?:total|altogether|together|each|every|per|makes?|making|giv\w+|leav\w+|left|remain\w*|then|after|more|fewer|less"
    r"|times|half|twice|of|for)\b|[a-z],?\sso\b"
)
_THINGS = phrase(r"\bhow many (\w{3,}?)s?\b(?! (?:of|and|or)\b)")
_WHO = re.compile(r"\b(?:did|does|do|will|has|is|can|would) ([A-Z]\w+)\b(?! (?:and|or)\b)")
_IN_ONE = re.compile(r"\bin [A-Z]\w+\?")
_ALL = phrase(r"\b(?:altogether|combined|together|total|all|both|sum)\b")
_SUBJECT = phrase(r"\W*(?:(?:so|thus|therefore|hence|finally|then)\W+)?([A-Z]\w+)\s")


_PERCENT = phrase(r"\s?(?:%|per\s?cent)")
_EACH = phrase(r"\b(?:each|apiece|per)\b")
_OUT_OF = phrase(r"\s(?:\w+\s)?(?:out\sof|in\severy)\s")
_FOR_EACH = phrase(r"(?:\s\w+)?\s(?:each|apiece|per\b|an?\s(?!day|week|month|year|total|discount)\w+)")


def asks_for_one(question: str) -> bool:
    """Returns whether a question asks for an amount of one among several, and not of all together."""
    asked = question.rpartition(". ")[2]
    return (_WHO.search(asked) is not None or _IN_ONE.search(asked) is not None) and not _ALL.search(asked)


def asked_for(text: str, question: str, found: Sequence[Numeral], start: int, end: int) -> Numeral | None:
    """Returns the number of whom or what a question asks for; None where a sentence is no list of several amounts.

    Args:
        text: The text.
        question: What was asked.
        found: The numbers of the sentence.
        start: Where the sentence begins.
        end: Where it ends.
    """
    if len(found) < 2 or not question or _NO_LIST.search(text, start, end):
        return None
    cuts = [cut.span() for cut in _SIDE_BY_SIDE.finditer(text, start, end)]
    places = list(zip([start, *(last for _, last in cuts)], [*(first for first, _ in cuts), end], strict=True))
    held = [[each for each in found if first <= each.start < last] for first, last in places]
    if any(len(numbers) != 1 for numbers in held):
        return None
    parts = [text[slice(*place)] for place in places]
    who, what = _WHO.findall(question), _THINGS.findall(question)
    subjects = [subject[1] for part in parts if (subject := _SUBJECT.match(part)) and subject[1][0].isupper()]
    if who and len(subjects) == len(parts) and subjects.count(who[-1]) == 1:
        return held[subjects.index(who[-1])][0]
    counted = [bool(what) and re.search(rf"\b{re.escape(what[-1])}", part, re.IGNORECASE) is not None for part in parts]
    return held[counted.index(True)][0] if sum(counted) == 1 else None


def wanted(text: str, question: str, found: list[Numeral], given: frozenset[Fraction | None]) -> list[Numeral]:
    """Returns the numbers of a sentence that may be what a question asks for; all where nothing tells them apart.

    Not what the question itself says; percent where it asks for percent, "each" where for each, and of what it counts.

    Args:
        text: The text.
        question: What was asked.
        found: The numbers of the sentence.
        given: The question's own numbers.
    """
    asked = question.rpartition(". ")[2]
    found = [each for each in found if each.value not in given or _OUT_OF.match(text, each.end)] or found
    things = [re.escape(thing) for thing in _THINGS.findall(asked)]
    for asks, said in (
        (_PERCENT.search(asked), _PERCENT),
        (_EACH.search(asked), _FOR_EACH),
        (things, phrase(rf"\s(?:\w+\s){{0,2}}?{things[-1]}") if things else _PERCENT),
    ):
        if asks and (fitting := [each for each in found if said.match(text, each.end)]):
            return fitting
    return found
