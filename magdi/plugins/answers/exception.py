"""The option that is set apart from all the others: "all but D can be ruled out", "none except (B) fits"."""

from __future__ import annotations

import re

from magdi.core.verdict import Rule
from magdi.plugins.answers.options import Names
from magdi.plugins.answers.statements import Found

_MANY = r"\b(?P<many>(?P<none>none|nothing|no)|all|every(?:thing)?|each|any(?:thing)?)\b"
_THINGS = (
    r"(?:\s(?:of\s)?(?:the\s|these\s|those\s)?(?:other\s)?(?:option|choice|answer|alternative|one)s?"
    r"|\s(?:of\s)?(?:them|these|those|it)|\selse)?"
)
_BUT = r"(?:but|except(?:\sfor)?|other\sthan|besides|apart\sfrom|aside\sfrom|with\sthe\sexception\sof)"
_EXCEPT = re.compile(rf"{_MANY}{_THINGS},?\s{_BUT}\s(?:(?:option|choice|answer)\s)?", re.IGNORECASE)
_FIRST = re.compile(
    r"\W*(?:\w+,\s)?(?:apart\sfrom|aside\sfrom|except\sfor|other\sthan|besides|with\sthe\sexception\sof)\s(?:(?:option|choice|answer)\s)?",
    re.IGNORECASE,
)
_THEN = re.compile(rf"[\s).\]]*,?\s*{_MANY}", re.IGNORECASE)
_AGAINST = re.compile(
    r"\b(?:rul\w+\sout|eliminat\w+|exclud\w+|discard\w*|dismiss\w*|reject\w*|wrong|incorrect|false|impossible|implausible|invalid"
    r"|inappropriate|irrelevant|unlikely|cannot|not|fails?|lacks?)\b|n't\b",
    re.IGNORECASE,
)


def set_apart(text: str, options: Names) -> Found | None:
    """Returns what a clause says of the option that it excepts from what it says of all, or of none, of the others."""
    match = _FIRST.match(text)
    if match:
        labels, rest = options.listed(text[match.end() :])
        many = _THEN.match(rest)
    else:
        match = many = _EXCEPT.search(text)
        labels, rest = options.listed(text[match.end() :]) if match else ([], "")
    if match is None or many is None or len(labels) != 1:
        return None
    against = _AGAINST.search(rest) or _AGAINST.search(text, 0, match.start())
    if bool(many["none"]) != bool(against):
        return Found(labels[0], Rule.CONCLUSION, 1)
    return Found(None, Rule.CONCLUSION, 1, tuple(labels))
