"""One suite on several tasks: every task counts as much, seeds are paired, the paper's five are `all`."""

from typing import Any

import pytest

from magdi.plugins.suites.across import BENCHMARKS, across, named


def row(name: str, seeds: dict[str, float], paired: dict[str, Any] | None = None, **figures: Any) -> dict[str, Any]:
    mean = sum(seeds.values()) / len(seeds)
    return {
        "name": name, "level": name, "mean": mean, "interval": (mean - 0.1, mean + 0.1), "sd": None,
        "seeds": seeds, "paired": paired, "figures": {"steps": 100, **figures}, "difficulty": {"2 steps": 1.0},
        "runs": [f"run-{name}"], "paper": None, "control": "", "measure": "student",
    }  # fmt: skip


def document(base: dict[str, float], student: dict[str, float], questions: int, **more: Any) -> Any:
    seeds = {seed: student[seed] - base[seed] for seed in base}
    found = {
        "name": "4 against base", "cells": ["4"], "to": "base", "difference": sum(seeds.values()) / len(seeds),
        "interval": (-0.02, 0.3), "seeds": seeds, "questions": questions, "p": 0.5, "p_seeds": None, "p_questions": 0.5,
    }  # fmt: skip
    return {
        "suite": "levels", "axes": ["level"], "columns": ["difficulty"], "instrument": None, "simulated": True,
        "questions": questions, "rows": [row("base", base), row("4", student, found)], "comparisons": [found],
        "changes": [], "left_out": {}, "failures": [], "missing": [], "seconds": 1.0, "directory": "x", "paper": None,
    } | more  # fmt: skip


ONE = document({"0": 0.3}, {"0": 0.45}, 1000)
TWO = document({"0": 0.7}, {"0": 0.85}, 10)


def test_every_task_counts_as_much_however_many_questions_it_has() -> None:
    found = across({"math": ONE, "gsm8k": TWO})
    base, student = found["rows"]
    assert base["mean"] == pytest.approx((0.3 + 0.7) / 2)
    assert base["seeds"] == pytest.approx({"0": 0.5})
    assert (student["figures"]["math"], student["figures"]["gsm8k"]) == pytest.approx((0.45, 0.85))
    assert found["columns"][:2] == found["tasks"] == ["math", "gsm8k"]


def test_a_difference_is_the_mean_of_differences_and_its_interval_the_narrower_for_it() -> None:
    found: Any = across({"math": ONE, "gsm8k": TWO})["rows"][1]["paired"]
    assert found["difference"] == pytest.approx(0.15)
    assert found["interval"] == pytest.approx((0.15 - 0.16 / 2**0.5, 0.15 + 0.16 / 2**0.5))
    assert found["p_holm"] == found["p"] == pytest.approx(found["p_questions"])
    assert 0.001 < found["p"] < 0.05


def test_seeds_stay_paired_and_their_t_test_counts_where_it_is_the_wider() -> None:
    one = document({"0": 0.2, "1": 0.4}, {"0": 0.4, "1": 0.5}, 1000)
    two = document({"0": 0.6, "1": 0.8}, {"0": 0.7, "1": 1.0}, 10)
    three = document({"0": 0.6, "1": 0.6}, {"0": 0.6, "1": 0.7}, 10)
    found: Any = across({"math": one, "gsm8k": two, "svamp": three})["rows"][1]["paired"]
    assert found["seeds"] == pytest.approx({"0": 0.1, "1": 0.4 / 3})
    low, high = found["interval"]
    assert (low, high) == pytest.approx((0.7 / 6 - 12.706 / 60, 0.7 / 6 + 12.706 / 60), abs=1e-4)
    assert found["p"] == found["p_seeds"] > 0.05


def test_a_cell_that_one_task_has_not_done_is_left_out_and_its_failure_is_told() -> None:
    torn = TWO | {"rows": TWO["rows"][:1], "comparisons": [], "failures": [{"cell": "4", "seed": 0, "kind": "failed"}]}
    found = across({"math": ONE, "gsm8k": torn})
    assert [each["name"] for each in found["rows"]] == ["base"]
    assert found["comparisons"] == []
    assert [each["cell"] for each in found["failures"]] == ["gsm8k: 4"]


def test_all_are_the_papers_five() -> None:
    assert named("all") == list(BENCHMARKS) == ["strategyqa", "commonsense-qa", "arc-challenge", "gsm8k", "math"]
    assert named(" gsm8k, math,gsm8k ") == ["gsm8k", "math"]
