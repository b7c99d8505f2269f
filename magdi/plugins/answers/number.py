"""The number that a text gives as its answer: behind a marker, or else the one its closing sentence comes to."""

from __future__ import annotations

import re

from magdi.core.mag import Choice
from magdi.core.verdict import NOTHING, Reading, Rule
from magdi.plugins.answers.abstention import abstains
from magdi.plugins.answers.closing import ClosingReader
from magdi.plugins.answers.letter import read_letter
from magdi.plugins.answers.numerals import Numeral, numerals, plain, written
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.repetition import TOLD_TO
from magdi.plugins.answers.spans import SENTENCE_END, extent, is_heading, is_section, markers, rule_of
from magdi.plugins.answers.unfinished import unfinished
from magdi.plugins.answers.voice import instead, own_reading, reconsidered, without_remarks

_LEAD = phrase(
    r"(?:[^\w-]|-(?!\d)|\b(?:about|approximately|approx|roughly|exactly|around|only|just|a total of"
    r"|equal to|it is|it's|"
    r"that|is|text|boxed|but|rather|instead|answer|option)\b|\(?\b[A-J](?:[).:]|\)?:)(?=\W{1,3}\d))*"
)
_OR = phrase(r"\s?(?:[-–—~]|\s:|to|through|or|and)\s?[$€£]?\s?")
_OPTION_LINE = re.compile(r"^[ \t]*[(\[]?([A-J])[)\].:]{1,2}[ \t]+(?=\S*\d)(.{1,60})$", re.MULTILINE)
_DECIDED = (Rule.BARE, Rule.HASHES, Rule.BOXED, Rule.MARKER, Rule.CONCLUSION, Rule.OPTION)
_REASON = phrase(r",?\s(?:since|because|as)\b")
_MAKES = phrase(r"[^,;.:()\d]{1,40}(?:\d+[^,;.:()\d]{1,40})?\s(?:makes?|gives?|equals?|totals?|comes?\sto)\s[$€£]?\d")
"""What follows the first number of a sentence that comes to another: "3 boxes with 12 pens each make 36"."""
_LEAD_TO_TWO = phrase(r"\W*(?:(?:from|between|either)\s)?[$€£]?")
_COMMA = re.compile(r",\s[$€£]?")
_ENDS = re.compile(r"[\s$)}\]]*[.!]?\s*(?:\n|\Z)")
_BETWEEN = phrase(r"\b(?:between|from)\W*$")

_ASKS_FOR_DOZENS = phrase(r"\b(?:many|in|of)\s(?:\w+\s)?dozens?\b")
_DOZENS = phrase(r"(\d|\b(?!an?\b|half\b)[a-z]+)[ -]dozens?\b")
_OPENING = re.compile(
    r"\W*?[-$€£\d][\d.,/]{0,20}(?:\s?%|\s(?P<unit>[a-z]+))?(?:[.!]\s+|\s*\n\s*|\s[—–]\s)(?=[^\W\d_]{2})"
)
_HOW_MANY = phrase(r"\bhow many (?:more |of the )?(\w+)")
_ENUMERATED = re.compile(r"^\W{0,4}\d{1,2}[.)]\s", re.MULTILINE)
_CONCLUDED = phrase(r"=|\b(?:so|therefore|thus|hence|total|altogether|in all|answer|wait|actually)\b")

