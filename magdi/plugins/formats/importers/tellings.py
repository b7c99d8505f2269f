"""Transcripts that tell of one discussion again and again: as it grew, or in part beside the whole of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.otel.shown import is_long
from magdi.plugins.formats.importers.otel.words import plain_words
from magdi.plugins.formats.importers.utterances import Utterance

_KEPT = 64
"""So many transcripts wait for one that tells more."""


class Tellings:
    """Holds transcripts back until none that follows soon tells more of the same discussion."""

    def __init__(self) -> None:
        self._kept: list[tuple[Item, Sequence[Utterance]]] = []
        self._texts = set[int]()

    def add(self, item: Item, said: Sequence[Utterance], *, beside: bool) -> Iterator[Item]:
        """Adds a transcript; yields one that has waited long enough.

        Args:
            item: What holds the transcript.
            said: The transcript.
            beside: Whether single messages were read as well, which may be those of the transcript.
        """
        if beside:
            self._texts.update(hash(each.text) for each in said)
        if any(_within(said, other, next_to=place == 1) for place, (_, other) in enumerate(reversed(self._kept), 1)):
            return
        last = len(self._kept)
        self._kept = [
            each for place, each in enumerate(self._kept, 1) if not _within(each[1], said, next_to=place == last)
        ]
        self._kept.append((item, said))
        if len(self._kept) > _KEPT:
            yield self._kept.pop(0)[0]

    def left(self) -> Iterator[Item]:
        """Yields the transcripts that are left."""
        yield from (item for item, _ in self._kept)

    def beginning(self, said: Sequence[Utterance]) -> list[Mapping[str, Any]]:
        """Takes out transcripts all of whose answers are single messages as well; returns the question before them."""
        texts = {each.text for each in said}
        held = [each for each in self._kept if all(one.text in texts for one in each[1] if one.kind == "assistant")]
        self._kept = [each for each in self._kept if each not in held]
        return [one.row for _, those in held[:1] for one in those[:1] if one.kind == "user"]

    def have(self, said: Iterable[Utterance]) -> bool:
        """Returns whether single messages all stood in transcripts."""
        return bool(self._texts) and all(hash(each.text) in self._texts for each in said if each.kind != "tool")


def _within(one: Sequence[Utterance], other: Sequence[Utterance], *, next_to: bool) -> bool:
    """Returns whether one transcript is the beginning of its neighbour, or any part, in order, that is no accident."""
    if len(one) >= len(other):
        return False
    texts, rest = [each.text for each in one], iter([each.text for each in other])
    answers = [each.text for each in one if each.kind == "assistant"]
    if next_to and [(each.agent, each.text) for each in one] == [(each.agent, each.text) for each in other[: len(one)]]:
        return True
    known = not answers or any(is_long(plain_words(text)) for text in answers)
    return known and all(text in rest for text in texts)
