"""What was missing from recorded discussions, counted as they are read, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The variable by which instrumentations record messages."""
LIMIT = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"
"""The variable by which the SDK cuts attributes off."""


@dataclass(slots=True)
class Tally:
    """Counts, over all that a reader reads.

    Attributes:
        failed: Calls of models that failed without a reply.
        silent: Calls that hold no messages.
        unanswered: Calls of which only the prompt is told.
        empty: Traces without a call.
        other: Items, or messages, that are nothing that somebody has said.
        cut: Spans whose attributes were cut off by the SDK.
        doubts: How many discussions hold what their log does not tell, by what that is.
        asked: What was asked, each question once.
        matched: Those of them that a right answer was found for.
        used: Keys of right answers that were.
    """

    failed: int = 0
    silent: int = 0
    unanswered: int = 0
    empty: int = 0
    other: int = 0
    cut: int = 0
    doubts: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)
    matched: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)

    def lines(self, rows: Sequence[Collection[str]] = ()) -> Iterator[str]:
        """Yields what is to be told, a line each.

        Args:
            rows: The keys of each row of a table of right answers; none where there is no table.
        """
        if rows and self.asked:
            unused = sum(self.used.isdisjoint(keys) for keys in rows)
            found = f"gold: {len(self.matched):,} of {_count(len(self.asked), 'question')} matched"
            yield f"{found}, {_count(unused, 'row')} unused"
        record = f"{_count(self.silent, 'call')} without messages (record them: {CONTENT}=SPAN_ONLY)"
        halves = f"{_count(self.unanswered, 'call')} without a reply (of a batch, import both files)"
        parts = [
            f"{_count(self.failed, 'call')} that failed" if self.failed else "",
            record if self.silent else "",
            halves if self.unanswered else "",
            f"{_count(self.empty, 'trace')} without a call of a model" if self.empty else "",
            f"{_count(self.other, 'item')} that no model has said" if self.other else "",
        ]
        if any(parts):
            yield f"left out: {'; '.join(filter(None, parts))}"
        yield from (f"{_count(number, 'discussion')} {what}" for what, number in sorted(self.doubts.items()))
        if self.cut:
            yield f"{_count(self.cut, 'span')} had attributes that were cut off: raise or unset {LIMIT}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
