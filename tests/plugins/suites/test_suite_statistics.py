"""Differences between cells, against hand computation."""

from __future__ import annotations

import itertools
import math

import pytest

from magdi.core.evaluation.statistics import mcnemar
from magdi.plugins.suites.statistics import Paired, corrected, flip_test, mean_of, moves, paired, sentence, verdict


def by_hand(sums: list[int]) -> float:
    seen = abs(sum(sums))
    flipped = (
        sum(s * x for s, x in zip(signs, sums, strict=True)) for signs in itertools.product((1, -1), repeat=len(sums))
    )
    return sum(abs(total) >= seen for total in flipped) / 2 ** len(sums)


@pytest.mark.parametrize(
    "sums", [[1], [1, 1, 1], [2, 1, -1, 3], [3, 3, -2, 0, 1, 1, 0], [5, -4, 3, 2, 2, 1, 1, 1, -1, -1], [1, -1], []]
)
def test_flips_are_all_counted(sums: list[int]) -> None:
    assert flip_test(sums) == pytest.approx(by_hand(sums))


def test_with_one_seed_it_is_mcnemars_exact_test() -> None:
    first = [True] * 30 + [False] * 14 + [True] * 5 + [False] * 51
    second = [True] * 30 + [True] * 14 + [False] * 5 + [False] * 51
    assert flip_test([int(b) - int(a) for a, b in zip(first, second, strict=True)]) == pytest.approx(
        mcnemar(first, second)
    )


def test_thousands_of_questions_are_no_work() -> None:
    assert flip_test([5] * 400 + [-5] * 300 + [1] * 2000 + [-1] * 1900) == pytest.approx(
        math.erfc(600 / math.sqrt(2 * (700 * 25 + 3900))), rel=0.05
    )


def answers(*seeds: str) -> dict[int, dict[str, bool]]:
    return {seed: {f"q{n}": mark == "+" for n, mark in enumerate(marks)} for seed, marks in enumerate(seeds)}


def test_mean_and_interval_over_seeds() -> None:
    found = mean_of(answers("++++" * 10 + "-" * 10, "++++" * 10 + "+" * 5 + "-" * 5, "++++" * 10 + "+" * 10))
    assert found["mean"] == pytest.approx(0.9)
    assert found["sd"] == pytest.approx(0.1)
    half = 4.302653 * 0.1 / math.sqrt(3)  # t, 2 degrees of freedom
    assert found["interval"] == pytest.approx((0.9 - half, 1.0))
    assert found["seeds"] == pytest.approx({"0": 0.8, "1": 0.9, "2": 1.0})


def test_equal_seeds_do_not_make_an_interval_vanish() -> None:
    low, high = mean_of(answers("+" * 50 + "-" * 50, "+" * 50 + "-" * 50))["interval"]
    assert (low, high) == pytest.approx((0.4038, 0.5962), abs=1e-4)  # Wilson, 50 of 100


def test_pairs_by_seed_and_question() -> None:
    plain, better = answers("+-+-------", "+--------+"), answers("+-+++-----", "++-------+")
    found = paired([better], [plain])
    assert found is not None
    assert found["seeds"] == pytest.approx({"0": 0.2, "1": 0.1})
    assert found["difference"] == pytest.approx(0.15)
    assert found["p_questions"] == pytest.approx(by_hand([1, 1, 1]))
    assert found["p_seeds"] == pytest.approx(0.2048, abs=1e-4)  # t = 0.15 / (0.0707 / sqrt 2) = 3, 1 degree of freedom
    assert found["p"] == found["p_questions"] == 0.25
    half = 12.7062 * 0.05
    assert found["interval"] == pytest.approx((0.15 - half, 0.15 + half), abs=1e-3)
    assert found["questions"] == 10


def test_only_what_both_have_is_compared() -> None:
    assert paired([answers("+")], [{7: {"q0": True}}]) is None
    assert paired([answers("+")], [{0: {"other": True}}]) is None
    found = paired([{0: {"a": True, "b": True}}], [{0: {"b": False, "c": False}, 1: {"b": True}}])
    assert found is not None
    assert (found["difference"], found["questions"], found["p_seeds"]) == (1.0, 1, None)


def test_gains_are_compared() -> None:
    base, voted = answers("+---", "+---"), answers("++--", "++--")
    student, ensemble = answers("++--", "++--"), answers("++++", "+++-")
    found = paired([ensemble, base], [student, voted])
    assert found is not None
    assert found["seeds"] == pytest.approx({"0": 0.25, "1": 0.0})


def test_better_is_said_only_where_both_tests_say_it() -> None:
    lucky_seeds = answers("+" * 60 + "-" * 40, "+" * 60 + "-" * 40, "+" * 20 + "-" * 80)
    found = paired([lucky_seeds], [answers("+" * 20 + "-" * 80, "+" * 20 + "-" * 80, "+" * 20 + "-" * 80)])
    assert found is not None
    assert found["p_questions"] < 1e-9
    assert found["p_seeds"] is not None
    assert found["p"] == found["p_seeds"] > 0.1
    assert verdict(found) == "no difference shown"
    assert sentence(found, "b against a").startswith("b against a: no difference shown: +26.7 points, ")


def test_holm() -> None:
    other = paired([answers("+")], [answers("-")])
    assert other is not None
    found: list[Paired] = [{**other, "p": p} for p in (0.01, 0.04, 0.03)]
    assert corrected([found[0], None, *found[1:]]) == pytest.approx([0.03, None, 0.06, 0.06])


def test_moves_are_counted_over_seeds_and_questions() -> None:
    found = paired([answers("++-+", "+--+")], [answers("+---", "-+-+")])
    assert found is not None
    assert (found["gained"], found["lost"]) == (3 / 8, 1 / 8)
    assert found["difference"] == pytest.approx(3 / 8 - 1 / 8)
    assert moves(found) == "37.5 % wrong to right, 12.5 % right to wrong"
    two = [answers("++"), answers("+-")]
    gains = paired(two, two)
    assert gains is not None
    assert (gains["gained"], gains["lost"], moves(gains)) == (None, None, "")
