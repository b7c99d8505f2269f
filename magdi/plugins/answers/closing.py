"""The number that a closing sentence comes to, in prose that does not mark its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.apposition import added, difference
from magdi.plugins.answers.asked import asked_for
from magdi.plugins.answers.circumstances import GIVEN_VALUE, NO_MORE_NUMBERS, THAN
from magdi.plugins.answers.numerals import Numeral, numerals, written
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.repetition import TOLD_TO, Repetition
from magdi.plugins.answers.spans import SENTENCE_END
from magdi.plugins.answers.units import ratio, unit_asked, unit_behind

_OPERATOR = phrase(
    r"\s?:\s?\d|\s*(?:(?:[+×·÷]|\^(?!\s?\{?\s?\\circ)|/(?=\s*[\d($\\])|\*(?!\*)|-(?=\s+(?:[\d($\\]|[a-zA-Z]\b))|x(?=\s*\d))\s*[\w($\\]"
    r"|times (?:the|as|that)\b|!\s?[-+*/×(]|choose\s\d|[a-z]{1,8}\s[x×]\s\d"
    r"|(?:plus|minus|times|(?:divided|multiplied)\sby)\s[$€£]?\d)"
)
_UNFINISHED = re.compile(
    r"\bchoose\s$|\d\s(?:\w+\s)?(?:plus|minus|times|(?:divided|multiplied)\sby)\s[$€£]?$"
    r"|[\w)}\]!]\s?(?:\*{1,2}|[+×·^/÷]|-(?!\d)|-\s|\bx\s)\s?[($]{0,2}$|\d-$"
)
_CONVERTED = phrase(
    r"(?:\s(?P<unit>[a-z]+(?:\s[a-z]+){0,2}?))?"
    r"(?:(?P<chance>\s(?:in|out\sof)\s(?:every\s)?)|(?P<open>\s\()|,?\s(?:or|i\.e\.|which (?:is|equals))\s|\s=\s)"
    r"(?:(?:about|approximately|roughly|exactly|equal to)\s)?"
)
_ASKS_FOR_DOLLARS = phrase(r"\b(?:dollars|euros)\b(?!.*\bcents\b)", re.DOTALL)
_ASKS_FOR_CHANCE = phrase(r"\b(?:probability|chances?|likelihood|odds|fraction|proportion|how\slikely)\b")
_PART_ENDS = re.compile(rf"{SENTENCE_END.pattern}|;\s")
_FACTORS = {3, 7, 12, 16, 24, 30, 36, 52, 60, 100, 365, 1000, 3600, 5280}
"""How many of one unit usually make another."""
_PARENTHESES = re.compile(r"(?<!\\)\([^()\n]{0,200}\)")  # and no LaTeX's \( \)
_TURN = phrase(
    r"=|\b(?:equals?|is|are|was|were|be|gives?|giving|gets?|getting|yields?|yielding|(?<!to )makes?|making|results? in"
    r"|resulting in|leaves?|leaving|obtain(?:s|ing)?|arriv(?:es?|ing) at"
    r"|totals|total(?:l?ing)|(?:comes|sums|adds|brings) (?:out |up |us )?to|amounts? to"
    r"|(?:rounds|converts|simplifies) (?:up |down )?to|means|meaning"
    r"|ends? up with|saving|for a (?:grand )?total (?:\w+ ){0,3}?of|i\.e\.,?(?= ))(?:\b|(?<=[.,]))"
    r"|(?P<result>:|,\s(?:or|i\.e\.,?))(?=\s[$€£(]{0,2}(?:-?[\d.][\d.,/]{0,20}%?|[a-z-]{3,12})(?:\s[a-z]+){0,4}\W{0,8}$)"
    r"|\s[—–]\s(?=(?:so\s)?(?:he|she|they|we|it|you|I)\b)"
    r"|\b(?P<weak>so(?! that| far)|finally|therefore|thus|hence|then)\b"
    r"|(?:(?<![\w;)] )|(?<=\band )|(?<=\bbut ))\b(?P<given>since|if|as|when|because|given|with|after)\b[^,;\n]*,"
)
"""Where a sentence turns to what it comes to: "we add 22 to 48, resulting in 70", "40 divided by 2 is 20"."""
_TOLD = phrase(
    r"(?:[:=]|\b(?:so|therefore|thus|hence|gives?|giving|makes?|gets?|is|are|leaves?|leaving|equals?|yields?))\s$"
)
_PARTS = phrase(r"(?:\s[a-z]+){0,4}:\s")
_WHICH = phrase(r"\b(?:which|that)\s$")
_BOUND = phrase(
    r"\b(?:more|less|fewer|greater|higher|lower|larger|smaller|bigger)\sthan\W*$"
    r"|^\W*(?:it(?:'s|\sis)\s)?(?:at\s(?:least|most)|over|under|above|below|up\sto)\W*$"
)
"""What leaves the number behind it open: "It is more than 50"."""
"""What only compares with a number that was said before: "42 apples, which is 11 more than"."""
_BETWEEN = phrase(r"\b(?:between|from)\s[$€£]?$")
_TO = phrase(r"%?\s(?:and|to)\s[$€£]?")
_EITHER = phrase(r"\sor\s[$€£]?")
_REMARK = phrase(r"\((?:check|note|verif|that is|i\.e|or|since|because|if)[^()\n]{0,200}\)?")
"""What stands in parentheses and is no answer, though nothing else may be left."""
_IN_ALL = phrase(r"(?:\s(?!for\b)[a-z]+){0,3}\s(?:in\s(?:all|total)|altogether|total)\b")
_ONLY_ASIDE = re.compile(r"\s*\([^()=\n]*\d\s?[-+*/×÷·x]\s?[$€£]?\d[^()=\n]*\)\W*")
"""A calculation behind what it came to: "She needs 21 slices. (7 x 3)"."""
_NO_TURN = phrase(r"(?:\bto|\bnot|\bcannot|n't)\s$")
"""What makes a purpose of a turn, or denies it, where a result stands before: "= 20 calls to get 15 customers"."""
_IN_PARENTHESES = re.compile(r"\s*\([^()\n]*[a-z]{2}[^()\n]*\)\W*")
_SUPPOSED = phrase(
    r"\b(?:if|when|because|since|although|unless|while|to ensure|so that)\b[^,;:.]{0,80}$"
    r"|(?:\b(?:who(?:se)?|after|before)|(?<!\bso)(?<=\w)\sthat)\s$"
)
MOST_NUMBERS = 64
"""Numbers of a sentence that are looked at, from its end."""
LEAST_SPELT = 13
"""What is spelt out from here on is a number: "one of the two" says none, "seventy-four vases" does."""


def _within(numeral: Numeral, spans: list[tuple[int, int]]) -> bool:
    return any(first < numeral.start < last for first, last in spans)


class ClosingReader(Repetition):
    """Reads what the last sentences of one text come to."""

    def closing(self, start: int, end: int, *, spelt: bool = True) -> Reading:
        """Returns what the last sentence with a number in it comes to; one that says more than the question, if any."""
        repeated: Reading | None = None
        for first, last in self._sentences(start, end):
            if _ONLY_ASIDE.fullmatch(self.text, first, last):
                continue
            if _IN_PARENTHESES.fullmatch(self.text, first, last) and self._between(start, first):
                continue
            remarks = [remark.span() for remark in _REMARK.finditer(self.text, first, last)]
            found = [each for each in self._between(first, last, weak=False) if not _within(each, remarks)]
            found = [each for each in found if spelt or not each.spelt or self._is_plain(each) or self._is_told(each)]
            if found := found[-MOST_NUMBERS:]:
                reading = self._concluded(found, first, last)
                reading = Reading(None, Rule.UNDECIDED) if self._is_open(reading, found) else reading
                if not self._only_repeats(found, first, last):
                    return reading
                repeated = repeated or reading
        return repeated or NOTHING

    def _is_plain(self, numeral: Numeral) -> bool:
        """Returns whether a number stands in digits, or is one that words are not used for in passing."""
        return self.text[numeral.start].isdigit() or (numeral.value or 0) >= LEAST_SPELT

    def _is_open(self, reading: Reading, found: list[Numeral]) -> bool:
        """Returns whether the number that was read is one of two: "14 or 15 people", "between 14 and 15"."""
        values = [None if each.value is None else written(each.value) for each in found]
        return any(
            one.value != other.value
            and reading.answer in values[place : place + 2]
            and (_EITHER.fullmatch(self.text, one.end, other.start) or self._is_range(one, other))
            and values.count(reading.answer) == 1
            for place, (one, other) in enumerate(zip(found, found[1:], strict=False))
        )

    def _is_range(self, one: Numeral, other: Numeral) -> bool:
        between = _BETWEEN.search(self.text, max(0, one.start - 10), one.start)
        return between is not None and _TO.fullmatch(self.text, one.end, other.start) is not None

    def _concluded(self, found: list[Numeral], start: int, end: int) -> Reading:
        """Returns the number that a sentence comes to: behind its last turn, if it has one, and calculated before."""
        aside = [match.span() for match in _PARENTHESES.finditer(self.text, start, end)]
        outside = [each for each in found if not _within(each, aside)] or found
        if asked := difference(self.text, self.question, outside, end):
            return self._finished(asked, Rule.CLOSING)
        outside = [each for each in outside if not self._is_compared(each, start)] or outside
        outside = self._reasoned(self._without_added(outside, start, end))
        if restated := self._restated(outside, start, end):
            return self._finished(restated, Rule.CLOSING)
        if whole := self._broken_down(outside):
            return self._finished(whole, Rule.CLOSING)
        totals = [each for each in outside if _IN_ALL.match(self.text, each.end, end)]
        if "=" not in self.text[start:end] and len(totals) == 1 and not self._goes_on(totals[0]):
            return self._finished(totals[0], Rule.CLOSING)
        if asked := asked_for(self.text, self.question, outside, start, end):
            return self._finished(asked, Rule.CLOSING)
        outside = self._asked(outside, [each for each in found if _within(each, aside)], start, end)
        said, strong, turn = self._behind_turn(outside, start, end)
        soft = [each for each in outside if each.start >= turn and self._is_soft(each, start)]
        said = said or soft[:1] or outside[:1]
        sure = said + [
            each for each in outside if each.start >= turn and not self._is_aside(each, start, each.start - 40)
        ]
        carried_out, stated = self._computed(end)
        for values, numbers in ((carried_out, sure), (carried_out, soft), (stated, said), (stated, soft)):
            chosen = next((each for value in values for each in numbers if each.value == value), None)
            if chosen and not (strong and numbers is soft):
                return self._finished(chosen, Rule.CLOSING)
        chosen = said[0 if strong else -1]
        if _BOUND.search(self.text[start : chosen.start]):
            return Reading(None, Rule.UNDECIDED)
        return self._finished(chosen, Rule.LAST if len({each.value for each in said}) > 1 else Rule.CLOSING)

    def _without_added(self, found: list[Numeral], start: int, end: int) -> list[Numeral]:
        """Returns the numbers of a sentence without those of what it adds to the ones before."""
        spans = [span for span in added(self.text, self.question, start, end) if found[0].start < span[0]]
        return [each for each in found if not _within(each, spans)]

    def _broken_down(self, found: list[Numeral]) -> Numeral | None:
        """Returns the number whose parts follow it behind a colon: "9 coins: 5 pennies and 4 dimes"."""
        place = next((place for place, each in enumerate(found) if _PARTS.match(self.text, each.end)), len(found))
        parts = [each.value or 0 for each in found[place + 1 :]]
        return found[place] if len(parts) > 1 and sum(parts) == found[place].value else None

    def _behind_turn(self, found: list[Numeral], start: int, end: int) -> tuple[list[Numeral], bool, int]:
        """Returns the numbers behind a sentence's last turn that has any, if the first of them is meant, and where."""
        soft: list[Numeral] = []
        for turn in reversed(list(_TURN.finditer(self.text, start, end))):
            if (
                turn[0] != "="
                and not turn["given"]
                and _SUPPOSED.search(self.text, max(start, turn.start() - 80), turn.start())
            ):
                continue
            if turn[0] != "=" and self._is_purpose(found, start, turn.start()):
                continue
            if turn["result"] and not TOLD_TO.search(self.text, start, turn.start()):
                continue
            if turn[0] == "=" and GIVEN_VALUE.search(self.text, max(start, turn.start() - 24), turn.end()):
                continue
            if _WHICH.search(self.text, max(start, turn.start() - 8), turn.start()) and THAN.match(
                self.text, turn.end()
            ):
                continue
            behind = [each for each in found if each.start >= turn.end()]
            said = self._main(behind, turn.end())
            if not said and turn[0] != "=" and len(behind) == 1 and self._is_soft(behind[0], start):
                soft = soft or behind
            if said:
                return said, not (turn["weak"] or turn["given"]), turn.end()
        said = self._main(found, start)
        return (soft, True, soft[0].start) if soft and len(said) < 2 else (said, False, start)

    def _is_purpose(self, found: list[Numeral], start: int, place: int) -> bool:
        """Returns whether a turn is only what a number is for, or denied, and nothing is told to be calculated.

        Or whether it only leads to the question's own numbers, behind a result: "= 36 games are played among the 9".
        """
        equals = self.text.rfind("=", start, place)
        if TOLD_TO.search(self.text, max(start, equals), place):
            return False
        if equals >= 0 and self._given.issuperset(each.value for each in found if each.start >= place):
            return True
        before = equals >= 0 or any(each.start < place for each in found)
        return before and _NO_TURN.search(self.text, max(start, place - 12), place) is not None

    def _main(self, found: list[Numeral], start: int) -> list[Numeral]:
        """Returns the first numbers of a part that are not those of its circumstances."""
        main: list[Numeral] = []
        for each, end in zip(found, [start, *(each.end for each in found)], strict=False):
            aside = self._is_aside(each, start, end)
            if aside and main:
                break
            if not aside:
                main.append(each)
        return main

    def _finished(self, numeral: Numeral, rule: Rule) -> Reading:
        """Returns a number unless it is an operand of a calculation that is not carried out ("She pays 5 * 3")."""
        before = _UNFINISHED.search(self.text, max(0, numeral.start - 8), numeral.start)
        if self._goes_on(numeral) or (before and not self._is_result(numeral)):
            return NOTHING
        return self._read(numeral, rule)

    def _between(self, start: int, end: int, *, weak: bool = True) -> list[Numeral]:
        """Returns the numbers of a part: digits before words, and what may be no quantity where nothing else is."""
        inside = numerals(self.text, start, end)
        sure = [each for each in inside if not each.weak]
        digits = [each for each in sure if not each.spelt or self._is_told(each)]
        return digits or sure or (inside if weak else [])

    def _is_told(self, numeral: Numeral) -> bool:
        """Returns whether a number in words counts as much as digits do: "adding 3 and 4 gives seven"."""
        before = _TOLD.search(self.text, max(0, numeral.start - 12), numeral.start)
        said = before and not self.text[numeral.start].isdigit() and not numeral.weak
        return bool(said) and NO_MORE_NUMBERS.match(self.text, numeral.end) is not None

    def _sentences(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yields where sentences and lines begin and end, the last one first."""
        cuts = [start, *(match.end() for match in _PART_ENDS.finditer(self.text, start, end)), end]
        yield from reversed(list(zip(cuts, cuts[1:], strict=False)))

    def _goes_on(self, numeral: Numeral) -> bool:
        return _OPERATOR.match(self.text, numeral.end) is not None

    def _read(self, numeral: Numeral, rule: Rule) -> Reading:
        said = self._converted(numeral)
        return NOTHING if said.value is None else Reading(written(said.value * self._in_units(said)), rule)

    def _in_units(self, numeral: Numeral) -> Fraction:
        """Returns by what an amount is multiplied to be in the unit that is asked for: "2 hours", in minutes."""
        asked = unit_asked(self.question)
        unit = unit_behind(self.text, numeral.end) if asked else None
        said = self.text[numeral.start : numeral.end].lower()  # of "12 dollars and 50 cents" the value is in dollars
        before = "$" if said.endswith(("cent", "cents", "¢")) else said.lstrip("-")[:1]
        return (ratio(unit["unit"].lower() if unit else before, asked) if asked else None) or Fraction(1)

    def _converted(self, numeral: Numeral) -> Numeral:
        """Returns a number as it is said again, in larger units or percent: "240 minutes, or 4 hours", "0.5 or 50%"."""
        said = _CONVERTED.match(self.text, numeral.end)
        behind = numerals(self.text, said.end(), said.end() + 20) if said else []
        if said is None or not behind or not numeral.value or not behind[0].value or behind[0].start > said.end() + 1:
            return numeral
        if self.text.startswith("%", numeral.end) or THAN.match(self.text, behind[0].start):
            return numeral
        factor = numeral.value / behind[0].value
        if said["chance"]:
            chance = not said["unit"] and factor < 1 and _ASKS_FOR_CHANCE.search(self.question)
            return behind[0]._replace(value=factor) if chance else numeral
        cents = factor == Fraction(1, 100) and not _ASKS_FOR_DOLLARS.search(self.question)
        percent = cents and self.text[behind[0].end :].lstrip("\\ ").startswith(("%", "percent", "cents"))
        return behind[0] if percent or (said["unit"] and not said["open"] and factor in _FACTORS) else numeral
