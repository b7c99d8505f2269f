"""A small suite from end to end: what is measured, what fails, what is not done twice, how it is printed."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

import magdi
from magdi.core.errors import DataError
from magdi.core.evaluation.prediction import read_predictions
from magdi.core.mag import read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import KEPT
from magdi.core.run.progress import Figures, Progress
from magdi.plugins.runs.finding import SUITE as DOCUMENT
from magdi.plugins.suites.document import SuiteDocument, read_document
from magdi.plugins.suites.formats import FORMATS
from magdi.plugins.suites.jobs import MEASURED, SHARED
from magdi.plugins.suites.outcome import SuiteResult

GRID = """
title: A toy & more
repeats: Table 0
diagnostics: true
columns: [difficulty, auc_own, pairs_held_out]
axes:
  encoder: [gcn]
cells:
  - encoder: nobody taught
    set: {level: "single-teacher:nobody"}
  - {encoder: base, set: {level: base}}
  - encoder: half
    set: {level: 1, discussion.keep.share: 0.5}
    match: {by: tokens, to: gcn}
    control: a half, for longer
    against: [base]
  - encoder: half again
    set: {level: 1, discussion.keep.share: 0.5, evaluation.questions: 6}
    match: {by: tokens, to: gcn}
  - encoder: team
    measure: team
    set: {discussion.split: test}
  - encoder: careful alone
    measure: "agent:careful"
    set: {discussion.split: test}
changes:
  - {name: reduction, figure: output_tokens, before: team, after: gcn, as: times less, paper: {B: 4.5}}
  - {name: gain, before: team, after: careful alone, as: "% improved"}
paper:
  source: Somebody, Table 0
  what: accuracy in %
  columns: [A_1, B]
  rows: {gcn: [50.10, 1], someone else: [49.25, null]}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "toy.yaml").write_text(GRID)
    return folder


def ablate(place: Path, **options: Any) -> SuiteResult:
    from tests.core.run.conftest import TOY

    return magdi.ablate(str(place / "toy.yaml"), out=place / "out", seeds=2, **TOY, **options)


class Watching(Progress):
    """Looks at the document whenever something has ended."""

    def __init__(self, folder: Path) -> None:
        self.file, self.seen = folder / DOCUMENT, list[dict[str, Any]]()

    def advance(self, done: int, figures: Figures) -> None:
        if self.file.is_file():
            self.seen.append(json.loads(self.file.read_text()))


@pytest.fixture(scope="module")
def watching(place: Path) -> Watching:
    return Watching(place / "out")


@pytest.fixture(scope="module")
def document(place: Path, watching: Watching) -> SuiteResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("magdi.plugins.suites.suite.PAUSE", 0.0)
        done = ablate(place, progress=watching)
    assert dict(done) == read_document(Path(done["directory"]))  # before another test writes it anew
    return done


@pytest.fixture(scope="module")
def rows(document: SuiteResult) -> dict[str, dict[str, Any]]:
    return {row["encoder"]: row for row in document["rows"]}


def test_what_has_come_out_so_far_is_kept(document: SuiteResult, watching: Watching) -> None:
    first, last = watching.seen[0], watching.seen[-1]
    assert 0 < sum(len(row["seeds"]) for row in first["rows"]) < sum(len(row["seeds"]) for row in last["rows"])
    assert len(first["missing"]) > len(last["missing"])
    assert (Path(document["directory"]) / "report.html").is_file()


def test_a_cell_that_fails_stops_no_other(document: SuiteResult, rows: dict[str, dict[str, Any]]) -> None:
    assert [(each["cell"], each["seed"], each["kind"]) for each in document["failures"]] == [
        ("nobody taught", 0, "failed"),
        ("nobody taught", 1, "failed"),
    ]
    assert "leaves nothing to train on" in document["failures"][0]["error"]
    assert list(rows) == ["gcn", "base", "half", "half again", "team", "careful alone"]
    assert document["missing"] == ["nobody taught, seed 0", "nobody taught, seed 1"]


def test_rows_have_what_a_reader_expects(document: SuiteResult, rows: dict[str, dict[str, Any]]) -> None:
    assert rows["gcn"]["paired"] is None
    for name, row in rows.items():
        low, high = row["interval"]
        assert low <= row["mean"] <= high
        assert set(row["seeds"]) == {"0", "1"}
        if name != "gcn":
            assert {"difference", "interval", "p", "p_holm", "verdict"} <= row["paired"].keys()
    assert rows["team"]["mean"] > 0.8
    assert rows["team"]["figures"]["output_tokens"] > 100
    assert rows["team"]["paired"]["verdict"] == "better"
    alone = rows["careful alone"]["figures"]
    assert alone["calls"] == alone["mags"] < rows["team"]["figures"]["calls"], "its first answers and no more"
    assert {"half against gcn", "half against base"} <= {each["name"] for each in document["comparisons"]}
    assert document["simulated"]


