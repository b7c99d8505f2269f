"""What a number is by what was said before its sentence: the question's own, a result said again, a new one."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cached_property

from magdi.plugins.answers.apposition import difference
from magdi.plugins.answers.asked import asks_for_one, wanted
from magdi.plugins.answers.circumstances import Circumstances
from magdi.plugins.answers.numerals import Numeral, numerals
from magdi.plugins.answers.overlap import closest
from magdi.plugins.answers.phrase import phrase

TOLD_TO = phrase(
    r"\b(?:(?:add|subtract|deduct|multipl|divid|doubl|tripl|halv|combin|convert|calculat|comput)\w{0,4}"
    r"|(?:sum|tak|squar|cub|round)(?:e|m?ing)?|half|third|quarter|plus|minus|times(?=\s)|product|difference|average|percent)\b|%\sof\b"
)
"""What is told to be calculated, with the result behind a colon: "Add 3 and 4: 7"."""
_OPERATION = re.compile(r"\d[^=\n]{0,40}?(?:[-+*/×÷·^−]|\bx\b)[^=\n]{0,40}=")
_CONCLUDES = phrase(
    r"\b(?:so|therefore|thus|hence|then|finally|in\s(?:total|all|the\send)|altogether|(?:this|that)\smeans|(?:the\s)?(?:final\s)?answer)\b"
)
_TOGETHER = phrase(r"\b(?:altogether|combined|together|they\sboth|(?:both|two|three|four)\sof\sthem)\b")
_MORE_THAN = phrase(
    r"[$€£]?[\d.,]+%?\s(?:\w+\s){0,2}(?:more|less|fewer|longer|shorter|older|younger|higher|lower|faster|slower)\sthan\b"
)
_OUT_OF = phrase(r"\s(?:\w+\s)?(?:out\sof|in\severy)\s")
_ONLY_COMPARES = phrase(r"\W*(?:that|this|it|which)(?:'s|\sis|\swas)\s(?:about\s|only\s|exactly\s)?(?=[$€£]?\d)")
MOST_RESTATED = 3
"""Numbers of a sentence that may say a result again; more are a list."""
COMPUTED = 3
"""Results of calculations, from the last one back, among which a closing sentence's number is looked for."""
COMPUTED_WITHIN = 2000
"""Characters before its end in which they are looked for."""
_COMES_TO = phrase(
    r"\b(?:leav(?:es?|ing)|mak(?:es?|ing)|giv(?:es?|ing)|total(?:s|ing)?|equals?|(?:comes?|adds?\sup)\sto)\s(?:it\s|up\s)?[$€£]?\d"
)
"""What is surer than a guess by the question's words and numbers."""
_SO = phrase(r",\s(?:so|thus|therefore|hence)\s(?:there|that|it|he|she|they|the)\b[^,]*\d")


class Repetition(Circumstances):
    """Tells numbers of one text that were known before from what a sentence of it comes to."""

    @cached_property
    def _given(self) -> frozenset[Fraction | None]:
        return frozenset(each.value for each in numerals(self.question)) if self.question else frozenset()

    def _is_new(self, numeral: Numeral) -> bool:
        """Returns whether a number is none of the question's, or a part of one: "4 out of 10"."""
        return numeral.value not in self._given or _OUT_OF.match(self.text, numeral.end) is not None

    def _asked(self, found: list[Numeral], aside: list[Numeral], start: int, end: int) -> list[Numeral]:
        """Returns a sentence's numbers that the question's words and numbers leave over, where it calculates none."""
        if not self.question or "=" in self.text[start:end] or _COMES_TO.search(self.text, start, end):
            return found
        found = [each for each in (*found, *aside) if self._is_new(each)] or found
        near = found if _SO.search(self.text, start, end) else closest(self.text, self.question, found, start, end)
        return near if near != found else wanted(self.text, self.question, found)

    def _only_repeats(self, found: list[Numeral], start: int, end: int) -> bool:
        """Returns whether a sentence has no number but the question's, and calculated nothing that comes to one.

        Or it is about all together, where one alone was asked for.
        """
        compares = _ONLY_COMPARES.match(self.text, start)
        if compares and self.question and _MORE_THAN.match(self.text, compares.end()):
            return difference(self.text, self.question, found, end) is None
        if "=" not in self.text[start:end] and _TOGETHER.search(self.text, start, end) and asks_for_one(self.question):
            return True
        given = self._given
        if (
            "=" in self.text[start:end]
            or _CONCLUDES.search(self.text, start, end)
            or not given.issuperset(each.value for each in found)
        ):
            return False
        return not {each.value for each in found} & set(self._computed(end)[1])

    def _restated(self, found: list[Numeral], start: int, end: int) -> Numeral | None:
        """Returns the last result before a sentence, where that says it again and has no number that is new."""
        if "=" in self.text[start:end] or TOLD_TO.search(self.text, start, end):
            return None
        results = self._computed(start)[1] if len(found) <= MOST_RESTATED else []
        restated = next((each for each in found if results and each.value == results[0]), None)
        if restated is None:
            return None
        before = {each.value for each in numerals(self.text, max(0, start - COMPUTED_WITHIN), start)} | self._given
        return restated if before.issuperset(each.value for each in found) else None

    def _computed(self, end: int) -> tuple[list[Fraction | None], list[Fraction | None]]:
        """Returns what last stands behind an equals sign before a place, the last one first: calculated, and all."""
        found = [each for each in numerals(self.text, max(0, end - COMPUTED_WITHIN), end) if self._is_result(each)]
        last = found[: -COMPUTED - 1 : -1]
        return [each.value for each in last if self._is_calculated(each)], [each.value for each in last]

    def _is_calculated(self, numeral: Numeral) -> bool:
        line = self.text[max(0, numeral.start - 120) : numeral.start].rpartition("\n")[2]
        return _OPERATION.search(line) is not None
