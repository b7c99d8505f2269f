"""What an import has read, counted as it goes by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict, cast

from magdi.core.mag import Mag
from magdi.plugins.corpus.statistics.document import Disagreement, judged

_TEST = re.compile(r"(?:^|-)test-\w+$")
"""What ids of a task's test questions end with."""


class ReadCounts(TypedDict):
    """What was read: sums over MAGs; ``judged`` turns say themselves whether they are right, ``agreed`` as we do."""

    mags: int
    turns: int
    edges: int
    answered: int
    right: int
    wrong: int
    judged: int
    agreed: int
    tested: int


class SourceCounts(ReadCounts):
    """What was read of one source."""

    source: str


class ImportFound(TypedDict):
    """What an import has read, what was missing, and where labels differ from what the files say themselves."""

    totals: ReadCounts
    sources: list[SourceCounts]
    disagreements: list[Disagreement]
    out: NotRequired[str]
    skipped: NotRequired[int]
    missing: NotRequired[list[str]]


@dataclass(slots=True)
class Summary:
    """Counts by source, without keeping the MAGs."""

    sources: dict[str, Counter[str]] = field(default_factory=dict)
    disagreements: list[Disagreement] = field(default_factory=list)

    def watch(self, mags: Iterable[Mag]) -> Iterator[Mag]:
        """Yields the MAGs as they are, and counts them."""
        for mag in mags:
            counts = self.sources.setdefault(str(mag.metadata.get("source") or f"({mag.protocol})"), Counter())
            counts.update(mags=1, turns=len(mag.turns), edges=len(mag.edges))
            counts.update(answered=sum(turn.answer is not None for turn in mag.turns))
            counts.update(right=sum(turn.label is True for turn in mag.turns))
            counts.update(wrong=sum(turn.label is False for turn in mag.turns))
            counts.update(tested=mag.metadata.get("split") == "test" or bool(_TEST.search(mag.question.id)))
            said = judged([mag])
            if said is not None:
                counts.update(judged=said["turns"], agreed=said["agreed"])
                self.disagreements += said["disagreements"]
            yield mag

    def document(self) -> ImportFound:
        """Returns totals, sources, and where labels differ from what the files say themselves."""
        return {
            "totals": _read(sum(self.sources.values(), Counter[str]())),
            "sources": [{"source": source, **_read(counts)} for source, counts in self.sources.items()],
            "disagreements": self.disagreements,
        }


def _read(counts: Counter[str]) -> ReadCounts:
    return cast(ReadCounts, {name: counts[name] for name in ReadCounts.__annotations__})
