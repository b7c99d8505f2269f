"""What is done to any text before an answer is looked for in it: a bound on its length, one spelling of signs."""

from __future__ import annotations

import re
from unicodedata import normalize

from magdi.plugins.answers.phrase import phrase

LONGEST_TEXT = 20_000
"""Characters that are read, from the end; answers stand there."""

BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of writing: text with them does not read as it looks, so no answer is taken from it."""

_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_SPACES = dict.fromkeys([0x00A0, 0x2007, 0x2008, 0x200A, 0x3000], " ")
_MINUS = dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2212, 0xFE63, 0xFF0D], "-")
_ARABIC = {0x066A: "%", 0x066B: ".", 0x066C: ","}
_FULL_WIDTH = {0xFF01 + place: 0x21 + place for place in range(0x5E)}
_FRACTIONS = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
    "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⁄": "/",
}  # fmt: skip
_QUOTES = {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"'}
_STYLED = {code: normalize("NFKC", chr(code)) for code in (*range(0x1D400, 0x1D800), *range(0x24B6, 0x24EA))}
"""Letters and digits in bold, in circles and the like."""
_TABLE = {
    **_STYLED,
    **_INVISIBLE,
    **_SPACES,
    **_FULL_WIDTH,
    **_MINUS,
    **_ARABIC,
    **{ord(sign): plain for sign, plain in (_FRACTIONS | _QUOTES).items()},
}

_THIN_GROUP = re.compile("[\u00a0\u2007\u2009\u202f](?<=\\d.)(?=\\d{3}(?!\\d))")
_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "₀₁₂₃₄₅₆₇₈₉"
_LEVEL = str.maketrans(_RAISED + _LOWERED, "0123456789+-0123456789")
_MIXED = re.compile(f"(?<=\\d)(?=[½⅓⅔¼¾⅕-⅞]|[{_RAISED}]{{1,4}}⁄)")
_STACKED = re.compile(f"([{_RAISED}]{{1,4}})[⁄/]([{_LOWERED}]{{1,4}})")
_POWER = re.compile(f"(?<=[\\w)\\]}}])[{_RAISED}]{{1,6}}")
_BASE = re.compile(f"(?<=\\d)[{_LOWERED}]{{1,3}}")
_DASHED_MINUS = re.compile(r"–(?:(?<=^–)|(?<=[\s($\[{=:>\"']–)(?<!\d\s–))(?=\\?[$€£]?\.?\d)", re.MULTILINE)
_CLOSING_HASHES = re.compile(r"(?<=[\d%)}.])[ \t]{0,3}#{2,9}[ \t]{0,3}$", re.MULTILINE)
"""As headings may be closed: "#### 100 ####"."""
_EMPHASIS = phrase(
    r"(?=[*_`<])(?:(?<!\d)\*\*|\*\*(?!\d)|(?<!\w)__|__(?!\w)|`"
    r"|</?(?:b|strong|i|em|u|p|mark|span|div|center|final|response|result|output)>)"
)
_SLANTED = re.compile(r"(?P<mark>[*_])(?<![\w\\})\]*_].)(?=[^\s*_])(?P<said>[^*_\n]{0,80}[^\s*_])(?P=mark)(?![\w*_{(])")
_BREAK = phrase(r"<br\s?/?>|&nbsp;")
_HEADED = phrase(r"^[ \t]{0,9}\#{1,6}[ \t]{0,9}((?:\w{1,12}[ ])?answer)[ \t]*$", re.MULTILINE)
_BRACED = phrase(r"(?<!\S)\{\s?((?:final\s)?answer\s?:[^{}\n\"]{1,80})\}")
_KEY = phrase(r"_(?<=[a-z]_)(?=(?:answer|choice|option)\b)")


_WIDE_GAP = re.compile(r"[ \t]{40,}")
"""A gap that no table has: patterns that begin with spaces would take time for each of them."""
_EATEN = re.compile(r"[\a\b\f\v](?=[a-z])|\t(?=imes|ext\b|ext\{|frac|heta|riangle|an\b)|\r(?=ight|m\{)")
_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\v": "v", "\t": "t", "\r": "r"}
"""What a program that took LaTeX for escape sequences has made of \\alpha, \\boxed, \\frac, \\vec, \\times, \\right."""


def clean(text: str) -> str | None:
    """Returns the end of a text in plain signs (minus, digits, spaces, quotes; no emphasis), or None for no answer.

    None is returned for text that holds marks of writing direction: it does not read as it looks.
    """
    text = text[-LONGEST_TEXT:]
    if BIDI.search(text):
        return None
    text = _WIDE_GAP.sub(" ", text)
    text = _EATEN.sub(lambda eaten: "\\" + _ESCAPES[eaten[0]], text)
    text = _on_one_level(_THIN_GROUP.sub(",", text)).translate(_TABLE)
    text = _SLANTED.sub(r"\g<said>", _EMPHASIS.sub("", _BREAK.sub(" ", text)))
    text = _BRACED.sub(r"\1", _HEADED.sub(r"\1:", text))
    text = _CLOSING_HASHES.sub("", text) if "##" in text else text
    return _KEY.sub(" ", _DASHED_MINUS.sub("-", text))


def _on_one_level(text: str) -> str:
    """Returns raised and lowered digits as LaTeX writes them, and fractions in one line: 10³ is 10^{3}, 1½ is 1 1/2."""
    if text.isascii():
        return text
    text = _STACKED.sub(lambda parts: f"{parts[1]}/{parts[2]}".translate(_LEVEL), _MIXED.sub(" ", text))
    text = _POWER.sub(lambda power: f"^{{{power[0]}}}".translate(_LEVEL), text)
    return _BASE.sub(lambda base: f"_{{{base[0]}}}".translate(_LEVEL), text)
