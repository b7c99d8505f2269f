"""Runs side by side, and the commands that show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from magdi.cli import runs as runs_command
from magdi.cli.view import view as view_command
from magdi.core.errors import DataError
from magdi.plugins.runs.finding import compare, find_runs, open_run
from tests.plugins.report.report_samples import a_run

app = typer.Typer()
app.add_typer(runs_command.app, name="runs")
app.command()(view_command)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    a_run(folder / "one")
    a_run(folder / "suite" / "two", student=10, seed=1)
    return folder


def document(*arguments: object) -> dict[str, object]:
    found = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


def test_runs_are_found_below_a_folder(folder: Path) -> None:
    assert [directory.path.name for directory in find_runs(folder)] == ["one", "two"]
    listed = document("runs", "list", folder)["runs"]
    assert sorted(run["settings"]["seed"] for run in listed) == [0, 1]  # type: ignore[attr-defined]


def test_a_run_is_shown(folder: Path) -> None:
    shown = document("runs", "show", folder / "one")
    assert shown["status"] == "done"
    assert shown["settings"]["protocol"] == "reconcile"  # type: ignore[index]


def test_two_runs_are_compared_on_the_same_questions(folder: Path) -> None:
    found = document("runs", "compare", folder / "one", folder / "suite" / "two")
    assert found["configuration"] == ["seed: 0 -> 1"]
    student = found["student"]
    # of 60 answers 20 are wrong in one, 6 in the other, 2 in both
    assert (student["only_first"], student["only_second"], student["count"]) == (4, 18, 60)  # type: ignore[index]
    assert student["difference"] == pytest.approx(14 / 60)  # type: ignore[index]
    assert student["interval"][0] < 14 / 60 < student["interval"][1]  # type: ignore[index]
    assert student["verdict"] == "better"  # type: ignore[index]
    assert found["teams"]["difference"] == 0  # type: ignore[index]


def test_what_both_lack_is_not_compared(folder: Path, tmp_path: Path) -> None:
    other = a_run(tmp_path / "other")
    other.predictions("base").unlink()
    found: Any = compare(open_run(folder / "one"), other)
    assert found["base"] is None
    assert found["student"]["difference"] == 0


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        open_run(tmp_path)
    found = CliRunner().invoke(app, ["runs", "list", str(tmp_path / "none")])
    assert isinstance(found.exception, DataError)


def test_tables_are_printed(folder: Path) -> None:
    for arguments in (
        ["list", folder],
        ["show", folder / "one"],
        ["compare", folder / "one", folder / "suite" / "two"],
    ):
        found = CliRunner().invoke(app, ["runs", *map(str, arguments)])
        assert found.exit_code == 0, found.output
        assert "one" in found.stdout


def test_view_prints_where_the_page_is(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = document("view", folder / "one", "-o", page, "--no-plugins")
    assert found == {"schema": "magdi.document/1", "page": str(page), "bytes": page.stat().st_size}
