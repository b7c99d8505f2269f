"""Patterns of words, which mean the same in capitals."""

from __future__ import annotations

import re


def words(*begun: str, otherwise: str = "(?!)") -> str:
    """Returns a pattern of alternatives that begin with a word: all are passed over at once where none begins.

    Args:
        begun: Alternatives, each of which begins where a word does.
        otherwise: One that need not.
    """
    return rf"(?:\b(?=\w)(?:{'|'.join(begun)})|{otherwise})"


def phrase(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compiles a pattern that does not look at case."""
    return re.compile(pattern, flags | re.IGNORECASE)
