"""From a suite file to its cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError
from magdi.core.mag import write_mags
from magdi.plugins.suite_setup import SuiteSetup, set_up_suite
from magdi.plugins.suites.file import find, read_suite, shipped
from magdi.plugins.testing.sample_mags import sample_mags


def suite(folder: Path, text: str, **options: Any) -> SuiteSetup:
    path = folder / "mine.yaml"
    path.write_text(text)
    return set_up_suite(str(path), options.pop("files", ()), folder=folder / "runs", environ={}, **options)


def configs(setup: SuiteSetup) -> dict[str, RunConfig]:
    return {name: cell.config for name, cell in setup.suite.grid.cells.items()}


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_suite_can_be_run(name: str, tmp_path: Path) -> None:
    for quick in (False, True):
        made = set_up_suite(name, folder=tmp_path, quick=quick, environ={}).suite
        plan = made.jobs()
        assert made.grid.reference in made.grid.cells
        assert sum(job.kind == "cell" for job in plan) == len(made.grid.cells) * len(made.seeds)
    assert len(made.grid.file.about) > 60
    assert find(name).read_text().startswith("# ")


@pytest.mark.parametrize(
    ("name", "flags", "questions"),
    [
        ("levels", {}, 300),
        ("levels", {"discussion.questions": 40}, 40),
        ("levels", {"student.model": "org/model"}, 1000),
        ("data", {}, 1000),
        ("statistics", {}, 1000),
    ],
)
def test_suites_leave_room_above_the_embedded_default(
    name: str, flags: dict[str, Any], questions: int, tmp_path: Path
) -> None:
    cells = configs(set_up_suite(name, folder=tmp_path, flags=flags, environ={}))
    assert next(iter(cells.values())).discussion.questions == questions


def test_the_papers_means_are_those_of_its_numbers() -> None:
    checked = 0
    for name, path in shipped().items():
        paper = read_suite(path).paper
        if paper is None or paper.columns[-1] != "mean" or len(paper.columns) != 6:
            continue
        for row, numbers in paper.rows.items():
            *parts, mean = [number for number in numbers if number is not None]
            assert sum(parts) / 5 == pytest.approx(mean, abs=0.02), (name, row)
            checked += 1
    assert checked == 9 + 4 + 2


def test_all_combinations_then_the_cells_beside_them(tmp_path: Path) -> None:
    made = suite(
        tmp_path,
        """
title: t
axes:
  encoder: [gcn, {name: gat, hidden: 16}]
  size: {small: {training.steps: 3}, large: {training: {steps: 9, mags_per_step: 2}}}
cells:
  - {encoder: none, size: huge, set: {encoder: none, training.steps: 99}, against: ["gat, large"]}
""",
    )
    found = configs(made)
    assert list(found) == ["gcn, small", "gcn, large", "gat, small", "gat, large", "none, huge"]
    assert made.suite.grid.reference == "gcn, small"
    assert found["gat, large"].encoder.settings == {"hidden": 16}
    assert (found["gat, large"].training.steps, found["gat, large"].training.mags_per_step) == (9, 2)
    assert found["none, huge"].training.steps == 99


def test_what_goes_before_what(tmp_path: Path) -> None:
    mine = tmp_path / "my.yaml"
    mine.write_text("training: {steps: 20, learning_rate: 1.0e-3}\nevaluation: {questions: 7}\n")
    made = suite(
        tmp_path,
        "title: t\nsettings: {evaluation.questions: 300, evaluation.samples: 4}\naxes: {training.steps: [1, 2]}\n",
        files=[mine],
        flags={"training.steps": 50, "seed": 3},
        sets=["training.mags_per_step=5"],
        seeds=2,
    )
    one = configs(made)["1"]
    assert one.training.steps == 1  # the cell's own
    assert one.training.learning_rate == 1e-3
    assert (one.evaluation.questions, one.evaluation.samples) == (7, 4)  # the file's before the suite's
    assert one.training.mags_per_step == 5
    assert made.suite.seeds == (3, 4)


def test_agents_stand_where_they_are_named(tmp_path: Path) -> None:
    text = """
title: t
reference: "one {agent2}"
cells:
  - {who: "one {agent1}", set: {level: "single-teacher:{agent1}", discussion.agents: ["{agent1}"]}}
  - {who: "one {agent2}", set: {level: "single-teacher:{agent2}"}}
  - {who: "one {agent9}", set: {level: "single-teacher:{agent9}"}}
  - {who: "each {agent}", measure: "agent:{agent}"}