def test_changes_are_told_as_the_paper_prints_them(document: Any, rows: dict[str, dict[str, Any]]) -> None:
    reduction, gain = document["changes"]
    before, after = (rows[name]["figures"]["output_tokens"] for name in ("team", "gcn"))
    assert reduction["value"] == pytest.approx(before / after)
    assert f"reduction: {before / after:.1f}x (the paper: B 4.5)" in FORMATS["markdown"](document)
    assert gain["value"] == pytest.approx(100 * (rows["careful alone"]["mean"] / rows["team"]["mean"] - 1))
    assert gain["written"].endswith(" % improved")


def test_turns_of_each_agent_and_test_questions_are_counted(rows: dict[str, dict[str, Any]]) -> None:
    figures = rows["team"]["figures"]
    each = [figures[name] for name in figures if name.startswith("agent_")]
    assert len(each) == 3
    assert sum(each) == pytest.approx(figures["turns_per_mag"] * figures["mags"])
    assert figures["questions_test"] > 0


def test_confounds_and_diagnostics_are_measured(rows: dict[str, dict[str, Any]]) -> None:
    gcn, half = rows["gcn"]["figures"], rows["half"]["figures"]
    assert (gcn["steps"], gcn["mags"], half["mags"]) == (4, 24, 12)
    assert half["calls"] == 36  # three first answers a question
    assert gcn["calls"] > 72
    assert gcn["trained_tokens"] <= half["trained_tokens"] < gcn["trained_tokens"] * (1 + 1 / (half["steps"] - 1))
    assert gcn["G0"] + gcn["G1"] + gcn["G2"] + gcn["G3"] == 24
    for name in ("pairs_train", "pairs_held_out", "nodes_train", "nodes_held_out", "nodes_most", "auc_nodes_held_out"):
        assert 0 <= gcn[name] <= 1, name
        assert name not in half
    assert set(rows["gcn"]["difficulty"]) == {"2 steps", "3 steps", "4 steps"}


def test_cells_are_ordinary_runs_that_share(place: Path, rows: dict[str, dict[str, Any]]) -> None:
    first, half, again, base = (RunDirectory(Path(rows[n]["runs"][0])) for n in ("gcn", "half", "half again", "base"))
    assert first.state()["status"] == half.state()["status"] == "done"
    assert first.mags.stat().st_ino == half.mags.stat().st_ino
    assert first.predictions("base").read_bytes() == half.predictions("base").read_bytes()
    student = RunDirectory(Path(half.stage("distillation")["taken_from"]))
    assert student.path.parent == place / "out" / SHARED
    assert not student.predictions("student").exists()
    assert len(list(read_mags(half.path / KEPT))) == 12
    steps = [RunDirectory(Path(run)).config().training.steps or 0 for run in rows["half"]["runs"]]
    assert sum(steps) / 2 == rows["half"]["figures"]["steps"]
    assert again.stage("distillation")["taken_from"] == str(student.path)
    assert (again.student / "model.safetensors").stat().st_ino == (half.student / "model.safetensors").stat().st_ino
    assert len(read_predictions(again.predictions("student"))) == 6
    assert not base.student.exists()
    other = RunDirectory(Path(rows["gcn"]["runs"][1]))
    assert other.config().seed == 1
    assert other.mags.read_bytes() != first.mags.read_bytes()


def test_the_same_call_does_nothing_but_what_failed(place: Path, document: SuiteResult) -> None:
    files = [*(place / "out").rglob(MEASURED), *(place / "out").rglob("*.safetensors")]
    before = {path: path.stat().st_mtime_ns for path in files}
    again = ablate(place)
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert again["rows"] == document["rows"]
    assert len(again["failures"]) == 2


def test_some_cells_alone_are_compared_with_what_is_there(place: Path, document: SuiteResult) -> None:
    only = ablate(place, only=["encoder=team"])
    assert [row["name"] for row in only["rows"]] == ["team"]
    assert only["failures"] == []
    assert only["rows"][0]["paired"]["difference"] == document["rows"][-1]["paired"]["difference"]


def test_answers_are_graded_anew_without_a_model(
    place: Path, document: SuiteResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    from magdi.plugins.tasks.arithmetic import Arithmetic

    with monkeypatch.context() as patch:
        patch.setattr(Arithmetic, "grade", lambda self, answer, gold: True)
        patch.setattr(Arithmetic, "extract", lambda self, text, question: "7")
        found = ablate(place, rescore=True)
    assert [row["mean"] for row in found["rows"]] == [1.0] * 6
    assert found["regraded"]
    assert ablate(place, rescore=True)["rows"][0]["mean"] == document["rows"][0]["mean"]


def test_answers_that_are_not_as_they_were_given_are_not_graded(place: Path, document: SuiteResult) -> None:
    file = RunDirectory(Path(document["rows"][0]["runs"][0])).predictions("student")
    whole = file.read_bytes()
    for damaged in (whole[: whole.rindex(b"{")], whole.replace(b'"sample":0', b'"sample":1')):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=f"{file} is gone or not as the run left it"):
            ablate(place, rescore=True)
    file.write_bytes(whole)


