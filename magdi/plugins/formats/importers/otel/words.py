"""A text as words: what stays the same however it is wrapped, marked up, escaped or quoted."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

_WORD = re.compile(r"(?<![\w.])-?\d+(?:[.,]\d+)*|[^\W\d_]+|[+=/%^×÷€$£≤≥≠√π]|(?<=\w)[-*](?=\w)")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([nrtbf\"/\\]))")
_OPENS = re.compile(r"\n|[:>\]|}]\W*$|[:\[{,]\s*[\"“«'‘(`]\W*$|```")
_CLOSES = re.compile(r"[^\w\n]*\n|[\s.,;:!?*_]*[<\[`\"”»)|{'’]")
_STOPS = re.compile(r"[*_\"'”’)]*[.,;!?\n]")
_LEFT_OUT = re.compile(r"\.\.\.|…|\[(?:cut|truncated|snip|omitted)|<truncated", re.IGNORECASE)
_TIMES = 3
GONE = "\x1f"
"""Stands where words were that have been found to be somebody's."""


class Marks(NamedTuple):
    """Places in a text of words, told by what stands between these.

    Attributes:
        opens: Where something may begin that fills its place.
        closes: Where such a thing may end.
        stops: Where a sentence may end.
        cuts: Where the text says that something was left out.
    """

    opens: frozenset[int]
    closes: frozenset[int]
    stops: frozenset[int]
    cuts: frozenset[int]


class Text:
    """A text as it was written, and its words.

    Args:
        text: A message of a prompt.
        names: What speakers are called, folded: ``ben: ...`` ends what the one before has said.

    Attributes:
        words: Its words, one space between them and at both ends.
        is_cut: Whether it says that something was left out.
    """

    def __init__(self, text: str, names: frozenset[str] = frozenset()) -> None:
        self._text, self._names = text, names
        self.words = plain_words(text)
        self.is_cut = _LEFT_OUT.search(text) is not None

    @cached_property
    def marks(self) -> Marks:
        """Where something may begin and end."""
        text, names, (words, places) = self._text, self._names, words_of(self._text)
        found: tuple[set[int], ...] = (set(), set(), set(), set())
        at, gap = 0, "\n"
        for number, (_, end) in enumerate(places):
            after = text[end : places[number + 1][0]] if number + 1 < len(places) else f"{text[end:]}\n"
            ends = at + len(words[number]) + 1
            here = (
                (at, not number or _OPENS.search(gap) or _named(words, number, names, gap)),
                (ends, _CLOSES.match(after) or _labels(words, places, text, number + 1, names)),
                (ends, _STOPS.match(after)),
                (ends, _LEFT_OUT.search(after)),
            )
            for kind, (place, marked) in zip(found, here, strict=True):
                if marked:
                    kind.add(place)
            at, gap = ends, after
        if _LEFT_OUT.search(text[: places[0][0]] if places else ""):
            found[-1].add(0)
        return Marks(*map(frozenset, found))


@dataclass(slots=True)
class Left:
    """What is left of a text while replies are taken out of it.

    Attributes:
        source: The text.
        words: Its words; those that are taken out leave `GONE` behind, so that places stay what they are.
        replies: How many replies were found in it.
    """

    source: Text
    words: str
    replies: int = 0

    def take(self, start: int, end: int) -> None:
        """Takes out the words between two places."""
        self.words = self.words[:start] + GONE * (end - start) + self.words[end:]


@lru_cache(maxsize=2048)
def plain_words(text: str) -> str:
    """Returns a text's words as one text; "" where there are none."""
    found = words_of(text)[0]
    return f" {' '.join(found)} " if found else ""


@lru_cache(maxsize=2048)
def words_of(text: str) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Returns a text's words in their usual form, and where in the text each stands."""
    places, words = list[tuple[int, int]](), list[str]()
    for found in _WORD.finditer(text):
        word = found[0].replace(",", "") if found[0][-1:].isdigit() else found[0]
        words.append(word.casefold() if word.isascii() else unicodedata.normalize("NFKC", word).casefold())
        places.append(found.span())
    return tuple(words), tuple(places)


def _named(words: tuple[str, ...], number: int, names: frozenset[str], gap: str) -> bool:
    """Returns whether a quotation begins here that somebody is named for: ``ben said "yes"``."""
    return gap.endswith(('"', "“", "«", "'", "‘")) and not names.isdisjoint(words[max(0, number - 3) : number])


def _labels(
    words: tuple[str, ...], places: tuple[tuple[int, int], ...], text: str, number: int, names: frozenset[str]
) -> bool:
    """Returns whether a speaker's name stands at a word, and a colon soon after."""
    for length in (1, 2, 3):
        if " ".join(words[number : number + length]) in names and number + length <= len(places):
            after = text[places[number + length - 1][1] :][:30].partition("\n")[0]
            return ":" in after or after.lstrip(" *_`)]")[:1] == ">"
    return False


def unescaped(text: str) -> str:
    """Returns a text that stands in JSON or HTML as it was before it was put there; others as they are."""
    for _ in range(_TIMES):
        before = text
        text = _ESCAPED.sub(_character, text) if "\\" in text else text
        text = html.unescape(text) if "&" in text else text
        if text == before:
            break
    return text


def _character(found: re.Match[str]) -> str:
    if found[1]:
        code = int(found[1], 16)
        return " " if 0xD800 <= code < 0xE000 else chr(code)
    return {"n": "\n", "r": "\n", "t": "\t", "b": " ", "f": " "}.get(found[2], found[2])
