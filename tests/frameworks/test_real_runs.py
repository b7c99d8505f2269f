"""Real teams of other frameworks against a stub server whose every reply has a word of its own.

The server's log is the truth: turns and edges of what is imported are exactly those of the prompts that it received.
CrewAI is large; a run of it was recorded by ``teams.py crewai URL FILE`` (crewai 1.15, OpenInference 1.1).
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from magdi.core.mag import Mag, read_mags
from magdi.plugins.testing import tiny_student
from tests.frameworks.teams import TASK
from tests.frameworks.words import WordServer, edges_of, word_of
from tests.made_once import made_once

HERE = Path(__file__).parent
NEEDED = {
    "agent_framework": "agent_framework_openai",
    "openai_agents": "agents",
    "langgraph": "langgraph",
    "ag2": "ag2",
}
TEAMS = [*NEEDED, "crewai"]


def run(*arguments: str | Path) -> str:
    from magdi.cli.app import app

    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def held(name: str, folder: Path) -> tuple[Path, list[Any]]:
    """Returns the spans of a team's run, and every prompt that the server got, with its reply."""
    if name == "crewai":
        return HERE / "recorded" / "crewai.spans.jsonl", json.loads(
            (HERE / "recorded" / "crewai.prompts.json").read_text()
        )
    if find_spec(NEEDED[name]) is None:
        pytest.skip(f"{NEEDED[name]} is not installed")
    spans = folder / f"{name}.spans.jsonl"
    with WordServer() as server:
        command: list[str | Path] = [sys.executable, HERE / "teams.py", name, server.url, spans]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return spans, server.log


Runs = Callable[[str], tuple[list[Mag], list[Any], Path]]
"""From a framework to its MAGs, the server's log, and the MAGs' file."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Every team's imported MAGs and the server's log, held once."""
    made: dict[str, tuple[list[Mag], list[Any], Path]] = {}

    def of(name: str) -> tuple[list[Mag], list[Any], Path]:
        if name not in made:
            folder = made_once(tmp_path_factory, name, lambda to: hold(name, to))
            log = json.loads((folder / "log.json").read_text())
            made[name] = list(read_mags(folder / "mags.jsonl")), log, folder / "mags.jsonl"
        return made[name]

    return of


def hold(name: str, folder: Path) -> None:
    spans, log = held(name, folder)
    (folder / "log.json").write_text(json.dumps(log))
    (folder / "gold.csv").write_text(f'question,answer\n"{TASK}",10\n')
    run("mags", "import", spans, "--gold", folder / "gold.csv", "-o", folder / "mags.jsonl")


@pytest.mark.parametrize("name", TEAMS)
def test_turns_and_edges_are_those_of_the_prompts_that_the_server_got(runs: Runs, name: str) -> None:
    (mag,), log, _ = runs(name)
    assert len(log) >= 3
    assert {
        word_of(turn.text): {word_of(mag.turns[step].text) for step in turn.sources} for turn in mag.turns
    } == edges_of(log)
    assert {turn.text for turn in mag.turns} == {said for _, said in log}


@pytest.mark.parametrize("name", TEAMS)
def test_speakers_are_those_whom_the_prompts_address(runs: Runs, name: str) -> None:
    (mag,), log, _ = runs(name)
    addressed = {word_of(said): re.findall(r"You are (\w+), one of", prompt)[0] for prompt, said in log}
    assert {word_of(turn.text): turn.agent for turn in mag.turns} == addressed
    assert [turn.agent for turn in mag.turns if turn.round == 0]


@pytest.mark.parametrize("name", TEAMS)
def test_the_question_is_the_task_and_answers_are_graded(runs: Runs, name: str) -> None:
    (mag,), log, _ = runs(name)
    assert mag.question.text == TASK
    assert [turn.correct for turn in mag.turns] == [turn.text.endswith(" 10.") for turn in mag.turns]


def test_a_student_learns_from_all_of_them(runs: Runs, tmp_path: Path) -> None:
    files = [runs(name)[2] for name in TEAMS if name == "crewai" or find_spec(NEEDED[name])]
    mags = [option for file in files for option in ("--mags", file)]
    for part in tiny_student():
        part.save_pretrained(tmp_path / "tiny")
    run(
        "distill",
        *mags,
        "--student",
        tmp_path / "tiny",
        "--preset",
        "tiny",
        "--set",
        "training.steps=1",
        "-o",
        tmp_path / "run",
    )
    assert len(list(read_mags(tmp_path / "run" / "mags.jsonl"))) == len(files)
    assert (tmp_path / "run" / "student").is_dir()
