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
_SUBJECT = phrase(r"\W*(?:(?:so|thus|therefore|hence|finally|then)\W+)?([A-Z]\w+)\s")


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
