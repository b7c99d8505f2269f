"""Numbers that are spelt out: "two hundred and six", "nine point eight", "a dozen", "three quarters"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from magdi.plugins.answers.phrase import phrase

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {word: 10 * n for n, word in enumerate(_TENS, start=2)}
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {
    "half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10,
}  # fmt: skip

WORD = rf"(?:{'|'.join([*_VALUES, *SCALES])})"
_COUNT = rf"(?:an?|{'|'.join(_SMALL[1:])})"
_PART = rf"(?P<part>{'|'.join(_PARTS)})s?\b"
_SPELT = phrase(
    rf"\b(?:half[ -](?:a[ -])?(?P<half>dozen)\b|(?P<alone>half)(?= of it|\W*(?:\n|\Z))|(?P<dozen>an?"
    rf"|one)[ -]dozen\b|(?P<count>{_COUNT})[ -]{_PART}|"
    rf"(?:an?[ -](?={'|'.join(SCALES)}))?(?P<words>{WORD}\b(?:(?:[ -]|(?<=hundred) and |(?<=thousand) and |"
    rf"(?<=million) and |(?<=thousand), |(?<=million), ){WORD}\b){{0,20}})"
    rf"(?: point(?P<decimals>(?:[ -](?:{'|'.join(_VALUES)})\b){{1,15}}))?(?!-(?!and-a-)[a-z]))"
)
_AND_PART = phrase(rf"[ -]and[ -](?P<count>{_COUNT})[ -]{_PART}")
_SPLIT = re.compile(r"[\s,-]+")


class Spelt(NamedTuple):
    """A number in words, and where in the text it stands."""

    value: Fraction
    start: int
    end: int


def spelt_numbers(text: str, start: int, end: int) -> Iterator[Spelt]:
    """Yields the numbers that a part of a text spells out; words that are not one ("five six") are passed over."""
    for match in _SPELT.finditer(text, start, end):
        value = _value(match)
        if value is not None:
            yield Spelt(value, match.start(), match.end())


def and_part(text: str, end: int) -> Spelt | None:
    """Returns the "and a half" that follows a number which ends there."""
    match = _AND_PART.match(text, end)
    return Spelt(_share(match), match.start(), match.end()) if match else None


def _value(match: re.Match[str]) -> Fraction | None:
    if match["half"] or match["dozen"]:
        return Fraction(6 if match["half"] else 12)
    if match["alone"]:
        return Fraction(1, 2)
    if match["part"]:
        return _share(match)
    whole = _whole(match["words"])
    said = [word for word in _SPLIT.split((match["decimals"] or "").lower()) if word]
    decimals = (
        str(_whole(" ".join(said))) if said and said[0] in _TENS else "".join(str(_VALUES[word]) for word in said)
    )
    return None if whole is None else Fraction(whole) + Fraction(int(decimals or 0), 10 ** len(decimals))


def _share(match: re.Match[str]) -> Fraction:
    return Fraction(_VALUES.get(match["count"].lower(), 1), _PARTS[match["part"].lower()])


def _whole(words: str) -> int | None:
    """Returns the value of words in a row; None where they are no one number."""
    total = current = 0
    room = SCALES["trillion"]  # what comes next must be below it: "twenty" leaves room for "five", "five" for nothing
    for word in (word for word in _SPLIT.split(words.lower()) if word != "and"):
        scale = SCALES.get(word)
        if scale == 100 and current < 100:
            current, room = (current or 1) * 100, 100
        elif scale and scale > 100 and total % (1000 * scale) == 0:
            total, current, room = total + (current or 1) * scale, 0, SCALES["trillion"]
        elif scale or _VALUES[word] >= room:
            return None
        else:
            current += _VALUES[word]
            room = 10 if _VALUES[word] >= 20 else 0
    return total + current
