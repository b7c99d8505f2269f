"""The number that a text gives as its answer: behind a marker, or else the one its closing sentence comes to."""

from __future__ import annotations

import re

from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.closing import ClosingReader, asks_of_rest
from magdi.plugins.answers.numerals import Numeral, numerals, plain, written
from magdi.plugins.answers.spans import extent, is_heading, is_section, markers, rule_of

_LEAD = re.compile(
    r"(?:[^\w-]|-(?!\d)|\b(?:about|approximately|approx|roughly|exactly|around|only|just|a total of|equal to|it is|"
    r"that|is|text|boxed)\b)*",
    re.IGNORECASE,
)
_OR = re.compile(r"\s?(?:-|–|—|to|or)\s?[$€£]?\s?", re.IGNORECASE)
_BETWEEN = re.compile(r"\bbetween\W*$", re.IGNORECASE)

_TAKEN_BACK = re.compile(
    r"(?<=[.!?\s])(?:oh|no|but|hmm+)?[ ,]{0,2}\b(?:wait|hmm+|actually|oops|sorry|hold on|correction|on second thought)"
    r"\b[^.!?\n]{0,60}?"
    r"\b(?:wrong|incorrect|not (?:right|correct)|(?:a|my) mistake|an error|miscalculated)\b(?![^.!?\n]{0,40}\?)",
    re.IGNORECASE,
)
_AGREES = re.compile(
    r"\bI\s(?:\w+ly\s|also\s|now\s)?(?:agree|concur|side|go|stick)\swith\s"
    r"(?P<who>(?:agent|assistant|solver|solution|participant|student|expert)\s?\w{1,12}|(?-i:[A-Z])[a-z]{2,20})"
    r"(?:'s(?:\s\w+){1,2})?[\s.!*]*$",
    re.IGNORECASE,
)
_NEXT_SPEAKER = re.compile(r",?\s(?:and|but|while|whereas)\s|,\s(?=[A-Z])")

BARE_LENGTH = 40
"""Longest text that may be an answer and nothing else."""


def normal_number(text: str) -> str | None:
    """Returns the normal form of a number that is the whole text, units aside; None where it is none.

    Integers and finite decimals are written out ("300", "-0.5"), other fractions in lowest terms ("1/3").
    """
    found = numerals(plain(text[:200]))
    return written(found[0].value) if found and found[0].value is not None else None


def read_number(text: str, question: str = "") -> Reading:
    """Returns the final number of a text in normal form: behind a marker, or else what its last sentence comes to.

    Where the question is known, and is not about a rest, "10 boxes, with 2 cookies left over" is 10.
    """
    return _Reader(plain(text), of_rest=asks_of_rest(question)).read()


def read_behind(span: str) -> Reading:
    """Returns the number of a sentence that says what the answer is: the one it begins with, or that it comes to."""
    reader = _Reader(plain(span))
    whole = 0, len(reader.text)
    return reader.marked(*whole, Rule.MARKER, equation=True) or reader.closing(*whole)


class _Reader(ClosingReader):
    """Reads one text."""

    def read(self) -> Reading:
        """Returns the text's number."""
        endorsed = self._endorsed()
        if endorsed and endorsed.answer:
            return endorsed
        prose: Reading | None = None
        for marker in markers(self.text):
            place = extent(self.text, marker)
            if place is None:
                continue
            reading = self.marked(*place, rule_of(marker), equation=not is_section(self.text, marker))
            if reading and not prose:
                return self._thought_better(place[1]) or reading
            if reading and reading.rule == Rule.BOXED:
                return reading
            if not prose and not re.search(r"\w", self.text[slice(*place)]):
                prose = self.closing(0, marker.start()) if marker["hashes"] else NOTHING
            elif not prose and self._between(*place):
                prose = self.closing(place[0], len(self.text) if is_heading(self.text, marker) else place[1])
        if prose:
            return prose
        if abstains(self.text):
            return Reading(None, Rule.ABSTAINS)
        return self._bare() or endorsed or self.closing(0, len(self.text), spelt=re.search(r"\d", self.text) is None)

    def _thought_better(self, start: int) -> Reading | None:
        """Returns what is said behind an answer that is taken back: "Wait, that is wrong: 43"; None where none is."""
        back = _TAKEN_BACK.search(self.text, start)
        return self.closing(back.end(), len(self.text)) if back else None

    def _endorsed(self) -> Reading | None:
        """Returns the number of whoever a text ends by agreeing with; None where it does not end so."""
        agreed = _AGREES.search(self.text)
        if agreed is None:
            return None
        named = re.compile(rf"\b{re.escape(agreed['who'])}\b[^.;\n]{{0,160}}", re.IGNORECASE)
        for said in reversed(list(named.finditer(self.text, 0, agreed.start()))):
            first = _NEXT_SPEAKER.split(said[0])[0]
            if found := self._between(said.start() + len(agreed["who"]), said.start() + len(first), weak=False):
                return self._read(found[-1], Rule.CLOSING)
        return NOTHING

    def _bare(self) -> Reading | None:
        found = numerals(self.text) if len(self.text) <= BARE_LENGTH else []
        return self._read(found[0], Rule.BARE) if len(found) == 1 and self._leads(0, found[0]) else None

    def marked(self, start: int, end: int, rule: Rule, *, equation: bool) -> Reading | None:
        """Returns the number with which a marked span begins or that its equation comes to; None where it is prose."""
        span = self.text[start:end]
        if abstains(span):
            return Reading(None, Rule.ABSTAINS)
        found = self._between(start, end)
        if not found:
            return NOTHING if re.search(r"\d", span) else None
        results = [each for each in found if self._is_result(each) and not self._goes_on(each)]
        if results and equation:
            return self._read(results[-1], rule)
        every = [each for each in numerals(self.text, start, end) if each.spelt or not each.weak]
        first = every[0] if every and self._leads(start, every[0]) else found[0]
        if first.weak and first.spelt and any(not each.spelt for each in found):
            return None  # "One ticket costs $3"
        if _BETWEEN.search(self.text, start, first.start):
            return Reading(None, Rule.UNDECIDED)
        if (first.weak and not first.spelt) or not self._leads(start, first):
            sole = rule == Rule.BOXED and len(found) == 1 and not first.weak
            return self._read(first, rule) if sole else None
        if not equation and not self._goes_on(first) and first.value not in (computed := self._computed(end)[1]):
            first = next((each for each in found if each.value in computed), first)
        if self._goes_on(first):
            return NOTHING if equation else None
        others = [each for each in every[1:2] if _OR.fullmatch(self.text, first.end, each.start)]
        if any(each.value != first.value for each in others):
            return Reading(None, Rule.UNDECIDED)
        return self._read(first, rule)

    def _leads(self, start: int, numeral: Numeral) -> bool:
        return _LEAD.fullmatch(self.text, start, numeral.start) is not None
