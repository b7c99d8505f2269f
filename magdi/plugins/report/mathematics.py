"""Whether a text may have mathematics in it: what decides whether a page brings what draws them."""

from __future__ import annotations

import re

_MATHEMATICS = re.compile(r"\\\(|\\\[|\\begin\{|\$\$|(?<![\w\\$])\$[^\s$](?:[^$\n]*[^\s$\\])?\$(?![\w$])")
"""More than what `assets/prose.js` takes for mathematics, which looks closer at sums of money."""


def may_have_mathematics(text: str) -> bool:
    """Returns whether a page that shows the text should be able to draw mathematics."""
    return ("$" in text or "\\" in text) and _MATHEMATICS.search(text) is not None
