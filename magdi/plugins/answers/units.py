"""Units of amounts: how many of one make another, and which of them a question asks for."""

from __future__ import annotations

import re
from fractions import Fraction

from magdi.plugins.answers.phrase import phrase

_KINDS: tuple[dict[str, int], ...] = (
    {"cent ¢ c": 1, "dollar buck usd $": 100},
    {"euro-cent": 1, "euro €": 100},
    {"second sec s": 1, "minute min m": 60, "hour hr h": 3600, "day d": 86_400, "week wk": 604_800},
    {"month": 1, "year yr": 12},
    {"millimeter millimetre mm": 1, "centimeter centimetre cm": 10, "meter metre m": 1000,
     "kilometer kilometre km": 10**6},
    {"inch in": 1, "foot feet ft": 12, "yard yd": 36, "mile mi": 63_360},
    {"milligram mg": 1, "gram g": 1000, "kilogram kilo kg": 10**6},
    {"ounce oz": 1, "pound lb": 16},
    {"milliliter millilitre ml": 1, "liter litre l": 1000},
)  # fmt: skip
_SIZES = [{name: size for names, size in kind.items() for name in names.split()} for kind in _KINDS]
_NAMES = sorted({name for sizes in _SIZES for name in sizes}, key=len, reverse=True)
_LONG = "|".join(name for name in _NAMES if len(name) > 3)
_UNIT = phrase(
    rf"[\s-]?(?:\\(?:text|mathrm)\s?\{{\s?)?(?P<unit>{'|'.join(map(re.escape, _NAMES))})(?:e?s)?"
    r"(?![\w^²³]|\s?[/^²³]|\sper\b|(?<=\bin)\s?\w)"  # "5 in all" are no inches
)
_ASKS = phrase(
    rf"(?:\bhow\smany(?:\s(?!square|cubic)\w+){{0,2}}?|\bin|\bnumber\sof)\s"
    rf"(?:the\s)?(?:whole\s|total\s)?(?P<unit>{_LONG})(?:e?s)?\b(?!\s(?:per|of)\b)"
)
ASKED_WITHIN = 200
"""Characters at a question's end in which it may ask for a unit."""


def ratio(one: str, other: str) -> Fraction | None:
    """Returns how many of another unit make one; None where they measure different things."""
    for sizes in _SIZES:
        if one in sizes and other in sizes:
            return Fraction(sizes[one], sizes[other])
    return None


def unit_behind(text: str, place: int) -> re.Match[str] | None:
    """Returns the unit that stands at a place of a text, as its group "unit"."""
    return _UNIT.match(text, place)


def unit_asked(question: str) -> str | None:
    """Returns the unit that a question asks for by its name: "how many cents", "in hours"."""
    asked = list(_ASKS.finditer(question, max(0, len(question) - ASKED_WITHIN)))
    return asked[-1]["unit"].lower() if asked else None
