"""Options that a text sorts into right and wrong: "Correct: A; incorrect: B, C", "we can rule out A and B", ticks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from magdi.core.verdict import Rule
from magdi.plugins.answers.options import Names
from magdi.plugins.answers.statements import Found

_THE_OPTIONS = r"(?:(?:both|all|the|of|these|options?|choices?|answers?)\s)*"
_FRONTED = re.compile(
    rf"\W*(?:(?:so|thus|therefore|hence),?\s)?(?:among|amongst|of|out\sof|from|between|comparing|considering|given|both"
    rf"|(?:after\s|by\s|having\s|with\s)?(?:rul\w+\sout|eliminat\w+|exclud\w+|discard\w+|dismiss\w+|reject\w+))\s{_THE_OPTIONS}",
    re.IGNORECASE,
)
_BEHIND_LIST = re.compile(r"[\s)\].]*,\s+")
_HEADED = re.compile(
    r"[\W_]*(?:all\s|the\s)?(?:(?P<right>correct|right|true|valid)|(?P<wrong>(?:in|not\s)correct|wrong|false|invalid|eliminated|ruled\sout|rejected))"
    r"(?:\s(?:options?|choices?|answers?|ones?))?\s?[:=]\s*",
    re.IGNORECASE,
)
_RULES_OUT = re.compile(
    rf"\b(?:rul(?:e|ed|ing)\sout|eliminat(?:e|ed|ing)|exclud(?:e|ed|ing)|discard(?:ed|ing)?|dismiss(?:ed|ing)?|reject(?:ed|ing)?)\s{_THE_OPTIONS}",
    re.IGNORECASE,
)
_NEITHER = re.compile(
    r"(?:^|[\s,])(?:unlike|(?:neither|nor)\s(?:is|are|was|can|could|does|do|will|would|has|have))\s", re.IGNORECASE
)
_NOT = re.compile(r"\b(?:not|never|cannot|neither)\b|n't\b|\bwould\b", re.IGNORECASE)
_TICKS = re.compile("(?P<starts>^[ \\t*>|-]*)?(?:(?P<right>[✓✔✅☑])|[✗✘❌✖])\ufe0f?[ \\t]*", re.MULTILINE)


def without_ticks(text: str) -> str:
    """Returns a text in which ticks and crosses, before or behind an option, are said in words."""

    def said(tick: re.Match[str]) -> str:
        word = "correct" if tick["right"] else "wrong"
        return f"{word}: " if tick["starts"] is not None else f" is {word}.\n"

    return _TICKS.sub(said, text)


def without_lead(text: str, options: Names) -> str:
    """Returns a clause without the options that it only begins with: "Among A, B and C, only C ..."."""
    lead = _FRONTED.match(text)
    labels, rest = options.listed(text[lead.end() :]) if lead else ([], "")
    end = _BEHIND_LIST.match(rest)
    return rest[end.end() :] if end and len(labels) > 1 else text


def sorted_out(text: str, options: Names) -> Iterator[Found]:
    """Yields what a clause says of options that it heads as right or wrong, or rules out."""
    headed = _HEADED.match(text)
    if headed:
        labels, rest = options.listed(text[headed.end() :])
        if labels and headed["wrong"]:
            yield Found(None, Rule.CONCLUSION, 1, tuple(labels))
        elif labels:
            yield Found(
                labels[0] if len(labels) == 1 else None, Rule.CONCLUSION if len(labels) == 1 else Rule.UNDECIDED, 1
            )
    elif (out := _NEITHER.search(text)) or ((out := _RULES_OUT.search(text)) and not _NOT.search(text, 0, out.start())):
        labels, _ = options.listed(text[out.end() :])
        if labels:
            yield Found(None, Rule.CONCLUSION, 1, tuple(labels))
