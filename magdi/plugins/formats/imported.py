"""What an import has read, counted as it goes by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from magdi.core.mag import Mag
from magdi.plugins.corpus.statistics.document import Disagreement, judged

_TEST = re.compile(r"(?:^|-)test-\w+$")
"""What ids of a task's test questions end with."""


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

    def document(self) -> dict[str, Any]:
        """Returns totals, sources, and where labels differ from what the files say themselves."""
        totals = sum(self.sources.values(), Counter[str]())
        names = ("mags", "turns", "edges", "answered", "right", "wrong", "judged", "agreed", "tested")
        return {
            "totals": {name: totals[name] for name in names},
            "sources": [{"source": source} | {n: counts[n] for n in names} for source, counts in self.sources.items()],
            "disagreements": self.disagreements,
        }