_NONE_LEFT = phrase(
    r"\b(?=[witun])(?P<unless>(?:with|until|if|when|that|unless)\s(?:\w+\s){0,3})?\b(?:none|nothing|no(?=\s\w))"
    r"(?=(?:\s(?!way|doubt|need|idea|question|more|longer|information|other|matter)[a-z]+){0,5}?\s(?:left|remain(?:s|ing)?)\b(?!\s(?:over|to|un)))"
)
"""What is a number, too: "There are no apples left"."""

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

    Where the question is known, and is not about a rest, "10 boxes, with 2 cookies left over" is 10; and where it
    asks for dozens, "3 dozen" is 3.
    """
    text = _DOZENS.sub(r"\1", plain(text)) if _ASKS_FOR_DOZENS.search(question) else plain(text)
    text = _NONE_LEFT.sub(lambda none: none[0] if none["unless"] else "0", text)
    return own_reading(text, lambda own: _Reader(own, question).read())


def read_behind(span: str) -> Reading:
    """Returns the number of a sentence that says what the answer is: the one it begins with, or that it comes to."""
    reader = _Reader(plain(span))
    whole = 0, len(reader.text)
    return reader.marked(*whole, Rule.MARKER, equation=True) or reader.closing(*whole)


class _Reader(ClosingReader):
    """Reads one text."""

    def _option(self, lines: list[re.Match[str]]) -> Reading | None:
        """Returns the number of the option that a text decides for, where it lists some: "A: 12", "B: 13"."""
        choices = [Choice(label=line[1], text=line[2]) for line in lines]
        chosen = read_letter(self.text, choices)
        line = next((line for line in lines if line[1] == chosen.answer), None)
        found = self._between(*line.span(2)) if line and chosen.rule in _DECIDED else []
        return self._read(found[0], Rule.OPTION) if found else None

    def read(self) -> Reading:
        """Returns the text's number."""
        options = list({line[1]: line for line in _OPTION_LINE.finditer(self.text)}.values())
        if len(options) > 1 and (option := self._option(options)):
            return option
        prose: Reading | None = None
        for marker in markers(self.text):
            place = extent(self.text, marker)
            if place is None or (marker["letter"] and len(options) > 1):
                continue
            reading = self.marked(*place, rule_of(marker), equation=not is_section(self.text, marker))
            if reading and not prose:
                return self._thought_better(place[0]) or reading
            if reading and reading.rule == Rule.BOXED:
                return reading
            if not prose and not re.search(r"\w", self.text[slice(*place)]):
                prose = self.closing(0, marker.start()) if marker["hashes"] else NOTHING
            elif not prose and self._between(*place):
                prose = self._headed(place[0]) if is_heading(self.text, marker) else self.closing(*place)
        if prose:
            return prose
        if abstains(self.text):
            return Reading(None, Rule.ABSTAINS)
        return self._bare() or self._opening() or self._unmarked()

    def _headed(self, start: int) -> Reading:
        """Returns what the text below a heading comes to, whose remarks say nothing."""
        said = _Reader(without_remarks(self.text[start:]), self.question)
        return said.closing(0, len(said.text))

    def _opening(self) -> Reading | None:
        """Returns the number that a text begins with as a sentence of its own, where nothing is concluded later."""
        opening = _OPENING.match(self.text)
        found = numerals(self.text, 0, opening.end()) if opening else []
        if opening is None or len(found) != 1 or _ENUMERATED.search(self.text, opening.end()):
            return None
        if opening[0].strip().startswith("1.") or _CONCLUDED.search(self.text, opening.end()):
            return None
        if not opening["unit"]:
            return self._read(found[0], Rule.OPENING)
        rest = self._between(opening.end(), len(self.text))
        if len(rest) != 1 or SENTENCE_END.search(self.text.rstrip(" .!"), opening.end()):
            return None
        asked = [many[1].lower() for many in _HOW_MANY.finditer(self.question)]  # of two amounts
        if opening["unit"].lower() in asked or rest[0].value == found[0].value:
            return self._read(found[0], Rule.OPENING)
        return None if asked else Reading(None, Rule.UNDECIDED)

    def _unmarked(self) -> Reading:
        """Returns what the text comes to where nothing marks an answer; nothing where it was cut off before that."""
        said = _Reader(without_remarks(self.text), self.question)
        if unfinished(said.text):
            return NOTHING
        return said._thought_better(0) or said.closing(0, len(said.text), spelt=re.search(r"\d", said.text) is None)

    def _thought_better(self, start: int) -> Reading | None:
        """Returns what is said instead of an answer that is taken back: "7, no, 8"; None where none is."""
        place = instead(self.text, start)
        found = self._between(place, len(self.text)) if place is not None else []
        if found:
            return self._read(found[0], Rule.CLOSING)
        place = reconsidered(self.text, start)
        return self.closing(place, len(self.text)) if place is not None else None

    def _bare(self) -> Reading | None:
        found = numerals(self.text) if len(self.text) <= BARE_LENGTH else []
        if len(found) == 2 and _LEAD_TO_TWO.fullmatch(self.text, 0, found[0].start):
            if self._several(*found):
                return Reading(None, Rule.UNDECIDED)
            return self._read(found[0], Rule.BARE) if self._converted(found[0]) is not found[0] else None
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
        if results and equation and not (self._leads(start, found[0]) and _REASON.match(self.text, found[0].end)):
            return self._read(results[-1], rule)
        every = [each for each in numerals(self.text, start, end) if each.spelt or not each.weak]
        first = every[0] if every and self._leads(start, every[0]) else found[0]
        if first.weak and first.spelt and any(not each.spelt for each in found):
            return None  # "One ticket costs $3"
        if _BETWEEN.search(self.text, start, first.start) and len(found) > 1:
            return Reading(None, Rule.UNDECIDED)
        if (first.weak and not first.spelt) or not self._leads(start, first):
            sole = rule == Rule.BOXED and len(found) == 1 and not first.weak
            return self._read(first, rule) if sole else None
        if not equation and not self._goes_on(first) and first.value not in (computed := self._computed(end)[1]):
            first = next((each for each in found if each.value in computed), first)
        if equation and _MAKES.match(self.text, first.end, end):
            return self.closing(start, end)
        if self._goes_on(first):
            return None if not equation else self.closing(start, end) if TOLD_TO.search(span) else NOTHING
        if any(self._several(first, each) for each in every[1:2]):
            return Reading(None, Rule.UNDECIDED)
        return self._read(first, rule)

    def _several(self, one: Numeral, other: Numeral) -> bool:
        """Returns whether two numbers are two answers: "5 or 6", "5-10", "5, 6"; not one that is said twice."""
        listed = _COMMA.fullmatch(self.text, one.end, other.start) and _ENDS.match(self.text, other.end)
        if one.value == other.value or not (listed or _OR.fullmatch(self.text, one.end, other.start)):
            return False
        return self._converted(one) is one

    def _leads(self, start: int, numeral: Numeral) -> bool:
        return _LEAD.fullmatch(self.text, start, numeral.start) is not None
