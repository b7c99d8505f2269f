"""Whether a reply ends where its writer ended it, or was cut off: by the model's limit, by an error, or by a recorder.

What says so is the span itself: why the model stopped, under whatever name; a mark at the end of the text; JSON that
does not end, or several texts of one and the same round length, where the SDK limits the length of attributes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from magdi.plugins.formats.importers.otel.messages import parsed
from magdi.plugins.formats.importers.otel.span import Span

_REASON = re.compile(r"(?:finish|stop|done)_?reasons?|incomplete_?details", re.IGNORECASE)
_LENGTHS = {
    *("length", "maxtokens", "maxoutputtokens", "maxlength", "maxnewtokens", "modellength", "tokenlimit"),
    *("contextlength", "contextlengthexceeded", "modelcontextwindowexceeded", "truncated"),
}
_MENTIONED = re.compile(r"(?:length|max|limit|exceeded|truncated)", re.IGNORECASE)
_SPOKEN = re.compile(r"output|completion|choice|response|reply|generation|result", re.IGNORECASE)
_GIVEN = re.compile(r"input|prompt|request", re.IGNORECASE)
_ANOTHER = re.compile(r"\.[1-9]\d*\.")
_MARK = re.compile(
    r"\s*(?:\.{3}|…)?\s*[\[(<]\s*(?:\.{3}|…)?\s*(?:(?:text|output|response|content|message)\s+)?(?:was\s+)?truncated\b"
    r"[^\])>\n]{0,40}[\])>]\s*\Z|\s*(?:\.{3}|…)\s*truncated\W*\Z",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"\S*\w\Z")
_SHORTEST = 64
_ROUND = (64, 50)


def certain(span: Span, text: str) -> str | None:
    """Returns what is certain of a reply that was cut off; None where nothing says that it was.

    Args:
        span: The span of the call.
        text: The reply.
    """
    if mark := _MARK.search(text):
        return _LAST_WORD.sub("", text[: mark.start()])
    if span.failed or _is_cut_in(span, text):
        return _LAST_WORD.sub("", text)
    return text if _ran_out(span) else None


def is_cut(span: Span) -> bool:
    """Returns whether attributes of a span were cut off at the SDK's limit."""
    return any(_is_torn(value) for value in _texts(span)) or _limit(span) > 0


def _is_cut_in(span: Span, text: str) -> bool:
    torn = any(_is_torn(str(value)) for name, value in span.attributes.items() if _is_spoken(name))
    return torn or 0 < _limit(span) == len(text)


def _texts(span: Span) -> Iterator[str]:
    yield from (value for value in span.attributes.values() if isinstance(value, str))


def _is_torn(value: str) -> bool:
    """Returns whether a text is JSON that does not end."""
    head = value.lstrip()[:2]
    if head not in ("[{", '{"') or all(value.count(one) == value.count(other) for one, other in ("{}", "[]")):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError) as error:
        position = getattr(error, "pos", 0)
        return position >= len(value.rstrip()) or str(error).startswith("Unterminated string")
    return False


def _limit(span: Span) -> int:
    """Returns the length that the longest texts of a span share, where it is a round one; 0 where there is none."""
    lengths = Counter(map(len, set(_texts(span))))
    longest = max(lengths, default=0)
    shared = longest >= _SHORTEST and lengths[longest] > 1
    return longest if shared and any(longest % each == 0 for each in _ROUND) else 0


def _ran_out(span: Span) -> bool:
    """Returns whether a span says anywhere that the model had no more tokens for its first choice."""
    told = (span.attributes, *(event.attributes for event in span.events))
    return any(_is_length(_reason(name, value)) for attributes in told for name, value in attributes.items())


def _reason(name: str, value: object) -> object:
    """Returns the reason that an attribute holds, the first where it holds several; None where it holds none."""
    if _GIVEN.search(name) or _ANOTHER.search(name):
        return None
    if any(_REASON.fullmatch(part) for part in name.split(".")[-2:]):
        return value
    named = _is_spoken(name) or name in ("message", "body", "events")
    return next(_inside(value), None) if named else None


def _is_spoken(name: str) -> bool:
    return _SPOKEN.search(name) is not None and _GIVEN.search(name) is None


def _inside(value: Any) -> Iterator[object]:
    """Yields the reasons in a reply's objects, in their order; JSON is parsed only where one may count."""
    if isinstance(value, str):
        if value.lstrip()[:1] in ("[", "{") and _REASON.search(value) and _MENTIONED.search(value):
            value = parsed(value)
            yield from () if isinstance(value, str) else _inside(value)
    elif isinstance(value, list):
        for each in value:
            yield from _inside(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if _REASON.fullmatch(str(name).rpartition(".")[2]):
                yield from [each] if each else []
            elif str(name) not in ("content", "text", "parts"):
                yield from _inside(each)


def _is_length(value: Any) -> bool:
    if isinstance(value, str) and value[:1] in ("[", "{"):
        value = parsed(value)
    if isinstance(value, dict):
        return any(map(_is_length, value.values()))
    if isinstance(value, list | tuple):
        return bool(value) and _is_length(value[0])
    return re.sub(r"[^a-z]", "", str(value).lower().rpartition(".")[2]) in _LENGTHS
