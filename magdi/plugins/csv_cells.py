"""Cells of CSV files: a spreadsheet that opens one takes no text of a model or of somebody else's file for a formula.

As OWASP advises: a text that begins with a sign which spreadsheets calculate from has an apostrophe before it; so has
one that begins with an apostrophe, so that taking one away gives back what was there. Numbers stay as they are.
"""

from __future__ import annotations

import re

_TAKEN = "=+-@\t\r\n＝＋－＠'"
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.I | re.A)


def cell(value: object) -> object:
    """Returns what a CSV writer is given for a value: itself, and a text that is no number as a text to any reader."""
    if not isinstance(value, str) or value[:1] not in tuple(_TAKEN) or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def text_of(read: str) -> str:
    """Returns the text that `cell` was given, from what a CSV reader finds."""
    return read[1:] if read.startswith("'") else read
