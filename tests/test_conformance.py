"""Every shipped component goes through the conformance kit that third-party ones go through."""

import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from magdi.core.mag import Mag, Question, Turn, Usage, write_mags
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.component import Component, Kind
from magdi.plugins.target import resolve
from magdi.plugins.testing import StubServer, check_component, tiny_student
from magdi.plugins.testing.asking import question as ask_teacher
from magdi.plugins.testing.other_interpreter import job_of
from magdi.plugins.testing.runner import failures
from tests.conforming import ask_elsewhere
from tests.made_once import made_once
from tests.team_samples import team_run

COMPONENTS = [(kind, component) for kind, components in BUILTINS.items() for component in components]

OWN_QUESTIONS = [{"question": f"What is {number} + 4?", "answer": str(number + 4)} for number in range(40)]

FEW = {"train": 100, "validation": 60, "test": 60, "primer_problems": 300, "primer_checks": 50}


def missing(component: Component) -> str:
    """Returns the package that a component's extra stands for, where it is not installed."""
    extra = component.requires.removeprefix("magdi[").removesuffix("]")
    packages = {"autogen": "autogen_agentchat", "agent-framework": "agent_framework_orchestrations"}
    package = packages.get(extra, extra)
    return package if package and importlib.util.find_spec(package) is None else ""


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the settings of components name: one for all workers, so that another interpreter is asked once for all."""
    return made_once(tmp_path_factory, "conformance", make_files)


def make_files(folder: Path) -> None:
    (folder / "own").mkdir()
    for split, rows in {"train": OWN_QUESTIONS[:30], "test": OWN_QUESTIONS[30:]}.items():
        (folder / "own" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_mags(folder / "recording.jsonl", recording())
    for part in tiny_student():
        part.save_pretrained(folder / "tiny")
    team_run(folder / "team")


def recording() -> Iterator[Mag]:
    """MAGs in which somebody has answered what the kit asks teachers."""
    usage = Usage(prompt_tokens=9, completion_tokens=5)
    for place in range(8):
        prompt = ask_teacher(place).messages
        turn = Turn(step=0, agent="ann", text=f"The answer is {place + 5}.", usage=usage, prompt=prompt)
        asked = Question(id=str(place), text=prompt[0].content)
        yield Mag(id=str(place), question=asked, protocol="single", turns=(turn,))


@pytest.fixture(scope="session")
def stub() -> Iterator[StubServer]:
    with StubServer() as server:
        yield server


Settings = Callable[[str, Component], dict[str, Any] | None]


@pytest.fixture(scope="session")
def settings(request: pytest.FixtureRequest, files: Path) -> Settings:
    """Returns a function from a component to its settings, None for the defaults; tasks read what is on this disk."""

    def of(kind: str, component: Component) -> dict[str, Any] | None:
        fields = resolve(component.target).Config.model_fields
        name = f"{kind} {component.name}"
        if name in ("task jsonl", "task hf"):
            needed = {"dataset": "own/questions"} if "dataset" in fields else {}
            return needed | {"data": files / "own", "columns": {"answer_type": "number"}}
        if name in ("task arithmetic", "task order", "task bugs"):  # whose own tests look at all of their questions
            return FEW | ({} if name == "task arithmetic" else {"primer_conclusions": 100})
        if name == "task mix":
            return {"parts": ["gsm8k", "svamp", "boolq"], "data": str(request.getfixturevalue("data"))}
        if name == "teacher hf":
            return {"model": str(files / "tiny")}
        if name == "teacher local":
            return {"run": str(files / "team" / "run"), "role": "generator"}
        if name == "teacher litellm":
            return {"model": "hosted_vllm/stub", "extra": {"api_base": request.getfixturevalue("stub").url}}
        if name == "teacher vllm":
            return {"model": "none"}
        if name == "teacher replay":
            return {"path": str(files / "recording.jsonl")}
        return {"data": request.getfixturevalue("data")} if kind == "task" and "data" in fields else None

    return of


@pytest.fixture(scope="session")
def configs(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Kind, str], BaseModel | None]:
    """The settings of each component that can be had; one other interpreter is asked about all of them."""
    made: dict[tuple[Kind, str], BaseModel | None] = {}
    jobs = []
    for kind, component in COMPONENTS:
        if not missing(component):
            target, given = resolve(component.target), settings(kind, component)
            config = made[kind, component.name] = None if given is None else target.Config(**given)
            if kind not in ("encoder", "objective") and "stub" not in str(config):  # which is a worker's own server
                jobs.append(job_of(kind, target, config))
    ask_elsewhere("components", jobs, tmp_path_factory)
    return made


@pytest.mark.parametrize(
    ("kind", "component"),
    [pytest.param(kind, component, id=f"{kind}-{component.name}") for kind, component in COMPONENTS],
)
def test_shipped_component_conforms(
    kind: Kind, component: Component, configs: dict[tuple[Kind, str], BaseModel | None]
) -> None:
    if extra := missing(component):
        pytest.skip(f"{extra} is not installed")
    assert failures(check_component(component, configs[kind, component.name])) == []
