"""magdi run -n: what the plan says of discussions, training and evaluation, and that it is what a run then does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import magdi
from magdi.cli.app import app
from magdi.cli.plan_table import dollars
from magdi.core.errors import ConfigError, DataError, MagdiError, MagFileError
from magdi.core.run.directory import RunDirectory
from magdi.plugins.setup import set_up

TASK = ["--task-arg", "train=24", "--task-arg", "test=12"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(*arguments: str) -> str:
    found = CliRunner().invoke(app, [*arguments, "-n"])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.stdout


def plan(*arguments: str) -> dict[str, Any]:
    return dict(json.loads(told(*arguments, "--json")))


def test_programs_cost_nothing_and_what_has_no_price_is_not_known() -> None:
    assert plan("run", *TASK)["most"]["cost"] == 0
    assert "US dollars nothing nothing" in " ".join(told("run", *TASK).split())
    unknown = ("--teacher", "simulated:careful", "--teacher", "openai:m@http://localhost:1/v1")
    shown = told("run", *TASK, *unknown)
    assert (shown.count("nothing\n"), shown.count("no price\n")) == (2, 1)
    assert "no price is known of openai:m@http://localhost:1/v1: --price IN,OUT says it" in shown
    partly = plan("run", *TASK, *unknown, "--teacher", "openai:gpt-4o-mini@https://api.openai.com/v1")
    assert 0 < partly["expected"]["cost"] < partly["most"]["cost"]


def test_a_limit_that_a_run_would_refuse_is_refused_in_the_plan() -> None:
    with pytest.raises(ConfigError, match="--max-cost cannot be kept"):
        told("run", *TASK, "--teacher", "openai:m@http://localhost:1/v1", "--max-cost", "5")


@pytest.mark.parametrize(
    ("held", "line", "says"),
    [
        ("of another", ["run", "--seed", "1"], "holds a run of another configuration:\n  seed: 0 -> 1"),
        (
            "of another",
            ["discuss", "--shards", "2"],
            "holds a run, whose discussions those of the shards",
        ),
        ("somebody's", ["run"], "is not empty and holds no run of magdi"),
        ("somebody's", ["run", "--fresh"], "is not empty and holds no run of magdi"),
        ("a file", ["run"], "is no directory"),
    ],
)
def test_a_directory_that_a_run_would_refuse_is_refused_in_the_plan(held: str, line: list[str], says: str) -> None:
    hold("of another")
    Path("somebody's").mkdir()
    Path("somebody's", "thesis.tex").touch()
    Path("a file").touch()
    before = sorted(Path().rglob("*"))
    with pytest.raises(MagdiError, match=says):
        told(*line, *TASK, "-o", held)
    assert sorted(Path().rglob("*")) == before


def test_a_directory_that_a_run_would_go_on_with_is_none_to_refuse() -> None:
    hold("same")
    told("run", *TASK, "-o", "same")


def hold(folder: str) -> None:
    with RunDirectory(Path(folder)).claimed(set_up(sets=["task.train=24", "task.test=12"]).config):
        pass


def test_limits_that_may_be_reached_and_questions_that_there_are_are_told() -> None:
    priced = ("--teacher", "openai:m@http://localhost:1/v1", "--price", "0.15,0.6")
    expected = plan("run", *TASK, *priced)["expected"]["cost"]
    shown = told("run", *TASK, *priced, "--max-cost", str(expected / 2), "--max-calls", "60", "--max-tokens", "9999999")
    assert f"--max-cost {expected / 2:g} is less than what is expected" in shown
    assert "--max-calls 60 is less than the bound" in shown
    assert "--max-tokens" not in shown
    assert "24 for training, 500 for validation, 12 for testing" in shown


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (None, "no limit"),
        (0, "nothing"),
        (1234.5, "1,234.50"),
        (0.5, "0.50"),
        (0.0042, "0.0042"),
        (3.14e-7, "0.00000031"),
    ],
)
def test_small_sums_are_no_zeros(cost: float | None, said: str) -> None:
    assert dollars(cost) == said


def test_a_file_of_questions_that_is_not_there_is_named() -> None:
    ada = "ada=simulated:careful"
    for command in ("run", "discuss"):
        with pytest.raises(DataError, match=r"there is no file or folder nofile\.jsonl"):
            told(command, "--task", "jsonl:nofile.jsonl", "--teacher", ada)
    with pytest.raises(DataError, match="there is no file or folder"):
        magdi.discuss(task="jsonl:nofile.jsonl", teacher=ada)


def test_training_and_evaluation_are_planned_as_they_are_done(tmp_path: Path) -> None:
    toy: dict[str, Any] = {
        "task": {"name": "arithmetic", "train": 24, "test": 12, "primer_problems": 60, "primer_checks": 0},
        "student": {"tiny": {"hidden": 32, "layers": 1, "heads": 2, "epochs": 1}},
        "training": {"steps": None, "epochs": 1.5, "mags_per_step": 7},
        "evaluation": {"max_new_tokens": 8, "questions": 5},
    }
    outcome = magdi.run(out=tmp_path / "run", **toy)
    config = str(tmp_path / "run" / "config.yaml")
    planned = plan("run", config)
    assert planned["training"]["steps"] == outcome["training"]["steps"] == 6
    assert planned["evaluation"]["questions"] == outcome["student"]["count"] == 5
    shown = told("run", config)
    assert "training: 6 steps of 7 MAGs, level 4, encoder gcn, student tiny (full)" in shown
    assert (
        "evaluation: 5 test questions of arithmetic, answered by the base before distillation and the student" in shown
    )


def test_rounds_of_training_are_said_to_be_planned_one_at_a_time() -> None:
    shown = told("run", *TASK, "--protocol", "malt", "--method", "malt", "--rounds-of-training", "3")
    assert "the first of 3 rounds" in shown


def test_into_a_pipe_every_row_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    name = "a-name-" * 60
    teachers = ["--teacher", f"{name}=simulated:careful", "--teacher", f"b-{name}=simulated:hasty"]
    lines = told("run", *TASK, *teachers).split("\n")
    assert [line for line in lines if name in line] == [line for line in lines if line.startswith((name, f"b-{name}"))]
    assert all(line == line.rstrip() for line in lines)
    monkeypatch.setenv("COLUMNS", "100")
    assert max(map(len, told("run", *TASK, *teachers).split("\n"))) <= 100


def test_each_command_plans_its_own_stages() -> None:
    assert plan("discuss", *TASK).keys().isdisjoint({"training", "evaluation"})
    assert "training" in plan("distill", *TASK)
    assert "evaluation" not in plan("distill", *TASK)


def test_a_base_alone_is_asked_and_not_trained() -> None:
    shown = told("run", *TASK, "--level", "base", "--set", "evaluation.samples=3")
    assert "training: none (level base)" in shown
    assert "answered 3 times by the base before distillation\n" in shown
    assert "encoder" not in told("run", *TASK, "--level", "2")


def test_discussions_that_are_there_cost_nothing() -> None:
    Path("mags.jsonl").write_text("{}\n\n{}\n{}\n")
    assert plan("distill", "--mags", "mags.jsonl")["mags"] == 3
    shown = told("run", *TASK, "--mags", "mags.jsonl", "--limit", "2")
    assert shown.startswith("no discussions: 2 MAGs are there already")
    assert "of 2 MAGs" in shown, "no more a step than there are"
    with pytest.raises(MagFileError, match="none.jsonl"):
        told("run", "--mags", "none.jsonl")


@pytest.mark.parametrize("command", [["run"], ["discuss"], ["ablate", "encoders", "--seeds", "1"]])
def test_data_is_where_the_tasks_questions_are(command: list[str]) -> None:
    told = "Ben starts with {} coins. He finds 1 more coins. How many coins does he have now?"
    lines = [json.dumps({"question": told.format(number), "answer": number + 1}) for number in range(20)]
    Path("train.jsonl").write_text("\n".join(lines))
    somebody = ("--teacher", "simulated:careful", "--protocol", "reconcile")  # the suite's own is another one
    planned = plan(*command, "--task", "jsonl", "--data", "train.jsonl", *somebody)
    of_a_run = plan("run", "--task", "jsonl", "--task-arg", "data=train.jsonl", *somebody)
    calls = planned.get("estimate", planned)["most"]["calls"]
    assert calls >= of_a_run["most"]["calls"] > 0, "a suite may hold further discussions, to measure heads on"
    with pytest.raises(DataError, match="nowhere"):
        plan(*command, "--task", "jsonl", "--data", "/nowhere", "--teacher", "simulated:careful")


def test_a_protocol_for_three_takes_no_two(tmp_path: Path) -> None:
    (tmp_path / "jury.py").write_text(
        "from magdi.core.protocol import Protocol\nfrom magdi.plugins import Component, hookimpl\n"
        "class Jury(Protocol):\n    min_agents = max_agents = 3\n    def discuss(self, question, agents):\n"
        "        yield [self.ask(agent) for agent in agents]\n"
        "@hookimpl\ndef magdi_protocols():\n    yield Component('jury', Jury, 'Three.')\n"
    )
    two = ["--teacher", "a=simulated:careful", "--teacher", "b=simulated:hasty"]
    for asked in ([], ["-n"]):
        command = ["discuss", *asked, "--plugin", str(tmp_path / "jury.py"), "--protocol", "jury", *two]
        outcome = CliRunner().invoke(app, [*command, "--limit", "2", "-o", str(tmp_path / "run")])
        assert isinstance(outcome.exception, ConfigError)
        assert outcome.exception.message == "protocol 'jury' takes 3 agents, and there are 2"


@pytest.mark.parametrize("command", [["run"], ["run", "-n"], ["discuss"]])
def test_simulated_teachers_are_not_given_what_they_cannot_do(command: list[str]) -> None:
    lines = [json.dumps({"question": f"Who was king in {number}?", "answer": "Ludwig"}) for number in range(20)]
    Path("train.jsonl").write_text("\n".join(lines))
    given = ["--task", "jsonl:train.jsonl", "--teacher", "ada=simulated:careful", "-o", "out", "-q"]
    outcome = CliRunner().invoke(app, [*command, *given])
    assert isinstance(outcome.exception, ConfigError)
    assert outcome.exception.message.startswith("ada (simulated:careful#0")
    assert "cannot do such questions as 'Who was king in" in outcome.exception.message
    assert not Path("out").exists()


def test_an_unknown_last_stage_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="no such stage"):
        magdi.run(until="nonsense")  # type: ignore[arg-type]