paper: {source: x, what: y, columns: [z], rows: {"one {agent2}": [1.5], other: [2.0]}}
"""
    made = suite(tmp_path, text, flags={"teachers": ["ada=simulated:careful", "bob=simulated:hasty"]})
    found = configs(made)
    assert list(found) == ["one ada", "one bob", "each ada", "each bob"]
    assert found["one ada"].training.level == "single-teacher:ada"
    assert found["one ada"].discussion.agents == ("ada",)
    assert made.suite.grid.cells["each bob"].measure == "agent:bob"
    assert made.suite.grid.reference == "one bob"
    assert made.suite.grid.paper == {"one bob": (1.5,), "other": (2.0,)}


def test_a_cell_is_compared_with_every_agents_and_one_agents_with_its_own(tmp_path: Path) -> None:
    text = """
title: t
cells:
  - {who: all, against: ["one {agent}"]}
  - {who: "one {agent}", set: {level: "single-teacher:{agent}"}}
  - {who: "one {agent}, often", set: {level: "single-teacher:{agent}"}, against: ["one {agent}"]}
"""
    made = suite(tmp_path, text, flags={"teachers": ["ada=simulated:careful", "bob=simulated:hasty"]})
    cells = made.suite.grid.cells
    assert cells["all"].against == ("one ada", "one bob")
    assert cells["one bob, often"].against == ("one bob",)


def test_a_suite_is_run_on_its_instrument_unless_something_else_is_named(tmp_path: Path) -> None:
    text = "title: t\ninstrument: order\nembedded: {protocol: debate}\ncells: [{n: a}]\n"

    def of(**given: Any) -> tuple[str | None, str, str, int | None, int | None]:
        made = suite(tmp_path, text, **given)
        one = configs(made)["a"]
        task, steps = one.task.name, one.training.steps
        return made.suite.instrument, task, one.protocol.name, steps, one.discussion.questions

    assert of() == ("order", "order", "debate", 200, 300)
    assert of(instrument="bugs") == ("bugs", "bugs", "debate", 200, 300)
    assert of(instrument="arithmetic") == ("arithmetic", "arithmetic", "debate", 350, 300)
    assert of(flags={"task": "bugs"}) == ("bugs", "bugs", "debate", 200, 300)
    assert of(flags={"task": "gsm8k"})[:2] == (None, "gsm8k")
    assert of(flags={"task": "gsm8k"})[4] == 300
    write_mags(tmp_path / "real.jsonl", sample_mags())
    own = {"task": "math", "discussion.mags": [str(tmp_path / "real.jsonl")]}
    assert of(flags=own)[::4] == (None, None), "all of them"
    assert of(flags=own | {"student.model": "some/model-7B"})[::4] == (None, None), "whatever the preset says"
    assert of(flags=own | {"student.model": "some/model-7B", "discussion.questions": 7})[4] == 7
    assert of(flags={"task.min_steps": 3})[1] == "arithmetic"
    assert of(flags={"teachers": ["ada=simulated:careful"]})[1] == "arithmetic"
    assert of(flags={"student.model": "some/model-7B"})[:3] == (None, "arithmetic", "reconcile")
    with pytest.raises(ConfigError, match="cannot be had at once"):
        of(instrument="order", flags={"task": "gsm8k"})
    with pytest.raises(ConfigError, match="--instrument 'ordre'"):
        of(instrument="ordre")


def test_times_multiplies_what_a_setting_is(tmp_path: Path) -> None:
    cell = "{n: more, set: {discussion.questions: x 3, task.train: x 3, training.steps: x 0.5, task.test: x 2}}"
    made = suite(tmp_path, f"title: t\ncells: [{cell}]\n", flags={"training.steps": 9, "task.test": 10})
    more = configs(made)["more"]
    assert more.discussion.questions == 900  # of the 300 that suites take
    assert more.task.settings == {"train": 3000, "test": 20}  # train is the task's own default
    assert more.training.steps == 4


def test_a_student_of_another_kind_has_another_preset(tmp_path: Path) -> None:
    found = configs(suite(tmp_path, "title: t\naxes: {student.model: [tiny, some/model-7B]}\n"))
    assert found["tiny"].preset == "tiny"
    assert found["some/model-7B"].preset == "paper"
    assert found["some/model-7B"].student.adaptation == "lora"


def test_the_grid_in_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "suites.md").read_text()
    block = page.partition("title: Width")[2].partition("```")[0]
    made = suite(tmp_path, f"title: Width{block}")
    assert list(made.suite.grid.cells) == [
        *(f"{hidden}, {data}" for hidden in (16, 64, 256) for data in ("all", "half")),
        "no graph, all",
    ]
    assert made.suite.grid.reference == "64, all"
    for name in shipped():
        assert f"| `{name}` |" in page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: t\n", "neither axes nor cells"),
        ("title: t\naxes: {encoder: []}\n", "has no values"),
        ("title: t\naxis: {encoder: [gcn]}\n", "did you mean 'axes'"),
        ("title: t\naxes: {encoder: [gcn, gnc]}\n", "gnc: encoder"),
        ("title: t\naxes: {encoder: [gcn, gcn]}\n", "two cells of this name"),
        ("title: t\naxes: {training.stepps: [1]}\n", "did you mean 'steps'"),
        ("title: t\naxes: {encoder: [gcn]}\nreference: gat\n", "there is no cell 'gat'"),
        ("title: t\naxes: {encoder: [gcn]}\ncells: [{encoder: x, against: [y]}]\n", "x: against: there is no cell 'y'"),
        ("title: t\ncells: [{a: x, match: {by: tokens, to: y}}]\n", "match.to: there is no cell 'y'"),
        ("title: t\ncells: [{a: x, measure: teem}]\n", "is neither agent:NAME nor any of student, team, knows:most"),
        ("title: t\naxes: {encoder: [gcn]}\ncells: [{level: x}]\n", "the axes are ['encoder']"),
        ("title: t\ncells: [{a: x}]\ncontrasts: [{name: n, plus: [x, x], minus: [x]}]\n", "need as many cells"),
        (
            "title: t\ncells: [{a: x}]\npaper: {source: s, what: w, columns: [a], rows: {x: [1, 2]}}\n",
            "2 numbers for 1",
        ),
        ("title: t\naxes: [", "is no YAML"),
        (
            "title: t\ncells: [{level: 1}]\nplugins: [x.py]\n",
            "those of all cells go below settings (settings.plugins)",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        suite(tmp_path, text)
    assert says in caught.value.message
    assert caught.value.exit_code == 2


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        suite(tmp_path, "title: t\naxes: {encoder: [gnc, gcn]}\ncells: [{encoder: x, set: {edges: exactt}}]\n")
    assert len(caught.value.problems) == 2


def test_only_chooses_cells(tmp_path: Path) -> None:
    text = "title: t\naxes: {encoder: [gcn, gat, none], edges: [exact, full]}\n"

    def shown(*only: str) -> list[str]:
        return suite(tmp_path, text, only=only).suite.shown

    assert shown("encoder=gcn") == ["gcn, exact", "gcn, full"]
    assert shown("encoder=g*", "edges=full") == ["gcn, full", "gat, full"]
    assert shown("encoder=gcn", "encoder=none", "edges=exact") == ["gcn, exact", "none, exact"]
    assert shown("cell=gat, full") == ["gat, full"]
    with pytest.raises(ConfigError, match="did you mean 'encoder'"):
        shown("encodr=gcn")
    with pytest.raises(ConfigError, match="no cell of the suite has it") as caught:
        shown("encoder=gcn", "encoder=sage")  # what is there is not run as if all had been
    assert "there is: gcn; gat; none;" in caught.value.hint
    with pytest.raises(ConfigError, match="leaves no cell"):
        shown("encoder=gcn", "cell=gat, full")


def test_an_unknown_suite_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        find("encodrs")
    assert "did you mean 'encoders'" in caught.value.hint


def test_a_file_of_mags_allows_of_no_other_discussions(tmp_path: Path) -> None:
    mags = tmp_path / "mags.jsonl"
    turn = {"step": 0, "agent": "ada", "text": "so"}
    mag = {"schema": "magdi.mag/1", "id": "q", "question": {"id": "q", "text": "?"}, "protocol": "p", "turns": [turn]}
    mags.write_text(json.dumps(mag) + "\n")
    made = set_up_suite("levels", folder=tmp_path, environ={}, flags={"discussion.mags": str(mags)}).suite
    assert "SiT-ada" in made.grid.cells
    assert list(made.left_out) == ["SiT-ada, 3x questions"]
    with pytest.raises(ConfigError, match="other discussions"):
        suite(
            tmp_path,
            "title: t\naxes: {protocol: [reconcile, debate]}\nreference: debate\n",
            flags={"discussion.mags": str(mags)},
        )


def test_what_a_cells_component_cannot_be_told_is_said(tmp_path: Path) -> None:
    made = set_up_suite("encoders", folder=tmp_path, environ={}, sets=["encoder.hidden=32"])
    assert made.notes == (
        "encoder.hidden is left out: there is no such setting of the encoder that is named (--set encoder.hidden)",
    )
    wide = {name: config.encoder.settings.get("hidden") for name, config in configs(made).items()}
    assert wide["none"] is None
    assert wide["gcn"] == wide["node-attention"] == 32
