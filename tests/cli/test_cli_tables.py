"""Tables on narrow and wide terminals: nothing is cut, no word is broken, every row has its label.

`python tests/cli/test_cli_tables.py` draws the pictures in tests/cli/tables anew; look at what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import RenderableType

from magdi.cli.ablate import _names
from magdi.cli.bars import Bars
from magdi.cli.component_tables import origin_table, overview_table
from magdi.cli.drawn import LONGEST, drawn
from magdi.cli.mags_tables import check_table, import_table, statistics_tables
from magdi.cli.outcome import evaluation_table, outcome_table
from magdi.cli.plan_table import plan_table
from magdi.cli.runs_tables import compare_table, list_table
from magdi.cli.suite_tables import plan_table as suite_plan
from magdi.cli.suite_tables import suite_names, suite_tables
from magdi.cli.terminal import SafeConsole
from magdi.plugins.corpus.check import Report
from magdi.plugins.corpus.statistics import describe
from magdi.plugins.sheet import Column, Sheet
from magdi.plugins.suites.executors.plan import planned
from magdi.plugins.suites.executors.resources import Resources
from magdi.plugins.testing.sample_mags import sample_mags

WIDTHS = (60, 80, 120)
PICTURES = Path(__file__).parent / "tables"

SCORE = {"count": 500, "right": 169, "accuracy": 0.338, "interval": [0.298, 0.381], "answered": 0.99, "cut_off": 0.02}
SCORE |= {"output_tokens_mean": 13.4, "samples": 4, "by_task": {}, "single": 0.31, "oracle": 0.5}
CHECKED = "runs/arithmetic-reconcile-gcn-3297fc68/mags.jsonl"
DIFFERENCE = {"difference": 0.061, "interval": [0.02, 0.1], "p": 0.0041, "only_first": 12, "only_second": 43}
DIFFERENCE |= {"count": 500, "verdict": "the second is better (95 % interval excludes 0)"}


def a_run(name: str, **more: Any) -> Any:
    known = {"task": "arithmetic", "protocol": "reconcile", "encoder": "gcn", "level": "4", "seed": 0}
    mags = {"count": 1200, "structures": {"G0": 600, "G1": 400, "G2": 200}, "accuracy": 0.91, "simulated": 0}
    mags |= {"accuracy_by_round": {"0": 0.778, "1": 0.833, "2": 0.9}, "protocols": {"debate": 1200}}
    found = {"run": f"runs/{name}", "started": "2026-01-02T12:00:00+00:00", "status": "done", "settings": known}
    return found | {"mags": mags, "base": SCORE, "student": SCORE, "seconds": {"total": 3.0}} | more


def suite() -> Any:
    paired = {"to": "gcn", **DIFFERENCE, "p_holm": 0.02, "sentence": "none is worse than gcn."}
    figures = {"steps": 300.0, "trained_tokens": 1_234_567.0, "calls": 576.0, "output_tokens": 31.2, "answered": 0.98}
    rows = [
        {"encoder": name, "level": "4", "name": name, "mean": 0.7 + len(name) / 100, "interval": [0.612, 0.801]}
        | {"seeds": {"0": 0.7, "1": 0.72}, "paired": None if name == "gcn" else paired, "figures": figures}
        | {"control": "" if name != "none" else "no graph", "paper": {"MAGDi": 61.3}, "difficulty": {}}
        for name in ("gcn", "graph-transformer", "token-attention", "none")
    ]
    paper = {"source": "MAGDi", "what": "Table 6", "columns": ["MAGDi"], "rows": {"gcn": [61.32]}, "beside": ["MAGDi"]}
    paper |= {"not_repeated": []}
    said = {"axes": ["encoder", "level"], "columns": ["output_tokens", "answered"], "comparisons": [paired]}
    said |= {"title": "Which encoder teaches most?", "repeats": "Table 6", "directory": "runs/encoders", "rows": rows}
    said |= {"simulated": True, "quick": False, "equal": None, "regraded": False, "questions": 500, "paper": paper}
    return said | {"left_out": {}, "failures": [], "missing": []}


def a_suites_plan() -> Any:
    cells = [{"encoder": name, "name": name, "control": "", "runs": 5, "done": 2} for name in ("gcn", "gat")]
    expected, most = figures(1234, 2.5, 5000.0), figures(5678, 12.5, 50_000.0)
    left = {
        "runs": 6,
        "discussions": 3,
        "expected": expected,
        "most": most,
        "unpriced": [],
        "by": "2 runs that are done",
    }
    return {
        "cells": cells,
        "title": "Which encoder teaches most?",
        "left_out": {},
        "estimate": left,
        "directory": "d",
    } | {"jobs": planned("local", Resources(jobs=2), [{"discussions": 3}, {"cell": 6}])}


def a_plan() -> Any:
    agents = [
        {"agent": name, "teacher": f"openai:gpt-4o-mini@https://api.example.org/v1/{name}", "priced": priced}
        | {"expected": figures(1500, 12.5 * priced), "most": figures(6000, 125.0 * priced)}
        for name, priced in (("ada", True), ("blaise", False))
    ]
    sides = {"expected": figures(3000, 12.5, 7200.0), "most": figures(12_000, 125.0, None)}
    found = {"agents": agents, "questions": 500, "unpriced": [agents[1]["teacher"]], "run": "runs/a", "mags": 500}
    return found | sides | {"by": {"discussion": "an earlier run"}, "splits": {}, "limits": {}}


def figures(calls: int, cost: float, seconds: float | None = 0.0) -> dict[str, Any]:
    tokens = {"prompt_tokens": 1_234_567, "completion_tokens": 234_567}
    return {"calls": calls, "cost": cost, **tokens, "seconds": seconds, "disk": 4e6, "gpu_memory": 2e10}


def an_evaluation() -> Any:
    models = [
        {"name": name, "predictions": f"predictions/{name}.jsonl", "trained_on": None, "score_weighted": None} | SCORE
        for name in ("runs/arithmetic-reconcile-gcn-3297fc68", "runs/arithmetic-debate-gat-1a2b3c4d")
    ]
    first, second = (model["name"] for model in models)
    against = {"first": first, "second": second, **DIFFERENCE}
    return {"task": "arithmetic", "split": "test", "questions": 500, "models": models, "comparisons": [against]}


def runs() -> Any:
    listed = [a_run("arithmetic-reconcile-gcn-3297fc68"), a_run("b", imported=["x.jsonl"], failed=3, status="stopped")]
    return {"folder": "runs", "runs": listed, "suites": {"runs/encoders": 12}}


def compared() -> Any:
    ends = {"first": {"run": "runs/a"}, "second": {"run": "runs/b"}, "configuration": ["seed: 0 -> 1"]}
    ends["changed"] = []
    return ends | dict.fromkeys(("student", "base", "teams"), DIFFERENCE)


def components() -> Any:
    found = {"kind": "teacher", "name": "litellm", "plugin": "magdi", "version": "9.8.7", "problem": "", "requires": ""}
    found |= {"summary": "Any of the hundred vendors that LiteLLM speaks to, with keys from the environment."}
    other = found | {"name": "vllm", "requires": "magdi[vllm]"}
    return {"components": [found, other], "commands": [], "faults": []}


def imported() -> Any:
    counts = {"mags": 120, "turns": 720, "answered": 700, "right": 600, "wrong": 100, "edges": 1440}
    counts |= {"judged": 700, "agreed": 699, "tested": 0}
    sources = [{"source": f"elsewhere/a-long-name-of-a-file-{number}.json", **counts} for number in range(2)]
    return {"out": "mags.jsonl", "sources": sources, "totals": counts, "disagreements": []}


TABLES: Mapping[str, Callable[[], RenderableType]] = {
    "runs-list": lambda: list_table(runs()),
    "runs-compare": lambda: compare_table(compared()),
    "run": lambda: outcome_table(a_run("a", simulated=True, gain=DIFFERENCE)),
    "run-n": lambda: plan_table(a_plan()),
    "evaluate": lambda: evaluation_table(an_evaluation()),
    "ablate": lambda: suite_tables(suite()),
    "ablate-n": lambda: suite_plan(a_suites_plan()),
    "suites": lambda: suite_names(_names()),
    "mags-stats": lambda: statistics_tables(describe(sample_mags())),
    "mags-check": lambda: check_table({CHECKED: Report(1, 2, 3, 4, 5)}, {}),
    "mags-import": lambda: import_table(imported()),
    "plugins-list": lambda: overview_table(components()),
    "config-show": lambda: origin_table([("training.steps", "300", "default"), ("seed", "1", "--seed")]),
}


def printed(table: RenderableType, width: int) -> str:
    console = SafeConsole(width=width, file=StringIO())
    console.print(table)
    assert isinstance(console.file, StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    return "\n".join(lines)


def pictures(name: str) -> str:
    return "\n".join(f"{width:=<{width}}\n{printed(TABLES[name](), width)}" for width in WIDTHS) + "\n"


@pytest.mark.parametrize("name", TABLES)
def test_tables_look_as_they_did_when_somebody_looked_at_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    assert pictures(name) == (PICTURES / f"{name}.txt").read_text()


WORD = st.text("abcdefghij-/%", min_size=1, max_size=LONGEST - 2)
FIGURE = st.integers(-(10**9), 10**9).map(str) | st.just("-")


@st.composite
def tables(draw: st.DrawFn) -> Sheet:
    right = draw(st.lists(st.booleans(), min_size=1, max_size=11))
    columns = [Column("row", right=False)]
    columns += [Column(" ".join(draw(st.lists(WORD, min_size=1, max_size=3))), right=each) for each in right]
    text = st.lists(WORD, max_size=8).map(" ".join)
    count = draw(st.integers(1, 5))
    rows = [(f"row-{row}", *(draw(FIGURE if each else text) for each in right)) for row in range(count)]
    return Sheet("", tuple(columns), tuple(rows))


@settings(max_examples=60)
@given(tables(), st.sampled_from((60, 80, 200)))
def test_nothing_of_a_table_is_lost_and_no_word_broken(sheet: Sheet, width: int) -> None:
    text = printed(drawn(sheet), width)
    words = text.replace(",", " ").split()
    for cell in (*(column.title for column in sheet.columns), *(cell for row in sheet.rows for cell in row)):
        assert not [word for word in cell.split() if word not in words], text


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_bar_has_its_count_its_time_and_its_speed_at_every_width(width: int) -> None:
    console = SafeConsole(width=width, file=StringIO(), force_terminal=True, color_system=None)
    bars = Bars(console)
    bars.add_task("student answers", total=12_345, completed=600, unit="questions", figures="loss 0.123  " * 30)
    line, figures = printed(bars.get_renderable(), width).splitlines()
    assert line.startswith("student answers ")
    assert line.endswith("600/12345 questions --:-- -/s")
    assert figures.endswith("…")


if __name__ == "__main__":
    for each in TABLES:
        (PICTURES / f"{each}.txt").write_text(pictures(each))
