"""Which of amounts side by side a question asks for: "there are 12 cats and 6 dogs", "Ann has 4, Bob has 6"."""

from __future__ import annotations

import re
from collections.abc import Sequence

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
_MANY = phrase(
    r"\bhow many ((?:(?!(?:are|is|did|do|does|can|will|must|would|were|was|has|have|of|in|more|each)\b)\w+\s?){1,3})"
)
_OF_ALL = r"of\s(?:the|its|her|his|their|these|those|our|my)\s"
_WHOLE = phrase(rf"\s{_OF_ALL}$")
"""What stands before the number that another is a part of: "80 of the 240 pages"."""
_FOR_EACH = phrase(r"(?:\s\w+)?\s(?:each|apiece|per\b|an?\s(?!day|week|month|year|total|discount)\w+)")


def what_is_asked(question: str) -> str:
    """Returns the last sentence of a question: what it asks, without what it tells."""
    return question.rpartition(". ")[2]


def asks_for_one(question: str) -> bool:
    """Returns whether a question asks for an amount of one among several, and not of all together."""
    asked = what_is_asked(question)
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


def wanted(text: str, question: str, found: list[Numeral]) -> list[Numeral]:
    """Returns the numbers of a sentence that may be what a question asks for; all where nothing tells them apart.

    Percent where it asks for percent, "each" where for each, and of what it counts.

    Args:
        text: The text.
        question: What was asked.
        found: The numbers of the sentence.
    """
    asked = what_is_asked(question)
    things = "|".join(re.escape(thing) for many in _MANY.findall(asked) for thing in many.split() if len(thing) > 2)
    counted = phrase(rf"(?:\s{_OF_ALL}[\d.,]+)?\s(?:\w+\s){{0,2}}?(?:{things})") if things else _PERCENT
    for asks, said in ((_PERCENT.search(asked), _PERCENT), (_EACH.search(asked), _FOR_EACH), (things, counted)):
        fitting = [
            each
            for each in found
            if asks and said.match(text, each.end) and not _WHOLE.search(text, max(0, each.start - 12), each.start)
        ]
        if fitting:
            return fitting
    return found
