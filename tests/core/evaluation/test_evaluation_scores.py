"""Scores and statistics, held against what they are by definition and against published values."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from scipy.stats import binomtest

from magdi.core.errors import DataError
from magdi.core.evaluation.prediction import Prediction, PredictionFile, made_by, read_predictions
from magdi.core.evaluation.scores import score
from magdi.core.evaluation.statistics import (
    compare,
    mcnemar,
    paired_bootstrap,
    paired_difference,
    wilson,
)
from magdi.core.evaluation.voting import elected
from magdi.plugins.suites.statistics import holm, over_seeds


def prediction(name: str, correct: bool, sample: int = 0, **fields: object) -> Prediction:
    given: dict[str, object] = {"answer": "1" if correct else "2", "gold": "1", "output_tokens": 10, "task": "t"}
    return Prediction.model_validate(
        {"id": name, "sample": sample, "prompt": "", "output": "", "correct": correct} | given | fields
    )


def test_wilson_is_the_published_interval() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe (1998), table I
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    for right, count in [(0, 1), (1, 1), (7, 9), (499, 1000), (9_999, 10_000)]:
        assert wilson(right, count) == pytest.approx(binomtest(right, count).proportion_ci(method="wilson"), abs=1e-12)


def test_mcnemar_is_the_exact_binomial_test() -> None:
    first = [True] * 9 + [False] * 3 + [True] * 20 + [False] * 10
    second = [False] * 9 + [True] * 3 + [True] * 20 + [False] * 10
    assert mcnemar(first, second) == pytest.approx(binomtest(3, 12, 0.5).pvalue)
    assert mcnemar([True, False], [True, False]) == 1.0
    many = mcnemar([True] * 9_100 + [False] * 8_900, [False] * 9_100 + [True] * 8_900)
    assert many == pytest.approx(binomtest(8_900, 18_000, 0.5).pvalue)


def test_bootstrap_covers_the_difference() -> None:
    first, second = [0] * 60 + [1] * 40, [0] * 40 + [1] * 60
    low, high = paired_bootstrap(first, second)
    standard_error = math.sqrt(0.2 * 0.8 / 100)
    assert low == pytest.approx(0.2 - 1.96 * standard_error, abs=0.02)
    assert high == pytest.approx(0.2 + 1.96 * standard_error, abs=0.02)
    assert paired_bootstrap(first, second) == (low, high)
    assert paired_bootstrap([1, 0], [1, 0]) == (0.0, 0.0)


def test_better_is_said_only_where_it_is_shown() -> None:
    nearly = compare([True] * 10 + [False] * 10, [True] * 12 + [False] * 8)
    assert nearly.difference == pytest.approx(0.1)
    assert nearly.verdict == "no difference shown"
    clearly = compare([False] * 15 + [True] * 5, [True] * 20)
    assert clearly.verdict == "better"
    assert clearly.p < 0.001
    assert compare([True] * 20, [False] * 15 + [True] * 5).verdict == "worse"


def test_over_seeds_is_the_t_test() -> None:
    found = over_seeds([1.4, 8.0, 3.6])
    assert found.mean == pytest.approx(4.333, abs=1e-3)
    assert found.interval == pytest.approx((-4.013, 12.68), abs=0.01)
    assert found.p == pytest.approx(0.155, abs=0.002)
    assert over_seeds([2.0]).interval is None
    assert over_seeds([2.0, 2.0]).interval == (2.0, 2.0)


def test_holm_corrects_for_the_number_of_comparisons() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_compares_on_the_questions_that_both_answered() -> None:
    first = [prediction(f"q{n}", n < 3) for n in range(8)]
    second = [prediction(f"q{n}", n < 7) for n in range(2, 10)]
    assert paired_difference(first, second).count == 6
    assert paired_difference(first, second).only_second == 4
    with pytest.raises(DataError, match="no question in common"):
        paired_difference(first, [prediction("other", True)])


def test_scores_one_answer_a_question() -> None:
    found = score([prediction(f"q{n}", n < 3, finish="length" if n == 4 else "end") for n in range(4 + 1)])
    assert (found.accuracy, found.right, found.count, found.samples) == (0.6, 3, 5, 1)
    assert found.interval == pytest.approx(wilson(3, 5))
    assert found.cut_off == 0.2
    assert found.output_tokens_mean == 10
    assert found.by_task == {}
    assert found.oracle is None


def test_scores_the_vote_of_several_answers() -> None:
    predictions = [
        *(prediction("q0", right, k) for k, right in enumerate((False, True, True))),
        *(prediction("q1", right, k) for k, right in enumerate((False, False, True))),
        *(prediction("q2", False, k, answer=None) for k in range(3)),
    ]
    found = score(predictions)
    assert (found.right, found.count, found.samples) == (1, 3, 3)
    assert found.single == pytest.approx(1 / 3)
    assert found.oracle == pytest.approx(2 / 3)
    assert found.output_tokens_mean == 30
    assert found.score_weighted is None


def test_the_score_head_weighs_votes() -> None:
    samples = [
        prediction("q", False, 0, score=-0.9),
        prediction("q", False, 1, score=-0.9),
        prediction("q", True, 2, score=0.8),
    ]
    assert not elected(samples).correct
    assert elected(samples, "score").correct
    weighted = score(samples).score_weighted
    assert weighted is not None
    assert weighted.accuracy == 1


def test_ties_go_to_the_answer_given_first_and_silence_has_no_vote() -> None:
    silent = prediction("q", False, 0, answer=None)
    assert elected([silent, prediction("q", True, 1), prediction("q", False, 2)]).correct
    assert elected([silent]) is silent


def test_scores_by_task() -> None:
    found = score([prediction("a", True, task="x"), prediction("b", False, task="y"), prediction("c", True, task="y")])
    assert {name: each.accuracy for name, each in found.by_task.items()} == {"x": 1.0, "y": 0.5}


def test_nothing_cannot_be_scored() -> None:
    with pytest.raises(DataError, match="no predictions"):
        score([])
    with pytest.raises(DataError, match="no gold answer"):
        score([prediction("a", True).model_copy(update={"correct": None})])


def test_a_file_of_predictions_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    predictions = [prediction("a", True, prompt="line\nbreak \u2028 and more", score=0.5), prediction("b", False)]
    PredictionFile(path, {"model": "m"}).finish(predictions)
    assert read_predictions(path) == predictions
    assert made_by(path) == {"model": "m"}
    path.write_text(path.read_text() + "{broken\n")
    with pytest.raises(DataError, match=r"p\.jsonl:4: "):
        read_predictions(path)
    path.write_text("{}\n")
    with pytest.raises(DataError, match="no file of predictions"):
        read_predictions(path)
