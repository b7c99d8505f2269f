"""Which MAGs are learned from: by graph type, by lot, or as many as a number of calls has paid for.

Questions that they discuss do not show what a student can do with others.

What is drawn by lot goes by a hash of seed and id, so that it depends neither on the file's order nor on what else is
drawn, and a smaller share is part of a larger one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from magdi.core.config.models import Kept
from magdi.core.errors import DataError, MagFileError
from magdi.core.mag import Mag, Question, read_mags, write_mags
from magdi.core.run.directory import RunDirectory

KEPT = "learned.jsonl"
"""Name of the file of MAGs that are learned from, in the run's directory, where they are not all of them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What decides whether a MAG is kept.

    Attributes:
        place: Its place in the file, from 0.
        id: Its id.
        structure: Its graph type.
        calls: Calls of teachers that it took.
    """

    place: int
    id: str
    structure: str
    calls: int


def calls(mag: Mag) -> int:
    """Returns the calls of teachers that a discussion took, replies that could not be read included."""
    return sum(turn.attempts for turn in mag.turns)


def learned_from(mags: Path, keep: Kept, seed: int) -> Path:
    """Returns the file of MAGs that are learned from: the one given, or one beside it with those that are kept.

    Raises:
        DataError: None is kept.
    """
    if keep == Kept():
        return mags
    target = mags.with_name(KEPT)
    write_mags(target, kept(mags, keep, seed))
    return target


def kept(mags: Path, keep: Kept, seed: int) -> Iterator[Mag]:
    """Yields the MAGs of a file that are kept.

    Raises:
        DataError: None is.
    """
    if keep == Kept():
        yield from read_mags(mags)
        return
    entries = [Entry(place, mag.id, mag.structure, calls(mag)) for place, mag in enumerate(read_mags(mags))]
    wanted = places(entries, keep, seed)
    if not wanted:
        raise DataError(f"discussion.keep leaves none of the MAGs in {mags}")
    yield from (mag for place, mag in enumerate(read_mags(mags)) if place in wanted)


def places(entries: Sequence[Entry], keep: Kept, seed: int) -> set[int]:
    """Returns the places of the MAGs that are kept; see `magdi.core.config.models.Kept`."""
    left = [entry for entry in entries if keep.structures is None or entry.structure in keep.structures]
    if keep.as_many_as is not None:
        left = drawn(left, sum(entry.structure in keep.as_many_as for entry in entries), seed)
    if keep.share < 1:
        left = drawn(left, max(1, round(keep.share * len(left))), seed)
    if keep.calls is not None:
        left = _affordable(left, keep.calls)
    return {entry.place for entry in left}


def drawn(entries: Sequence[Entry], count: int, seed: int) -> list[Entry]:
    """Returns so many entries by lot, in their order."""

    def lot(entry: Entry) -> bytes:
        return hashlib.blake2b(f"{seed}:{entry.id}".encode(), digest_size=8).digest()

    return sorted(sorted(entries, key=lot)[:count], key=lambda entry: entry.place)


def _affordable(entries: Sequence[Entry], most: int) -> list[Entry]:
    paid: list[Entry] = []
    spent = 0
    for entry in entries:
        spent += entry.calls
        if spent > most:
            break
        paid.append(entry)
    return paid


def learned_mags(run: RunDirectory) -> Path | None:
    """Returns the file of the MAGs that a run's student has learned from; None where it is not there any more."""
    return next((file for file in (run.path / KEPT, run.mags) if file.is_file()), None)


def count_known(questions: Sequence[Question], mags: Path) -> int:
    """Returns how many of the questions the MAGs of a file discuss; lines that cannot be read are passed over."""
    bad: list[MagFileError] = []
    asked = {question.text for question in questions}
    discussed = {mag.question.text for mag in read_mags(mags, on_bad_line=bad) if mag.question.text in asked}
    return sum(question.text in discussed for question in questions)


def warning(known: int, count: int, who: str) -> str:
    """Returns what is said where some of the questions are known."""
    return (
        f"warning: {known:,} of {count:,} evaluated questions were among those that {who} learned from; "
        "its accuracy is not that on held-out questions"
    )
