"""What a number is in its sentence: a result, or a circumstance of it ("in 3 hours", "because 4 * 8 = 32")."""

from __future__ import annotations

import re

from magdi.plugins.answers.numerals import Numeral
from magdi.plugins.answers.phrase import phrase

_ASIDE = phrase(
    r"\b(?:(?P<soft>in|on|for|over|by|of (?:the|her|his|their))|at(?! least| most)|or|from"
    r"|without|instead of|until|within|between|during|(?<!no less )(?<!no more )(?<!no fewer )than|every|per|out of"
    r"|with (?:the|her|his|their)"
    r"|(?<!need )(?<!needs )(?<!ha[sd] )(?<!have )(?<!able )(?<!afford )to [a-z]+)\b"
    r"(?:(?!\b(?:and|so|then|which|that|means|are|is|be|left|total|will|can|has|have|had|he|she|it|they|we|you|i|there|costs?|needs?|takes?|makes?|made"
    r"|spends?|spent|earns?|earned|would|could|must|should)\b)[^,;]){0,40}$"
    r"|\b(?:so that|to ensure|to make sure|if|when|after|before|unless|while)\b[^,;]{0,60}$"
    r"|\bnot\s\$?$|\bwho(?:se)?\s(?:\w+\s){1,2}\$?$|(?<=\d)\s\w+\sof\s\$?$"
)
"""What makes a number that stands behind it a circumstance: "3 bookcases to hold her 110 books", "in 3 hours".

What is soft may be the answer where it was calculated: "20 kg" in "They exceed the 8 persons' load by 20 kg".
"""
_DATE = phrase(r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\s$")
_REASON = phrase(
    r"(?<=[\w)%])(?:,\sas|,?\s(?:because|since|although|though|whereas|calculated\s(?:as|by)))\b(?:(?!\sso\s)[^,;.\n]|\.(?=\d)){0,80}$"
)
"""What makes all numbers behind it circumstances: "3 days, because 4 * 8 = 32"."""
GIVEN_VALUE = phrase(
    r"(?:\d[\s$)}%\\]{0,4}(?:when|if|for|at|since|as|because)|(?:^|[.!\n]\s*)(?:if|let|when|for|since|as|because))"
    r"\s[$(\\]{0,3}[a-zA-Z](?:_\w)?\s?=[\s$]*$"
)
"""What makes a value that stands behind it a circumstance: "the least value is 8 when x = 5"."""
_CHANGE = phrase(
    r"\b(?:rose|risen|ris(?:es|ing)|increas\w+|decreas\w+|fell|fallen|fall\w*|drop\w*|grew|grown|grows?|chang\w+|differs?|exceeds?"
    r"|went\s(?:up|down)|reduc\w+|shorter|longer|older|younger|taller|faster|slower|cheaper)\sby\s[$€£]?$"
)
NO_MORE_NUMBERS = re.compile(r"[^\d\n]*?(?:[.!?](?=\s|$)|\n|$)")
_PLACE = re.compile(r"(?:st|nd|rd|th) place\b")
_ATTRIBUTE = re.compile(r"-[a-zA-Z]|\sof (?:which|whom)\b")
_LEFT_WITH = phrase(
    r"(?:,?\swith|\sand\s(?:(?:he|she|they|it|will|would|still|then)\s){0,3}(?:ha(?:s|ve|d)|keeps?))\s(?:only\s|just\s)?[$€£]?$"
)
_LEFT_OVER = phrase(r"\s?(?:\w+\s){0,2}(?:left(?:[ -]?over)?|remaining|to spare|extra|unused)\b")
_ASKS_OF_REST = phrase(
    r"\b(?:left|leftovers?|remain\w*|rest|over|spare|ha(?:s|ve|d)|still|unused|extra|keeps?|now|change)\b"
)
_EQUALS = re.compile(r"(?:=|\bequals)\s*[\\$€£({\[]{0,4}\s*$")
_SOLVED = re.compile(r"\s?=\s?[a-zA-Z]\w{0,12}[\s.]*(?:\n|$|\.\s)")
"""What stands behind a result to the left: "20 = C"."""
THAN = re.compile(
    r"\s?[$€£]?[\d.,]+%?\s(?:\w+\s){0,2}(?:more|less|fewer|times|higher|lower|greater|better|older|longer)\b"
    r"|\s?[$€£]?[\d./]+%?\s(?:off|of)\b"
)


class Circumstances:
    """Tells the circumstances of one text (from `magdi.plugins.answers.numerals.plain`) from what it comes to.

    Args:
        text: The text.
        question: What was asked; empty where it is not known.
    """

    def __init__(self, text: str, question: str = "") -> None:
        self.text = text
        self.question = question

    def _is_aside(self, numeral: Numeral, start: int, end: int) -> bool:
        if _REASON.search(self.text, max(start, numeral.start - 100), numeral.start):
            return True
        if self._is_rest(numeral) or self._is_date(numeral, start):
            return True
        if self._is_result(numeral) or _PLACE.match(self.text, numeral.end) or self._is_change(numeral):
            return False
        aside = _ASIDE.search(self.text, max(end, numeral.start - 80), numeral.start)
        return aside is not None or _ATTRIBUTE.match(self.text, numeral.end) is not None

    def _is_date(self, numeral: Numeral, start: int) -> bool:
        return _DATE.search(self.text, max(start, numeral.start - 12), numeral.start) is not None

    def _reasoned(self, found: list[Numeral]) -> list[Numeral]:
        """Returns what a sentence says before the reason that it gives, where that only says it again."""
        why = [each for each in found if _REASON.search(self.text, max(found[0].start, each.start - 100), each.start)]
        said = [each for each in found if each not in why]
        return said if said and said[-1].value in {each.value for each in why} else found

    def _is_compared(self, numeral: Numeral, start: int) -> bool:
        """Returns whether a number only compares the one before it with another: "14 points, 3 more than Lee"."""
        return self.text[start : numeral.start].endswith(", ") and THAN.match(self.text, numeral.start) is not None

    def _is_change(self, numeral: Numeral) -> bool:
        """Returns whether a number is by how much something changes, and the last one of its sentence."""
        by = _CHANGE.search(self.text, max(0, numeral.start - 24), numeral.start)
        return by is not None and NO_MORE_NUMBERS.match(self.text, numeral.end) is not None

    def _is_rest(self, numeral: Numeral) -> bool:
        """Returns whether a number is what is left over and not asked for: "10 boxes, with 2 cookies left over"."""
        if not self.question or _ASKS_OF_REST.search(self.question[-200:]):
            return False
        before = _LEFT_WITH.search(self.text, max(0, numeral.start - 40), numeral.start)
        return before is not None and _LEFT_OVER.match(self.text, numeral.end) is not None

    def _is_soft(self, numeral: Numeral, start: int) -> bool:
        if self._is_date(numeral, start):
            return False
        aside = _ASIDE.search(self.text, max(start, numeral.start - 40), numeral.start)
        return bool((aside and aside["soft"]) or _ATTRIBUTE.match(self.text, numeral.end))

    def _is_result(self, numeral: Numeral) -> bool:
        if _SOLVED.match(self.text, numeral.end):
            return True
        equals = _EQUALS.search(self.text, max(0, numeral.start - 14), numeral.start)
        return equals is not None and not GIVEN_VALUE.search(self.text, max(0, numeral.start - 24), numeral.start)
