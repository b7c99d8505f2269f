"""Several runs on one page, and pages that lead to one another."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from magdi.core.errors import DataError
from magdi.plugins.report.blocks import Curves, Intervals, Table
from magdi.plugins.report.curves import Lines, overlaid
from magdi.plugins.report.data import COMPARED, RunContent, view, view_several
from magdi.plugins.report.page import is_stale, link_to
from magdi.plugins.report.several import sections
from magdi.plugins.runs.finding import open_run
from tests.plugins.report.chromium import Chromium
from tests.plugins.report.report_samples import a_run
from tests.plugins.report.test_report_suites import a_document


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [a_run(tmp_path / "one").path, a_run(tmp_path / "two", student=5, seed=3).path]


def test_runs_stand_beside_one_another(runs: list[Path]) -> None:
    opened = list(map(open_run, runs))
    found = {
        each.id: each for each in sections(opened, Path("x.html"), [RunContent(run).predictions for run in opened])
    }
    assert list(found) == ["runs", "training", "talk"]
    summary = found["runs"].blocks
    table, settings = (block for block in summary if isinstance(block, Table))
    assert [(row[0], row[5], row[-2:]) for row in table.rows] == [
        (("one", ""), "0", (0.5, 40 / 60)),
        (("two", ""), "3", (0.5, 48 / 60)),
    ]
    assert settings.rows == (("seed", "0", "3"),)
    students, difference = (block for block in summary if isinstance(block, Intervals))
    assert [row.name for row in students.rows] == ["one", "two"]
    (row,) = difference.rows
    assert (row.name, round(row.value, 6)) == ("two", round(0.8 - 2 / 3, 6))
    plots = [block for block in (*found["training"].blocks, *found["talk"].blocks) if isinstance(block, Curves)]
    assert all([line.name for line in plot.series] == ["one", "two"] for plot in plots)


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    some = [open_run(a_run(tmp_path / name / "seed-0").path) for name in ("a", "b")]
    first = next(sections(some, tmp_path / "x.html", [{}, {}])).blocks[0]
    assert isinstance(first, Table)
    assert [row[0] for row in first.rows] == [(str(run.path), "") for run in some]


def test_means_are_drawn_over_the_steps_that_all_have() -> None:
    runs: dict[str, list[Lines]] = {
        "a": [[{"step": 1, "loss": 1.0}, {"step": 2, "loss": 2.0}], [{"step": 1, "loss": 3.0}]],
        "b": [[]],
    }
    (plot,) = overlaid(runs)
    assert isinstance(plot, Curves)
    assert [(line.name, line.x, line.y, line.thin) for line in plot.series] == [
        ("a", (1.0, 2.0), (1.0, 2.0), True),
        ("a", (1.0,), (3.0,), True),
        ("a, mean of 2", (1.0,), (2.0,), False),
    ]
    assert {line.hue for line in plot.series} == {0}
    many: dict[str, list[Lines]] = {"a": [[{"step": step, "loss": 1.0} for step in range(2000)]] * 100}
    (plot,) = overlaid(many)
    assert isinstance(plot, Curves)
    assert [len(line.x) for line in plot.series] == [50]


def test_pages_lead_to_those_of_their_runs_wherever_they_are(browser: Chromium, runs: list[Path]) -> None:
    page = view_several(runs)
    assert page == runs[0].parent / COMPARED
    browser.open(page)
    browser.wait("document.querySelectorAll('canvas').length > 3")
    links = browser.run("[...document.querySelectorAll('td a')].map((each) => each.href)")
    assert links == [(run / "report.html").as_uri() for run in runs]
    assert browser.complaints == []


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    for name in ("javascript:alert(1)", "a b#c?d", "%2e", "ü"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.html").touch()
        text, address = link_to(tmp_path / name, name, tmp_path / "page.html")
        assert text == name
        assert address.startswith("./")
        assert not set("#?: ()") & set(address)
    assert link_to(tmp_path / "none", "none", tmp_path / "page.html") == ("none", "")


def test_a_suite_has_the_curves_of_its_runs_and_leads_to_them(browser: Chromium, tmp_path: Path) -> None:
    for seed in (0, 1):
        a_run(tmp_path / "gcn" / f"seed-{seed}")
    document = a_document("worse")
    document["rows"][0]["runs"] = [f"runs/encoders/gcn/seed-{seed}" for seed in (0, 1)]  # where they were
    (tmp_path / "suite.json").write_text(json.dumps(document))
    browser.open(view(tmp_path))
    links = browser.run("[...document.querySelectorAll('td a')].map((each) => each.href)")
    assert links == [(tmp_path / "gcn" / f"seed-{seed}" / "report.html").as_uri() for seed in (0, 1)]
    legend = browser.run("[...document.querySelector('#training .u-legend').rows].map((each) => each.textContent)")
    shown = "[...document.querySelectorAll('#training .u-legend')[0].rows].filter((each) => each.offsetHeight).length"
    assert [row.rstrip("–") for row in legend] == ["step", "gcn", "gcn", "gcn, mean of 2"]
    assert browser.run(shown) == 2
    assert browser.complaints == []


def test_a_page_is_made_again_once_its_run_has_gone_on(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run").path
    assert is_stale(run)
    report = view(run)
    os.utime(run / "run.json", (0, 0))
    assert not is_stale(run)
    os.utime(report, (-1, -1))
    assert is_stale(run)


def test_what_is_no_run_cannot_be_compared(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        view_several([*runs, tmp_path / "none"])
