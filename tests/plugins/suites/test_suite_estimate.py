"""What a suite that asks what a student knows will take, told before it is begun."""

from pathlib import Path

import pytest

from magdi.core.mag import write_mags
from magdi.plugins.runs.stage_costs import LOADING
from magdi.plugins.suite_setup import set_up_suite
from magdi.plugins.testing.sample_mags import sample_mags


def seconds(folder: Path, *only: str, copies: int = 200, student: str = "org/model-7B") -> float:
    mags = folder / f"{copies}.jsonl"
    write_mags(mags, [mag for _ in range(copies) for mag in sample_mags()])
    flags = {"discussion.mags": [str(mags)], "student.model": student}
    made = set_up_suite("information", folder=folder, seeds=2, flags=flags, only=only, environ={})
    expected = made.suite.plan()["estimate"]["expected"]["seconds"]
    assert expected is not None
    return expected


BASE = "student=base"


def test_what_is_read_takes_its_time_and_nobody_answers(tmp_path: Path) -> None:
    assert seconds(tmp_path, "student=-") == 0, "agreement and the like ask no student"
    one = seconds(tmp_path, BASE, "knows=last")
    assert one > 1000
    assert seconds(tmp_path, BASE, "knows=last", copies=400) - LOADING == pytest.approx(2 * (one - LOADING), rel=0.01)
    assert seconds(tmp_path, BASE, "knows=last", student="org/model-70B") > 9 * one


def test_cells_and_seeds_of_one_student_read_once(tmp_path: Path) -> None:
    one = seconds(tmp_path, BASE, "knows=last")
    assert seconds(tmp_path, BASE, "knows=last", "knows=middle", "knows=gcn") == one


def test_students_that_learn_first_are_trained_and_read_each_for_themselves(tmp_path: Path) -> None:
    base = seconds(tmp_path, BASE, "knows=last")
    level = "student=level 2"
    learned = seconds(tmp_path, level, "knows=last")
    assert learned > 3 * base, "two seeds, each of which is trained and read"
    assert seconds(tmp_path, level, "knows=last", "knows=pooled") == learned, "a student is trained and read once"
