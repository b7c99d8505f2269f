"""What is done to any text before an answer is looked for in it: a bound on its length, one spelling of signs."""

from __future__ import annotations

import re

LONGEST_TEXT = 20_000
"""Characters that are read, from the end; answers stand there."""

BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of writing: text with them does not read as it looks, so no answer is taken from it."""

_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SPACES = dict.fromkeys([0x00A0, 0x2007, 0x2008, 0x200A, 0x3000], " ")
_MINUS = dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2212, 0xFE63, 0xFF0D], "-")
_FULL_WIDTH = {0xFF01 + place: 0x21 + place for place in range(0x5E)}
_FRACTIONS = {
    "½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "⅕": " 1/5", "⅖": " 2/5", "⅗": " 3/5", "⅘": " 4/5",
    "⅙": " 1/6", "⅚": " 5/6", "⅛": " 1/8", "⅜": " 3/8", "⅝": " 5/8", "⅞": " 7/8", "⁄": "/",
}  # fmt: skip
_QUOTES = {"’": "'", "‘": "'", "“": '"', "”": '"'}
_TABLE = {
    **_INVISIBLE,
    **_SPACES,
    **_FULL_WIDTH,
    **_MINUS,
    **{ord(sign): plain for sign, plain in (_FRACTIONS | _QUOTES).items()},
}

_THIN_GROUP = re.compile("(?<=\\d)[\u2009\u202f](?=\\d{3}(?!\\d))")
_CLOSING_HASHES = re.compile(r"(?<=[\d%)}.])[ \t]{0,3}#{2,9}[ \t]{0,3}$", re.MULTILINE)
"""As headings may be closed: "#### 100 ####"."""
_EMPHASIS = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)|(?<!\w)__|__(?!\w)|`")


def clean(text: str) -> str | None:
    """Returns the end of a text in plain signs (minus, digits, spaces, quotes; no emphasis), or None for no answer.

    None is returned for text that holds marks of writing direction: it does not read as it looks.
    """
    text = text[-LONGEST_TEXT:]
    if BIDI.search(text):
        return None
    text = _THIN_GROUP.sub(",", text).translate(_TABLE)
    return _CLOSING_HASHES.sub("", _EMPHASIS.sub("", text))
