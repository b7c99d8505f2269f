"""Options that are named only for the better one to be compared with: "I choose A over B", "A is likelier than B"."""

from __future__ import annotations

import re

from magdi.plugins.answers.options import LONGEST_SAID, Names
from magdi.plugins.answers.phrase import phrase

_COMPARES = phrase(
    r"\s(?:rather than|instead of|as opposed to|in preference to|compared (?:to|with)|over|than|beats|outweighs)\s"
    r"(?:(?:(?-i:an?)|the|both|either|going with|options?|choices?)\s)*"
)
_WORSE = phrase(
    r"(?:\b(?:worse|less|fewer|weaker|poorer|no|not|never|none|nothing|neither|cannot|other)|n't)\b[^,.;!?\n]{0,60}$"
)
_PREFERS = phrase(r"\b(?:prefer|favou?r)s?\b[^,.;!?\n]{0,60}$")
_TO = phrase(r"\s(?:to|over)\s(?:(?:(?-i:an?)|the|options?)\s)*")


def without_comparands(text: str, options: Names) -> str:
    """Returns a text without the options that others are said to be better than.

    What something is worse than, or nothing is better than, stays: "B is less likely than A" says nothing against A.
    """
    kept, start = [], 0
    for match in sorted((*_COMPARES.finditer(text), *_preferred(text)), key=lambda match: match.start()):
        before = text[max(0, match.start() - 80) : match.start()]
        if match.start() < start or _WORSE.search(before):
            continue
        said = text[match.end() : match.end() + LONGEST_SAID]
        labels, rest = options.listed(said)
        if labels and "\n" not in said[: len(said) - len(rest)]:
            kept.append(text[start : match.start()])
            start = match.end() + len(said) - len(rest)
    return "".join([*kept, text[start:]])


def _preferred(text: str) -> list[re.Match[str]]:
    """Returns where "I prefer A to B" goes on to what is not preferred."""
    if "prefer" not in text.lower() and "favo" not in text.lower():
        return []
    return [match for match in _TO.finditer(text) if _PREFERS.search(text, max(0, match.start() - 80), match.start())]
