"""CSV files that a spreadsheet opens."""

from __future__ import annotations

import csv
import io

import pytest

from magdi.plugins.csv_cells import cell, text_of
from magdi.plugins.suites.document import SuiteDocument
from magdi.plugins.suites.formats import comma_separated

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "-",
    "+1 of 2",
    '="a",\n\'b',
]
TEXTS = ["", "plain", "a=b", "'", "''", "'=1", "-5", "+.5e3", "-1.", "−3", " =1", "1e400"]


def document(*labels: str) -> SuiteDocument:
    """Returns what is read of somebody else's results: all words in it are theirs."""
    rows = [
        {
            "encoder": label, "mean": -0.25, "interval": [-0.5, 0.0], "sd": None, "seeds": {"0": -0.25}, "paired": None,
            "figures": {label: -1.5}, "difficulty": {}, "paper": {"A": label}, "control": False,
        }
        for label in labels
    ]  # fmt: skip
    return {"suite": labels[0], "axes": {"encoder": [*labels]}, "rows": rows}  # type: ignore[typeddict-item]


@pytest.mark.parametrize("text", [*FORMULAS, *TEXTS])
def test_no_text_is_a_formula_and_all_come_back(text: str) -> None:
    lines = list(csv.reader(io.StringIO(comma_separated(document(text)), newline="")))
    heads, values = lines
    assert [text_of(each) for each in (values[0], values[1], values[-2])] == [text, text, text]
    assert text in map(text_of, heads)
    if text in FORMULAS:
        assert not any(each.startswith(text[0]) for each in [*heads, values[0]])
    assert values[2:5] == ["-0.25", "-0.5", "0.0"]


@pytest.mark.parametrize("value", [-1, -0.5, None, True, "-5", "+1e-3"])
def test_numbers_stay_numbers(value: object) -> None:
    assert cell(value) is value
