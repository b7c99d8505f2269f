"""Which MAGs are learned from: by graph type, by lot, by calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from magdi.core.config.models import Kept
from magdi.core.errors import DataError
from magdi.core.mag import Mag, Question, Turn, read_mags, write_mags
from magdi.core.run.learned import KEPT, Entry, learned_from, places

ENTRIES = [Entry(n, f"q{n}", f"G{(0, 0, 0, 1, 2)[n % 5]}", 3 * (1 + (0, 0, 0, 1, 2)[n % 5])) for n in range(100)]


def mag(number: int, rounds: int) -> Mag:
    turns = tuple(Turn(step=n, agent="ada", round=n, text="so", attempts=1 + (n == 1)) for n in range(rounds + 1))
    return Mag(id=f"q{number}", question=Question(id=f"q{number}", text="?"), protocol="debate", turns=turns)


def test_everything_is_kept_unless_told_otherwise() -> None:
    assert places(ENTRIES, Kept(), 0) == set(range(100))


def test_graph_types() -> None:
    kept = places(ENTRIES, Kept(structures=("G0", "G1")), 0)
    assert kept == {n for n in range(100) if n % 5 != 4}


def test_the_control_drops_as_many_by_lot() -> None:
    kept = places(ENTRIES, Kept(as_many_as=("G0", "G1")), 0)
    assert len(kept) == 80
    assert any(ENTRIES[place].structure == "G2" for place in kept)
    assert kept != places(ENTRIES, Kept(as_many_as=("G0", "G1")), 1)
    assert kept == places(list(reversed(ENTRIES)), Kept(as_many_as=("G0", "G1")), 0)


def test_a_smaller_share_is_part_of_a_larger() -> None:
    small, large = (places(ENTRIES, Kept(share=share), 3) for share in (0.1, 0.5))
    assert (len(small), len(large)) == (10, 50)
    assert small < large


def test_calls_pay_for_the_first_ones() -> None:
    assert places(ENTRIES, Kept(calls=3 + 3 + 3 + 6), 0) == {0, 1, 2, 3}
    assert places(ENTRIES, Kept(calls=3 + 3 + 3 + 5), 0) == {0, 1, 2}


def test_the_file_learned_from(tmp_path: Path) -> None:
    path = tmp_path / "mags.jsonl"
    write_mags(path, [mag(n, n % 3) for n in range(6)])
    assert learned_from(path, Kept(), 0) == path
    kept = learned_from(path, Kept(structures=("G1",), calls=3), 0)
    assert kept == tmp_path / KEPT
    assert [each.id for each in read_mags(kept)] == ["q1"]  # its second turn took two calls, so q4 is not paid for
    with pytest.raises(DataError, match="leaves none"):
        learned_from(path, Kept(structures=("G9",)), 0)
