"""Which run is meant where none is named, and what is said where a named one is not there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from magdi.cli.app import app
from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError, DataError, MagdiError
from magdi.core.mag import Mag, Question, Turn, write_mags
from magdi.core.run.directory import RunDirectory


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def a_run(path: str, *, age: float, student: bool = False) -> RunDirectory:
    """A run that was last worked on so many seconds ago."""
    run = RunDirectory.open(Path(path), RunConfig())
    run.update(status="done")
    turn = Turn(step=0, agent="ada", text="4", answer="4", correct=True, label=True, label_source="gold")
    question = Question(id="q", text="2 + 2?", gold="4")
    write_mags(run.mags, [Mag(id=run.path.name, question=question, protocol="debate", turns=(turn,))])
    if student:
        run.student.mkdir()
    then = run.mags.stat().st_mtime - age
    for file in (run.path / run.CONFIG, run.path / run.STATE):
        os.utime(file, (then, then))
    return run


def magdi(*arguments: str) -> Result:
    found = CliRunner().invoke(app, arguments)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def test_the_newest_run_is_viewed_and_named() -> None:
    a_run("runs/old", age=90)
    a_run("runs/deeper/new", age=10)
    found = magdi("view", "--no-plugins")
    assert found.stderr == "the newest: runs/deeper/new\n"
    assert found.stdout.endswith("runs/deeper/new/report.html\n")


def test_the_suite_of_the_newest_run_is_viewed(monkeypatch: pytest.MonkeyPatch) -> None:
    a_run("runs/suite/cell/seed-0", age=10)
    Path("runs/suite/suite.json").write_text("{}")

    def written(path: Path, out: Path | None, components: object, told: Callable[[Path], None]) -> Path:
        told(path / "a" / "report.html")
        return path / "suite.json"

    monkeypatch.setattr("magdi.plugins.report.data.view", written)
    assert magdi("view").stderr == "the newest: runs/suite\nthe run's page: runs/suite/a/report.html\n"
    assert json.loads(magdi("view", "--json").stdout)["pages"] == [str(Path("runs/suite/a/report.html").resolve())]


def test_the_newest_run_is_followed_and_not_its_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    a_run("runs/suite/cell/seed-0", age=10)
    Path("runs/suite/suite.json").write_text("{}")
    followed: list[list[Path]] = []
    monkeypatch.setattr("magdi.cli.view._follow", lambda sources, *given, **options: followed.append(sources))
    magdi("view", "--live")
    assert followed == [[Path("runs/suite/cell/seed-0")]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a", "b", "--live"), "follows one run"),
        (("a", "--live", "-o", "x.html"), "writes no file"),
        (("a", "--port", "80"), "--live"),
    ],
)
def test_what_does_not_go_with_live(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        magdi("view", *arguments)


def test_a_run_of_a_suite_is_meant_only_where_there_is_no_other() -> None:
    a_run("runs/suite/cell/seed-0", age=10)
    Path("runs/suite/suite.json").write_text("{}")
    assert magdi("runs", "show").stderr == "the newest: runs/suite/cell/seed-0\n"
    a_run("runs/old", age=90)
    assert magdi("runs", "show").stderr == "the newest: runs/old\n"


def test_who_asks_for_the_configuration_of_a_run_is_told_where_it_is() -> None:
    a_run("runs/old", age=90)
    found = magdi("config", "show", "runs/old")
    assert found.stderr.endswith("magdi config show runs/old/config.yaml\n")
    assert "mags: runs/old" in found.stdout


def test_discussions_are_shown_of_the_newest_run_that_has_some() -> None:
    a_run("runs/old", age=90)
    a_run("runs/new", age=10).mags.unlink()
    found = magdi("mags", "show", "#1")
    assert found.stderr == "the newest: runs/old\n"
    assert found.stdout.startswith("2 + 2?")


@pytest.mark.parametrize("command", [("export",), ("ask", "2 + 2?")])
def test_who_needs_a_student_gets_the_newest_run_that_has_one(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run("runs/with", age=90, student=True)
    a_run("runs/without", age=10)
    taken: list[str] = []

    def stop(run: object, *arguments: object, **options: object) -> None:
        taken.append(str(run))
        raise DataError("far enough")

    monkeypatch.setattr("magdi.plugins.exporting.export.export", stop)
    monkeypatch.setattr("magdi.plugins.evaluating.candidates.find_candidate", stop)
    with pytest.raises(DataError, match="far enough"):
        magdi(*command)
    assert taken == ["runs/with"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("view",), "there is no run in runs/"),
        (("export",), "there is no run with a student in runs/"),
        (("ask", "2 + 2?" * 1000), "there is no run with a student in runs/"),
        (("mags", "show", "#1"), "there is no run with discussions in runs/"),
    ],
)
def test_where_there_is_no_run_that_is_said(command: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message) as raised:
        magdi(*command)
    assert "magdi run makes one" in raised.value.hint


def test_a_model_without_a_question_is_not_the_question() -> None:
    a_run("runs/one", age=1, student=True)
    for asked in (("runs/one",), ("runs/one", ""), (" ",)):
        with pytest.raises(ConfigError, match="nothing was asked"):
            magdi("ask", *asked)


@pytest.mark.parametrize("name", ["runs/secnod", "./secnod", "/data/runs/secnod", "secnod/", "a/b/secnod"])
@pytest.mark.parametrize("command", [("evaluate",), ("ask",)])
def test_a_path_that_is_not_there_is_no_hub_id(name: str, command: tuple[str, ...]) -> None:
    for other in ("runs/first", "runs/second", "runs/third", "runs/a-run-of-quite-another-name"):
        a_run(other, age=1)
    question = ("2 + 2?",) if command == ("ask",) else ()
    with pytest.raises(MagdiError, match="there is no such run or folder") as raised:
        magdi(*command, name, *question, "--task", "arithmetic")
    assert raised.value.exit_code == 2
    assert "runs/second" in raised.value.hint
    assert "quite-another-name" not in raised.value.hint


@pytest.mark.parametrize("command", [("view",), ("export",), ("runs", "show")])
def test_near_runs_are_named_where_one_is_not_there(command: tuple[str, ...]) -> None:
    a_run("runs/second", age=1)
    with pytest.raises(DataError, match="runs/secnod") as raised:
        magdi(*command, "runs/secnod")
    assert raised.value.hint == "the nearest runs are runs/second"


@pytest.mark.parametrize("name", ["gpt2", "Qwen/Qwen3-0.6B", "mistral-community/Mistral-7B-v0.2"])
def test_ids_of_the_hub_go_to_the_hub(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from magdi.plugins.evaluating.candidates import find_candidate
    from magdi.plugins.manager import load_plugins

    asked: list[str] = []
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda self, repo, timeout: asked.append(repo))
    assert find_candidate(name, load_plugins().registry).model == name
    assert asked == [name], "once"


def test_a_name_of_nothing_ends_at_once_and_near_runs_are_named() -> None:
    a_run("runs/second", age=1, student=True)
    with pytest.raises(ConfigError, match=r"secnod: there is no such run or folder, nor .* cannot be asked") as raised:
        magdi("ask", "secnod", "2 + 2?")
    assert raised.value.hint == "the nearest runs are runs/second"


@pytest.mark.parametrize(
    "command",
    [
        ("mags", "stats"),
        ("mags", "check"),
        ("mags", "export", "-o", "out"),
        ("mags", "filter", "-o", "out.jsonl"),
        ("runs", "show"),
        ("runs", "compare", "runs/old"),
    ],
)
def test_the_newest_run_is_meant_wherever_none_is_named(command: tuple[str, ...]) -> None:
    a_run("runs/old", age=90)
    a_run("runs/new", age=10)
    found = magdi(*command)
    assert found.stderr.startswith("the newest: runs/new\n")
    assert found.exit_code == (command == ("mags", "check")), "which finds that the discussion is made up"


def test_runs_are_listed_by_date_and_those_of_suites_when_asked() -> None:
    for place, (name, day) in enumerate({"runs/b": 1, "runs/a": 3, "runs/suite/cell/seed-0": 2}.items()):
        a_run(name, age=place).update(started=f"2026-01-0{day}T12:00:00+00:00")
    Path("runs/suite/suite.json").write_text("{}")
    told = json.loads(magdi("runs", "list", "--json").stdout)
    assert [run["run"] for run in told["runs"]] == ["runs/a", "runs/b"]
    assert told["suites"] == {"runs/suite": 1}
    assert "1 of suite (--all lists them" in magdi("runs", "list").stdout
    whole = json.loads(magdi("runs", "list", "--all", "--json").stdout)["runs"]
    assert [run["run"] for run in whole] == ["runs/a", "runs/suite/cell/seed-0", "runs/b"]
    assert len(json.loads(magdi("runs", "list", "runs/suite", "--json").stdout)["runs"]) == 1
