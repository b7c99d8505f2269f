"""Patterns of words, which mean the same in capitals."""

from __future__ import annotations

import re


def phrase(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compiles a pattern that does not look at case."""
    return re.compile(pattern, flags | re.IGNORECASE)
