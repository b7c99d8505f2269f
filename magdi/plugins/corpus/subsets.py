"""Parts of MAG files: merged, filtered, sampled, and split so that no question stands on both sides.

All but `sample` read a stream and keep 16 bytes a question; `sample` keeps what it has drawn.
"""

from __future__ import annotations

import fnmatch
import hashlib
import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal

from magdi.core.errors import ConfigError, DataError
from magdi.core.files import whole_file
from magdi.core.mag import Mag
from magdi.plugins.formats.importers.matching import fingerprint

Once = Literal["discussion", "question", "none"]
Labels = Literal["right", "wrong", "mixed", "none"]
Key = Literal["protocol", "structure", "task", "labels"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which discussions are kept: those that every field which is set allows.

    Attributes:
        protocols: Names of protocols.
        structures: Graph types, ``G0`` on.
        labels: What labels its turns have: all right, all wrong, both, none at all.
        agents: One of these spoke.
        questions: Patterns (``train-*``), one of which the question's id fits.
        tasks: Tasks of the question.
        metadata: ``KEY=PATTERN`` of the question's metadata; for each key one pattern fits.
        turns: Fewest and most turns.
        length: Fewest and most characters of all that was said.
        inverted: Keep the others.
    """

    protocols: Sequence[str] = ()
    structures: Sequence[str] = ()
    labels: Sequence[Labels] = ()
    agents: Sequence[str] = ()
    questions: Sequence[str] = ()
    tasks: Sequence[str] = ()
    metadata: Sequence[str] = ()
    turns: range = range(1 << 62)
    length: range = range(1 << 62)
    inverted: bool = False

    def __call__(self, mag: Mag) -> bool:
        """Returns whether a discussion is kept."""
        said = sum(len(turn.text) for turn in mag.turns)
        kept = (
            (not self.protocols or mag.protocol in self.protocols)
            and (not self.structures or mag.structure in self.structures)
            and (not self.labels or labels_of(mag) in self.labels)
            and (not self.agents or any(turn.agent in self.agents for turn in mag.turns))
            and (not self.questions or any(fnmatch.fnmatchcase(mag.question.id, each) for each in self.questions))
            and (not self.tasks or mag.question.task in self.tasks)
            and self._told(mag.question.metadata)
            and len(mag.turns) in self.turns
            and said in self.length
        )
        return kept is not self.inverted

    def _told(self, metadata: Mapping[str, object]) -> bool:
        told = {key: str(value) for key, value in metadata.items()}
        asked = [each.partition("=") for each in self.metadata]
        fitting = {key for key, _, pattern in asked if key in told and fnmatch.fnmatchcase(told[key], pattern)}
        return fitting == {key for key, _, _ in asked}


def labels_of(mag: Mag) -> Labels:
    """Returns what labels a discussion's turns have; ``none`` is none at all."""
    found = {turn.label for turn in mag.turns} - {None}
    return "none" if not found else "mixed" if len(found) > 1 else "right" if True in found else "wrong"


def key_of(mag: Mag, key: Key) -> str:
    """Returns what a discussion is counted under."""
    if key == "labels":
        return labels_of(mag)
    return mag.question.task if key == "task" else str(getattr(mag, key))


def once(mags: Iterable[Mag], by: Once) -> Iterator[Mag]:
    """Yields each discussion, or the first discussion of each question, once.

    Two spellings of a question are one question, whatever their ids; two discussions are one where all but their ids
    and metadata is equal.
    """
    if by == "none":
        yield from mags
        return
    seen: set[bytes] = set()
    for mag in mags:
        if (mark := _mark(mag, by)) not in seen:
            seen.add(mark)
            yield mag


def _mark(mag: Mag, by: Once) -> bytes:
    question = fingerprint(mag.question.prompt)
    if by == "question":
        return _digest(question)
    return _digest(question, mag.protocol, mag.model_dump_json(include={"turns", "decision"}))


def _digest(*parts: object) -> bytes:
    return hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=16).digest()


def sample(mags: Iterable[Mag], count: int, seed: int, per: Key | None = None) -> Iterator[Mag]:
    """Yields so many discussions, of each group where there are groups, in the order of the file.

    What is drawn depends on the seed, the discussions' ids and their places alone.
    """
    drawn: dict[str, list[tuple[bytes, int, str]]] = defaultdict(list)
    for place, mag in enumerate(mags):
        # The greatest digests stay: heapq pops the least. The line, not the MAG: it takes a tenth of the memory.
        entry = (_digest(seed, place, mag.id), place, mag.to_line())
        group = drawn[key_of(mag, per) if per else ""]
        (heapq.heappush if len(group) < count else heapq.heappushpop)(group, entry)
    chosen = sorted((place, line) for group in drawn.values() for _, place, line in group)
    return (Mag.model_validate_json(line) for _, line in chosen)


def split(mags: Iterable[Mag], folder: Path, shares: Mapping[str, float], seed: int) -> dict[str, int]:
    """Writes ``folder/NAME.jsonl`` for every share, and returns how many discussions went where.

    A question goes to one side with all of its discussions, whatever its ids and spelling are. Sides are drawn by the
    question, so that a file that has grown is split as before; their sizes are about what the shares say.

    Raises:
        ConfigError: Shares are not positive.
        DataError: A side would stay empty; nothing is written.
    """
    if not all(0 < share < math.inf for share in shares.values()):
        raise ConfigError("shares are positive numbers", hint="e.g. --share train=0.9 --share test=0.1")
    bounds = [total / sum(shares.values()) for total in accumulate(shares.values())]
    counts = dict.fromkeys(shares, 0)
    with ExitStack() as stack:
        files = {name: stack.enter_context(whole_file(folder / f"{name}.jsonl")) for name in shares}
        for mag in mags:
            drawn = int.from_bytes(_digest(seed, fingerprint(mag.question.prompt))[:8], "big") / 2**64
            side = next((name for name, bound in zip(shares, bounds, strict=True) if drawn < bound), list(shares)[-1])
            files[side].write(mag.to_line() + "\n")
            counts[side] += 1
        if empty := [name for name, count in counts.items() if not count]:
            raise DataError(
                f"no question fell to {' and '.join(empty)}: {sum(counts.values()):,} discussions are too few",
                hint="give it a greater share, or another --seed",
            )
    return counts
