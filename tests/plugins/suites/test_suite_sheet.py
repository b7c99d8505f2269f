"""A suite's tables: the paper's numbers stand beside ours of the same kind."""

from __future__ import annotations

from typing import Any

from magdi.plugins.suites.sheet import sheets
from tests.plugins.suites.test_suite_across import document, row


def test_a_papers_figures_stand_beside_our_figures_and_its_accuracies_beside_ours() -> None:
    numbers = {"MATH": 57.25, "MATH, wrong to right": 14.2}
    paper = {
        "source": "A", "what": "accuracy in %, and shares", "columns": list(numbers), "beside": list(numbers),
        "rows": {"4": list(numbers.values())}, "not_repeated": [],
    }  # fmt: skip
    rows = [row("base", {"0": 0.5}), row("4", {"0": 0.8}, gained=0.4) | {"paper": numbers}]
    given: Any = document({"0": 0.5}, {"0": 0.8}, 10, title="T", repeats="", quick=False, equal=None, regraded=False)
    found: Any = given | {"paper": paper, "rows": rows, "columns": ["gained"], "comparisons": []}
    results, figures, _ = sheets(found)
    assert [column.title for column in results.columns if column.paper] == ["paper: MATH"]
    assert [column.title for column in figures.columns] == [
        "level", "wrong to right %", "paper: MATH, wrong to right",
    ]  # fmt: skip
    assert figures.rows[1] == ("4", "40.0", "14.2")
