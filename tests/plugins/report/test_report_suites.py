"""A suite's page: what stands on it, and what a reader sees of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.errors import DataError
from magdi.plugins.report.blocks import Intervals
from magdi.plugins.report.data import view
from magdi.plugins.suites.page import sections, write_suite_page
from magdi.plugins.suites.statistics import NO_DIFFERENCE
from tests.plugins.report.chromium import Chromium
from tests.plugins.report.report_samples import EVIL

COLOURED = """(() => {
    const plot = document.querySelectorAll('canvas')[%d];
    const bytes = plot.getContext('2d').getImageData(0, 0, plot.width, plot.height).data;
    let found = 0;
    for (let at = 0; at < bytes.length; at += 4) found += bytes[at + 3] > 200 && bytes[at + 2] - bytes[at] > 100;
    return found;
})()"""
"""Pixels of a plot in the colour of shown differences, a blue."""


def a_document(verdict: str) -> Any:
    paired = {
        "name": f"{EVIL} against gcn",
        "cells": [EVIL],
        "to": "gcn",
        "difference": -0.1,
        "interval": [-0.2, 0.05],
        "seeds": {"0": -0.15, "1": -0.05},
        "verdict": verdict,
        "sentence": "said",
    } | dict.fromkeys(("p", "p_holm", "p_seeds", "p_questions"), 0.2)
    row = {"measure": "student", "control": "", "figures": {"steps": 500, "seconds": 3.0}, "paper": None, "runs": ["x"]}
    rows = [
        {"encoder": "gcn", "name": "gcn", "mean": 0.9, "interval": [0.8, 1.0], "seeds": {"0": 0.85, "1": 0.95}},
        {"encoder": EVIL, "name": EVIL, "mean": 0.8, "interval": [0.7, 0.9], "seeds": {"0": 0.7, "1": 0.9}},
    ]
    return {
        "title": "Encoders",
        "about": "Which one?",
        "repeats": "Table 6",
        "axes": ["encoder"],
        "columns": [],
        "reference": "gcn",
        "directory": "runs/encoders",
        "asked_seeds": [0, 1],
        "questions": 500,
        "quick": False,
        "simulated": True,
        "equal": None,
        "regraded": False,
        "missing": [],
        "left_out": {},
        "failures": [],
        "paper": None,
        "rows": [row | rows[0] | {"paired": None}, row | rows[1] | {"paired": paired}],
        "comparisons": [paired],
    }


def a_page(folder: Path, verdict: str) -> Path:
    (folder / "suite.json").write_text(json.dumps(a_document(verdict)))
    return write_suite_page(folder)


@pytest.mark.parametrize(
    "damaged", ["null", "[]", "{}", '{"rows": [null]}', '{"rows": 3}', '{"directory": 1, "rows": [{"runs": [1]}]}']
)
def test_a_damaged_outcome_is_one_line(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "suite.json").write_text(damaged)
    with pytest.raises(DataError, match="is no outcome of a suite, or damaged|is no JSON document of magdi"):
        view(tmp_path)


def test_accuracies_and_differences_are_drawn_with_every_seed() -> None:
    found = sections(a_document("worse"), Path("runs/encoders"), Path("page.html"))
    results = next(section for section in found if section.id == "results")
    accuracy, differences = (block for block in results.blocks if isinstance(block, Intervals))
    assert [(row.name, row.value, row.low, row.high) for row in accuracy.rows] == [
        ("gcn", 0.9, 0.8, 1.0),
        (EVIL, 0.8, 0.7, 0.9),
    ]
    assert accuracy.rows[0].each == (0.85, 0.95)
    (row,) = differences.rows
    assert (row.name, row.each, row.shown) == (EVIL, (-0.15, -0.05), True)


def test_differences_that_are_not_shown_have_no_colour(browser: Chromium, tmp_path: Path) -> None:
    browser.open(a_page(tmp_path, NO_DIFFERENCE))
    browser.wait("document.querySelectorAll('canvas').length === 2")
    assert browser.run(COLOURED % 0) > 200
    assert browser.run(COLOURED % 1) == 0
    browser.open(a_page(tmp_path, "worse"))
    browser.wait("document.querySelectorAll('canvas').length === 2")
    assert browser.run(COLOURED % 1) > 100


@pytest.mark.parametrize("width", [1300, 390])
def test_names_are_text_and_the_page_needs_no_sideways_scrolling(browser: Chromium, tmp_path: Path, width: int) -> None:
    browser.open(a_page(tmp_path, "worse"), width=width, height=844)
    browser.wait("document.querySelectorAll('canvas').length === 2")
    assert browser.run("window.hacked") is None
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []
