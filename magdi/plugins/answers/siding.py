"""Whose answer a text takes that tells what others say: "I agree with the latter", "I side with the minority"."""

from __future__ import annotations

import re

from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.plain_answer import LONGEST
from magdi.plugins.answers.values import SAYS, VALUE

_AGENT = r"(?:agent|solver|expert|debater|participant|student)\s\w+"
_COUNT = r"(?:one|two|three|four|five|most|many|both|all|a\s(?:majority|minority))"
_TELLS = phrase(
    rf"\b(?P<who>{_AGENT}|{_COUNT}|the\s(?:majority|minority|rest|others?))(?:\s(?:of\s(?:the|them)|agents?|others?|solvers?)){{0,2}}\s"
    rf"(?:{SAYS}|argued(?:\sfor)?|gives?|gave|(?=for\s)|(?=:))[\s:\"]{{0,3}}(?:that\s)?(?:it\sis\s|the\sanswer\sis\s|for\s)?"
    rf"(?P<v>{VALUE})|\band\s(?P<and>{_AGENT})\s(?:for\s)?(?P<w>{VALUE})"
)
_BETTER = (
    r"(?:more\s(?:convincing|plausible|compelling|persuasive|careful|sound)|sounder|stronger|better|right|correct)\b"
)
_SIDES = phrase(
    r"(?:\bI\s(?:\w+ly\s|would\s)?(?:agree|side|concur|go|stick|stand)\swith\s(?:what\s)?the\s(?P<with>former|latter|first|second|last|majority|minority|one"
    r"|others?)(?:\s(?:one|agent|view|answer|says?))?"
    rf"|\bthe\s(?P<which>former|latter|majority|minority)(?:'s\s\w+)?\s(?:convinces\sme|(?:is|are|seems?)\s{_BETTER})"
    rf"|\b(?P<agent>{_AGENT})(?:(?:'s\s\w+)?\s(?:is|seems)\s(?:{_BETTER}|(?P<not>wrong|mistaken|incorrect|false)\b)|'s\s\w+\sconvinces\sme"
    r"|\s(?:has|got|gets)\sit\sright))(?:,?\s(?:as|because|since|for)\b[^\n]{0,200})?[\s.!]*\Z"
)
_OF_SIDES = (" with the ", "the former", "the latter", "ority", "agent", "solver", "expert", "debater", "student")
_FIRST, _LAST = ("former", "first"), ("latter", "second", "last")
_FEW = ("one", "a minority", "the minority")


def sided(text: str) -> str:
    """Returns a text that ends with whom its writer agrees with, of two who say different things, with their answer."""
    start = max(0, len(text) - LONGEST)
    end = text[start:].lower()
    side = _SIDES.search(text, start) if any(sign in end for sign in _OF_SIDES) else None
    if side is None:
        return text
    told = [(each["who"] or each["and"], each["v"] or each["w"]) for each in _TELLS.finditer(text, start, side.start())]
    answer = _taken(side, [(who.lower(), value) for who, value in told])
    return text if answer is None else f"{text[: side.start()]}My answer is {answer}."


def _taken(side: re.Match[str], told: list[tuple[str, str]]) -> str | None:
    if len(told) != 2 or told[0][1] == told[1][1]:
        return None
    (one, first), (other, second) = told
    if side["agent"]:
        agent = side["agent"].lower()
        if agent not in (one, other):
            return None
        return first if (agent == one) != bool(side["not"]) else second
    which = (side["with"] or side["which"]).lower()
    if which in _FIRST:
        return first
    if which in _LAST:
        return second
    few = [who in _FEW for who in (one, other)]
    if sum(few) != 1:
        return None
    return first if few[0] == (which in ("one", "minority")) else second
