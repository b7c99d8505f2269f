"""What reads a file of discussions holds few of them at a time, however many there are."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from magdi.core.mag import Mag
from magdi.plugins.corpus import parquet
from magdi.plugins.corpus.check import check_mags
from magdi.plugins.corpus.files import pick
from magdi.plugins.corpus.statistics import describe
from magdi.plugins.formats.exporters.tables import Dataset, Parquet
from magdi.plugins.report import discussions
from tests.core.corpus.mag_samples import talk


class Passing:
    """Discussions that go by; knows the most that were there at once."""

    def __init__(self, count: int) -> None:
        self.count, self.most = count, 0
        self._alive = 0

    def __iter__(self) -> Iterator[Mag]:
        for number in range(self.count):
            mag = talk(f"m{number}")
            self._alive += 1
            self.most = max(self.most, self._alive)
            weakref.finalize(mag, self._gone)
            yield mag
            del mag

    def _gone(self) -> None:
        self._alive -= 1


def page(mags: Any, folder: Path) -> None:
    discussions.Discussions().read(mags)


@pytest.mark.parametrize(
    ("work", "most"),
    [
        (lambda mags, folder: describe(mags), 2),
        (lambda mags, folder: Parquet().write(mags, folder / "x.parquet", "exact"), 2),
        (lambda mags, folder: Dataset().write(mags, folder / "x", "exact"), 2),
        (page, 12),
        (lambda mags, folder: check_mags(mags), 2),
        (lambda mags, folder: pick(mags, ["m3", "#7"]), 8),
    ],
    ids=["stats", "parquet", "dataset", "view", "check", "show"],
)
def test_few_are_held_at_a_time(
    work: Callable[[Any, Path], None], most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(discussions, "MOST", 10)
    passing = Passing(50)
    work(passing, tmp_path)
    assert passing.most <= most


def test_a_page_has_a_sample_of_very_many_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discussions, "MOST", 10)
    found = discussions.Discussions(wanted=frozenset({"q1"}))
    found.read(Passing(10))
    assert not found.notices()
    assert len(found.store) == 10
    found, again = discussions.Discussions(), discussions.Discussions()
    for each in (found, again):
        each.read(Passing(200))
    kept = [mag.id for mag in found.talk.mags]
    assert kept == [mag.id for mag in again.talk.mags]
    assert len(kept) == len({*kept}) == len(found.store) == 10
    assert kept == sorted(kept, key=lambda name: int(name[1:]))
    assert max(int(name[1:]) for name in kept) > 50
    said = [block.text for section in found.sections() for block in section.blocks if hasattr(block, "text")]
    assert len([text for text in said if "10 of 200 discussions, drawn at random" in text]) == 2
