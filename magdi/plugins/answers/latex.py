r"""One spelling of LaTeX expressions: no spaces, sizing, units and dollars; plain numbers as numbers."""

from __future__ import annotations

import re

from magdi.plugins.answers.number import normal_number
from magdi.plugins.answers.number_words import WORD, spelt_numbers
from magdi.plugins.answers.numerals import REPEATING, repeating
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.spans import balanced

LONGEST_EXPRESSION = 300
DEEPEST_NESTING = 20
_OPEN_BRACE = re.compile(r"(?<!\\)\{[^{}]*$")
"""What was cut off within braces."""

_SOMETHING = re.compile(r"\w")
_UNIT_SIGNS = re.compile(r"\\?\$|\\?%|\^\s?(?:\{\s?\\circ\s?\}|\\circ)|°|\\degree(?:s\b)?|€|£")
_DEGREES = re.compile(
    r"(\\(?:sin|cos|tan|cot|sec|csc)(?:\^\{?\d\}?)?)\s*(?:\\left)?[({]?\s*(\d{1,4}(?:\.\d{1,9})?)\s?(?:\^\s?(?:\{\s?\\circ\s?\}|\\circ)|°)\s*(?:\\right)?[)}]?"
)
_GROUP = re.compile(r"(?<=\d)(?:\s?\{,\s?\}\s?|,\\!\s{0,3}|\\!,\s{0,3}|,(?!\s)|\\,)(?=\d{3}(?!\d))")
_NOISE = re.compile(r"(?<!\\)\\(?:left|right|displaystyle|quad|qquad|big|Big)(?![a-zA-Z])|(?<!\\)\\[,!;:\s]|[~\s]+")
_AFTER_COMMAND = re.compile(r"(?<!\\)(\\[a-zA-Z]+)\s+(?=[a-zA-Z])")
_UNIT = re.compile(r"\\(?:text|mbox|mathrm|textrm|textbf)\s*\{\s*([^{}]{0,60})\}(?:\^\{?\d\}?)?$")
_PLAIN_UNIT = re.compile(
    r"(?<=[\d}])\s*(?:percentage|percent|pct|(?:square|cubic)?\s+[a-zA-Z]{2,20}(?:\^\{?[23]\}?|[²³])?)$"
)
_ORDINAL = re.compile(
    r"(?<=\d)(?:\^\s?\{?\s?)?\\(?:text|mbox|mathrm|textrm)\s*\{\s*(?:st|nd|rd|th)\s*\}\s?\}?(?:\\?\s+[a-zA-Z]{2,20})?\s*$"
)
_ANSWER_SAID = phrase(
    r"^\\(?:text|mbox|mathrm|textrm|textbf)\s*\{\s*(?:the\s)?(?:final\s)?answer(?:\sis)?\s?[:=]?\s*\}[:=\s]*"
)
_BASE_SAID = phrase(rf"_\{{?\s?\\(?:text|mathrm|mbox|textrm)\s?\{{\s?(?:base\s)?({WORD})\s?\}}\s?\}}?")
_SAME_SIGNS = re.compile(
    r"(?P<open>\\langle)|(?P<close>\\rangle)|\\varnothing|\\\{\s*\\\}|∅|(?P<about>^\s*(?:\\(?:approx|simeq|sim)(?![a-z])|≈))"
)
_EDGES = re.compile(r"^(?:[∴→⇒\"]|\\displaystyle(?![a-zA-Z])|\\[\s,;:!]|[~\s])+|(?<!\\)(?:\\[\s,;:!]|[~\s\"])+$")
_EMPHASIS = re.compile(r"\\(?:mathbf|boldsymbol|bm|mathit|mathsf|underline|textbf|boxed|fbox)\s*\{")
r"""What a whole answer may be wrapped in; \mathbf{v} within one is a vector's name."""
_OPTION = re.compile(r"\\(?:text|mbox|mathrm|textrm|textbf|mathbf)\s*\{\s*\(([A-Z])\)(?:\s[^{}]*)?\}")
"""An option's letter, alone or before the option's text."""
_MIXED = re.compile(r"-?\d+\s+\d+/\d+")
_ROOT_SIGN = re.compile(r"√\s?(\d+(?:\.\d+)?|[a-zA-Z]|\([^()]{1,40}\))")
_PLAIN_PI = re.compile(r"(?<![\\a-zA-Z])pi(?![a-zA-Z])")
_PLAIN_TIMES = re.compile(r"(?<=[\w)}])\*(?=[\w(\\])")
_TEXT = re.compile(r"\\(?:text|mbox|mathrm|textrm|textbf|mathbf)\s*\{\s*([^{}]{0,100}?)\s*\}")
_SHORT_FRACTION = re.compile(r"\\frac(?:\{(\w+)\}|(\w|\\pi))(?:\{(\w+)\}|(\w|\\pi(?![a-zA-Z])))")
_SHORT_ROOT = re.compile(r"\\sqrt(\w)")
_INDEX = re.compile(r"_(\w)")
_ESCAPED_TWICE = re.compile(r"\\\\(?=[a-zA-Z])")
_NUMBER_ONLY = re.compile(
    r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?|[-+]?\d+/\d+|[-+]?\d*\\frac\{-?\d+\}\{-?\d+\}"
    r"|-?\d+(?:\.\d+)?\\(?:times|cdot)10\^(?:\{-?\d{1,2}\}|\d)|\(-?(?:\d+(?:\.\d+)?|\\frac\{\d+\}\{\d+\}|\d+/\d+)\)"
)
_ASSIGNED = re.compile(r"^[a-zA-Z](?:_\{?\w\}?|\([a-z]\))?(?:=(?=(?:\\[a-z]+|[^=a-zA-Z])+$)|\\in(?![a-z])(?!.*=))")
_ASSIGNMENT = r"([a-zA-Z])\s?=\s?([^=,;]{1,40}?)"
_AND = r"\s*(?:,|;|(?:,\s?)?(?:\band\b|\\text\{\s?and\s?\}))\s*"
_ASSIGNMENTS = re.compile(rf"{_ASSIGNMENT}{_AND}{_ASSIGNMENT}(?:{_AND}{_ASSIGNMENT})?")
_POINT = re.compile(r"^\(\w(?:\s?,\s?\w)+\)\s?=\s?(?=\()")
_NO_SOLUTION = phrase(r"(?:no|there\sare\sno)(?:\sreal)?\ssolutions?|(?:the\s)?empty\sset")
_WORDS = re.compile(r"\(?[A-Za-z]{2,}(?:[ '-][A-Za-z]+){0,5}\)?|\([A-Za-z]\)")


