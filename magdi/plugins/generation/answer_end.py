"""When an answer is complete: nothing is generated, and nothing read, beyond it."""

from __future__ import annotations

import re

_COMPLETE = re.compile(
    r"""
      \banswer(?:\ is|:)(?!\ not\b)
        (?=[^\n]{0,40}?(?:\d|\b[A-J]\b|\b(?:yes|no|true|false)\b|[\\$]))  # not "the answer is clear."
        [^\n.!?]{0,80}
        (?:(?:\.\d|[.](?=\S))[^\n.!?]{0,40}){0,4}   # a decimal point is no full stop
        (?:[.!?](?=\s)|\n)
    | \#\#\#\#\ *[^\n]{1,80}\n
    """,
    re.VERBOSE | re.IGNORECASE,
)

LOOK_BACK = 48
"""Tokens at the end of an unfinished output in which a complete answer is looked for."""
LOOK_EVERY = 8
"""Tokens between two looks."""


def answer_end(text: str) -> int | None:
    """Returns where the first complete answer in a text ends; None where there is none yet.

    Complete is "the answer is 42." or "#### 42" once something stands behind it, so that "4." can become "4.2".
    """
    found = _COMPLETE.search(text)
    return len(text[: found.end()].rstrip()) if found else None