def test_formats(document: Any) -> None:
    lines = list(csv.DictReader(io.StringIO(FORMATS["csv"](document))))
    assert [line["encoder"] for line in lines] == ["gcn", "base", "half", "half again", "team", "careful alone"]
    assert float(lines[0]["accuracy"]) == document["rows"][0]["mean"]
    assert lines[0]["paper: A_1"] == "50.1"
    assert lines[1]["paper: A_1"] == ""
    markdown = FORMATS["markdown"](document)
    assert "### A toy & more (Table 0)" in markdown
    header = next(line for line in markdown.splitlines() if line.startswith("| encoder"))
    assert "paper: A\\_1" in header
    assert header.count("|") == markdown.splitlines()[3].count("|")
    assert "| someone else | 49.25 | - |" in markdown
    assert "not done: nobody taught (seed" in markdown
    latex = FORMATS["latex"](document)
    assert latex.count(r"\toprule") == latex.count(r"\bottomrule") == 3
    assert r"A toy \& more (Table 0)" in latex
    assert r"\emph{paper: A\_1}" in latex
    rule = next(line for line in latex.splitlines() if line.startswith(r"\begin{tabular}"))
    row = next(line for line in latex.splitlines() if line.startswith("half &"))
    assert row.count("&") + 1 == len(rule.rpartition("{")[2].rstrip("}"))


def test_what_a_suite_is_called_is_no_markup(document: SuiteResult) -> None:
    attack = "+1\n\\input{/etc/passwd}\n<script>"
    rows = [row | {"name": attack, "encoder": attack, "control": attack} for row in document["rows"]]
    theirs = cast("SuiteDocument", {**document, "title": attack, "rows": rows})
    latex, markdown = FORMATS["latex"](theirs), FORMATS["markdown"](theirs)
    outside = [line for line in latex.splitlines() if not line.startswith("%")]
    assert "\\input" not in "\n".join(outside)
    assert "\n<script>" not in markdown
    assert "### +1 " in markdown


def test_the_table_on_a_terminal(document: Any) -> None:
    from rich.console import Console

    from magdi.cli.suite_tables import suite_tables

    console = Console(width=140, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(suite_tables(document))
    shown = captured.get()
    assert "0.0 to 24.2" in shown  # Wilson's interval of 0 in 12, on one line
    assert "team against gcn: better: +" in shown
    assert "control half: a half, for longer" in shown
    assert "2 seeds (0, 1), 12 questions; simulated teachers" in shown
    assert "nobody taught, seed 0" in shown
    assert re.search(r"someone else +49\.25 +-", shown), "a row of the paper that no cell repeats"
    assert max(map(len, shown.splitlines())) <= 140


def test_the_page(place: Path, document: SuiteResult, tmp_path: Path) -> None:
    from magdi.plugins.report.data import view

    page = view(Path(document["directory"]), tmp_path / "suite.html").read_text()
    assert "A toy &amp; more" in page
    assert "team against gcn" in page
    assert "a half, for longer" in page
    assert "src=" not in page.replace('src="data:', "")
    assert (place / "out" / "report.html").is_file()


def command(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    sets = [
        *("--set", "task.train=8", "--set", "task.test=6", "--set", "task.primer_problems=40"),
        *("--set", "task.primer_checks=0", "--set", "student.tiny.hidden=32", "--set", "student.tiny.layers=1"),
        *("--set", "student.tiny.heads=2", "--set", "student.tiny.epochs=1", "--set", "training.steps=2"),
        *("--set", "evaluation.max_new_tokens=16"),
    ]
    return subprocess.run(
        [sys.executable, "-c", "from magdi.cli.app import main; main()", "ablate", *arguments, *sets],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
        env=os.environ | {"COLUMNS": "140"},
    )


OWN = """
from magdi.plugins import Component, hookimpl

@hookimpl
def magdi_protocols():
    yield Component("mine", "magdi.protocols.debate:Debate", "Debate, by a file's name for it.")
"""


def test_from_the_command_line_in_processes(tmp_path: Path) -> None:
    grid = tmp_path / "two.yaml"
    grid.write_text(
        'title: Two\naxes: {level: ["2", "1"]}\ncells: [{level: "none", set: {level: "single-teacher:nobody"}}]\n'
    )
    plan = command(tmp_path, "two.yaml", "-n", "--json", "--seeds", "1")
    assert plan.returncode == 0, plan.stderr
    planned = json.loads(plan.stdout)
    assert planned["estimate"]["runs"] == 3
    assert planned["estimate"]["most"]["calls"] == 8 * 3 * 4 * 3
    assert 8 * 3 <= planned["estimate"]["expected"]["calls"] <= 8 * 3 * 4
    assert planned["estimate"]["expected"]["seconds"] > 0
    assert not (tmp_path / "runs").exists()
    (tmp_path / "own.py").write_text(OWN)
    own = ["--plugin", "own.py", "--set", "protocol.name=mine"]
    done = command(tmp_path, "two.yaml", "--jobs", "2", "--seeds", "1", "--json", *own)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert [row["level"] for row in found["rows"]] == ["2", "1"]
    assert found["rows"][1]["paired"]["to"] == "2"
    assert "failed: none, seed 0" in done.stderr
    assert "Traceback" not in done.stderr