def normal_latex(text: str) -> str | None:
    r"""Returns an expression in one spelling; None for what is empty, too long or nested too deeply to be an answer.

    It is a spelling, not a meaning: \frac{1}{2} and 0.5 are both "0.5", but 2x and x+x stay apart, which grading
    knows to be equal. "A number" with commas is one only where they stand as thousands do, outside brackets.
    """
    if "\\begin" not in text:
        text = _ESCAPED_TWICE.sub(r"\\", text)
    text = _DEGREES.sub(r"\1(\\frac{\2\\pi}{180})", text.strip())
    text = _UNIT_SIGNS.sub("", text).replace("\\cfrac", "\\frac")
    text = _BASE_SAID.sub(lambda base: f"_{{{normal_number(base[1])}}}", _SAME_SIGNS.sub(_same_sign, text))
    text = text.replace("dfrac", "frac").replace("tfrac", "frac").strip().rstrip(" .,;:")
    if (
        not _SOMETHING.search(text)
        or len(text) > LONGEST_EXPRESSION
        or _OPEN_BRACE.search(text)
        or _depth(text) > DEEPEST_NESTING
    ):
        return None
    if option := _OPTION.match(text):
        return option[1]
    text = _unwrapped(_ANSWER_SAID.sub("", _EDGES.sub("", text)))
    if _MIXED.fullmatch(text):
        return normal_number(text)
    text = _PLAIN_PI.sub(r"\\pi ", _PLAIN_TIMES.sub(r"\\cdot ", text))
    text = _assigned(_POINT.sub("", text))
    text = _ORDINAL.sub("", _without_unit(_ROOT_SIGN.sub(r"\\sqrt{\1}", text)))
    said = _TEXT.sub(r"\1", text).strip()
    if _NO_SOLUTION.fullmatch(said):
        return r"\emptyset"
    if _WORDS.fullmatch(said) and (spelt := list(spelt_numbers(said, 0, len(said)))) and spelt[0].end == len(said):
        return normal_number(said)
    if _WORDS.fullmatch(said):
        return said.strip("() ") if len(said.strip("() ")) == 1 else said.strip("() ").casefold()
    if "(" not in text and "[" not in text:
        text = _GROUP.sub("", text)
    text = _NOISE.sub("", _AFTER_COMMAND.sub("\\1\0", text)).replace("{,}", ",").replace("\0", " ")
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", _SHORT_FRACTION.sub(_full_fraction, text))
    text = _ASSIGNED.sub("", _INDEX.sub(r"_{\1}", text))
    if repeated := REPEATING.fullmatch(text):
        return repeating(*repeated.groups())
    if _NUMBER_ONLY.fullmatch(text):
        return normal_number(text.strip("()")) or text
    return text or None


def _assigned(text: str) -> str:
    """Returns what several variables are ("y = 7, x = 3") as a point in their order, "(3,7)"; all else as it is."""
    found = _ASSIGNMENTS.fullmatch(text)
    values = [group for group in found.groups() if group] if found else []
    named = sorted(zip(values[::2], values[1::2], strict=True))
    return f"({','.join(value for _, value in named)})" if len({name for name, _ in named}) > 1 else text


def _same_sign(sign: re.Match[str]) -> str:
    r"""Returns one spelling of vectors' brackets, of the empty set, and of what is about right."""
    return "(" if sign["open"] else ")" if sign["close"] else "" if sign["about"] else r"\emptyset"


def _unwrapped(text: str) -> str:
    r"""Takes \mathbf{...} and the like off a whole expression."""
    while (wrapping := _EMPHASIS.match(text)) and balanced(text, wrapping.end() - 1) == text[wrapping.end() : -1]:
        text = text[wrapping.end() : -1].strip()
    return text


def _without_unit(text: str) -> str:
    """Takes a unit off a number, and the wrapping off text that is the whole answer."""
    unit = _UNIT.search(text)
    if unit and text[: unit.start()].strip():
        return text[: unit.start()]
    return _PLAIN_UNIT.sub("", unit[1].strip(" .") if unit else text)


def _full_fraction(match: re.Match[str]) -> str:
    return rf"\frac{{{match[1] or match[2]}}}{{{match[3] or match[4]}}}"


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in text:
        depth += (sign in "({[") - (sign in ")}]")
        deepest = max(deepest, depth)
    return deepest
