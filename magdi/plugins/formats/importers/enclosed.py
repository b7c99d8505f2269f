"""A transcript that stands as a text in a field of an object: printed, or as JSON, as data sets of logs hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from magdi.plugins.formats.importers.otel.messages import parsed
from magdi.plugins.formats.importers.plain_text import is_talk, talks_in
from magdi.plugins.formats.importers.utterances import ROUNDS, transcript

_DEEPEST = 3
_SHORTEST = 80


def opened(value: Any) -> Any:
    """Returns an object in which a transcript is a text with the transcript opened; anything else as it is.

    What stands beside the text stays (a question, a right answer), but for a round, which is none of the talk's.
    """
    if not isinstance(value, dict) or transcript(value):
        return value
    return next(_talks(value, {}, _DEEPEST), value)


def _talks(value: Mapping[str, Any], around: Mapping[str, Any], deepest: int) -> Iterator[dict[str, Any]]:
    beside = {name: each for name, each in value.items() if name not in ROUNDS and not _is_long(each)}
    for name, each in value.items():
        each = "\n".join(each) if _is_long(each) and isinstance(each, list) else each
        inner = parsed(each) if _is_long(each) else each
        if isinstance(inner, dict) and transcript(inner):
            yield {**around, **beside, name: None, **inner}
        elif isinstance(inner, dict) and deepest:
            yield from _talks(inner, {**around, **beside, name: None}, deepest - 1)
        elif isinstance(inner, list) and transcript(inner):
            yield {**around, **beside, name: inner}
        elif isinstance(inner, str) and _is_long(inner) and is_talk(inner):
            yield {**around, **beside, **talks_in(inner)[0]}


def _is_long(value: Any) -> bool:
    """Returns whether a value is a text, or lines of one, in which somebody may have said something."""
    if isinstance(value, list):
        return len(value) > 1 and all(isinstance(each, str) for each in value)
    return isinstance(value, str) and len(value) >= _SHORTEST
