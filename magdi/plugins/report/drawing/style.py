"""Colours, words and measures of the pictures; the same rules in SVG and on the page, by day and by night."""

from __future__ import annotations

import html
import re
import unicodedata
from importlib import resources
from itertools import accumulate

from magdi.core.mag import Turn

MARKS = {"right": "✓", "wrong": "✗", "invalid": "?", "open": "·"}
"""What tells turns apart where colours do not: right, wrong, unreadable, no answer asked for or no grade."""

COLOURS, CSS = (resources.files(__package__).joinpath(f"{name}.css").read_text("utf-8") for name in ("colours", "mag"))
"""What a drawing that stands alone brings along, and the rules that a page has too, with colours of its own."""

_NARROW = frozenset("iljtfrI.,:;'|!()[]{} -`\"/\\·")
_BROAD = frozenset("WMmw@%&…—")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def state(turn: Turn) -> str:
    """Returns right, wrong, invalid or open."""
    if turn.status == "invalid":
        return "invalid"
    graded = turn.correct if turn.correct is not None else turn.label
    return "open" if graded is None else "right" if graded else "wrong"


def escape(text: object) -> str:
    """Returns text that is text in HTML and XML alike, whatever it holds."""
    return html.escape(_CONTROL.sub("\ufffd", str(text)), quote=True)


def cut(text: str, length: int) -> str:
    """Returns a text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def breadth(text: str) -> float:
    """Returns how wide a text is in bold letters of size 1 in any usual font: rather too much than too little."""
    return sum(map(_broad, text))


def _broad(char: str) -> float:
    if char in _NARROW:
        return 0.46
    if char in _BROAD:
        return 1.12
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0.0
    if char.isascii():
        return 0.88 if char.isupper() else 0.73
    if char.isalpha() and char < "\u0500":  # Latin, Greek, Cyrillic
        return 1.2 if char.isupper() else 1.0
    return 1.4  # other scripts and emoji


def fitted(text: str, width: float, size: float) -> str:
    """Returns the beginning of a text, in one line, that is no wider than so many pixels in letters of a size.

    Characters that are not seen are left out: they turn the direction of what follows.
    """
    line = "".join(char for char in " ".join(text.split()) if unicodedata.category(char) not in ("Cf", "Cc", "Cs"))
    if breadth(line) * size <= width:
        return line
    room = width / size - breadth("…")
    taken = accumulate(map(_broad, line))
    return line[: sum(so_far <= room for so_far in taken)].rstrip() + "…"


def short(turn: Turn) -> str:
    """Returns what a turn says in a few characters: its answer, or the beginning of its words."""
    said = turn.answer if turn.answer is not None else turn.reasoning or turn.text
    return cut(said, 40) or "(silent)"


def aside(turn: Turn) -> str:
    """Returns what stands small on a turn's card: step, stated confidence, value."""
    parts = [f"#{turn.step}"]
    if turn.confidence is not None:
        parts.append(f"{turn.confidence:.0%} sure")
    if turn.value is not None:
        parts.append(f"V {turn.value:.2f}")
    return " · ".join(parts)
