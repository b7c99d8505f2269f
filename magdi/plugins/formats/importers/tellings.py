"""Transcripts that tell of one discussion again and again: as it grew, or in part beside the whole of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.otel.shown import is_long
from magdi.plugins.formats.importers.otel.words import plain_words
from magdi.plugins.formats.importers.utterances import Utterance

_KEPT = 64
"""So many transcripts wait for one that tells more."""


@dataclass(frozen=True, slots=True)
class Telling:
    """A transcript.

    Attributes:
        item: What holds it.
        said: What was said.
        texts: The words of it.
    """

    item: Item
    said: Sequence[Utterance]
    texts: frozenset[str]


class Tellings:
    """Holds transcripts back until none that follows soon tells more of the same discussion."""

    def __init__(self) -> None:
        self._kept: list[Telling] = []
        self._texts = set[int]()

    def add(self, item: Item, said: Sequence[Utterance], *, beside: bool) -> Iterator[Telling]:
        """Adds a transcript; yields one that has waited long enough.

        Args:
            item: What holds the transcript.
            said: The transcript.
            beside: Whether single messages were read as well, which may be those of the transcript.
        """
        new = Telling(item, said, frozenset(each.text for each in said))
        if beside:
            self._texts.update(map(hash, new.texts))
        last = self._kept[-1] if self._kept else None
        if any(_within(new, other, next_to=other is last) for other in self._kept):
            return
        self._kept = [each for each in self._kept if not _within(each, new, next_to=each is last)] + [new]
        if len(self._kept) > _KEPT:
            yield self._kept.pop(0)

    def left(self) -> Iterator[Telling]:
        """Yields the transcripts that are left."""
        yield from self._kept

    def beginning(self, said: Sequence[Utterance]) -> list[Mapping[str, Any]]:
        """Takes out transcripts all of whose answers are single messages as well; returns the question before them."""
        texts = {each.text for each in said}
        held = [each for each in self._kept if all(one.text in texts for one in each.said if one.kind == "assistant")]
        self._kept = [each for each in self._kept if each not in held]
        return [one.row for those in held[:1] for one in those.said if one.kind == "user"][:1]

    def have(self, said: Iterable[Utterance]) -> bool:
        """Returns whether single messages all stood in transcripts."""
        return bool(self._texts) and all(hash(each.text) in self._texts for each in said if each.kind != "tool")


def _within(one: Telling, other: Telling, *, next_to: bool) -> bool:
    """Returns whether one transcript is the beginning of its neighbour, or any part, in order, that is no accident."""
    if len(one.said) >= len(other.said) or not one.texts <= other.texts:
        return False
    begins = zip(one.said, other.said, strict=False)
    if next_to and all((mine.agent, mine.text) == (its.agent, its.text) for mine, its in begins):
        return True
    answers = [each.text for each in one.said if each.kind == "assistant"]
    rest = iter([each.text for each in other.said])
    known = not answers or any(is_long(plain_words(text)) for text in answers)
    return known and all(each.text in rest for each in one.said)
