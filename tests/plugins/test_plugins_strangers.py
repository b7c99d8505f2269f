"""Plugins by people who have read something else: named by class, file and what to do, and nothing else breaks."""

import locale
import logging
import multiprocessing
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import magdi
from magdi.core.config.models import ComponentChoice
from magdi.core.decision import DecisionRule
from magdi.core.encoder import Encoder
from magdi.core.errors import ComponentError
from magdi.core.objective import Objective
from magdi.core.protocol import Protocol
from magdi.core.task import Task
from magdi.core.teacher import Teacher
from magdi.plugins.guard import guarded
from magdi.plugins.manager import Plugins, load_plugins
from magdi.plugins.registry import default_registry
from magdi.plugins.signature import misfit
from magdi.plugins.trial import try_encoder

HEAD = """
from magdi.core.protocol import Protocol
from magdi.plugins import Component, hookimpl
from pydantic import BaseModel, Field


class Ring(Protocol):
    class Config(BaseModel, extra="forbid"):
        rounds: int = Field(3, description="Rounds.")

    {body}

    def discuss(self, question, agents):
        yield [self.ask(agent) for agent in agents]


@hookimpl
def magdi_protocols():
    yield Component("ring", {target}, "A ring.")
"""


def load(folder: Path, name: str, text: str) -> Plugins:
    """Loads a plugin file, whatever is wrong with it."""
    (folder / f"{name}.py").write_text(text)
    return load_plugins([str(folder / f"{name}.py")], environ={"MAGDI_LOAD_PLUGINS": ""}, lenient=True)


MISFITS: list[tuple[type, str, Any, str]] = [
    (Protocol, "discuss", lambda self, question, agents, history: None, "is called with (question, agents): missing a"),
    (Protocol, "decide", lambda self, turns: None, "is called with (question, turns): too many positional"),
    (Encoder, "forward", lambda self, x, edge_index: x, "is called with (batch): missing a required"),
    (Objective, "weight", lambda self: 1.0, "is called with (step, steps): too many positional"),
    (Objective, "columns", ["turns"], "columns is ['turns'], and no dict like {}"),
    (Task, "questions", lambda self: [], "is called with (split): too many positional"),
    (Teacher, "complete", "hello", "is a str, and not a method"),
    (Teacher, "complete", lambda self, request: None, "is awaited, and has to be async def"),
    (Teacher, "identity", lambda self: "one", "is a method, and has to be a @property"),
    (Teacher, "concurrency", "8", "concurrency is '8', and no int like 64"),
    (DecisionRule, "decide", staticmethod(lambda turns: None), "is called with (question, turns): too many"),
    (Protocol, "min_agents", "2", "min_agents is '2', and no int like 1"),
]


@pytest.mark.parametrize(("base", "name", "member", "told"), MISFITS)
def test_what_is_written_for_something_else_is_named(base: type, name: str, member: Any, told: str) -> None:
    found = misfit(type("Odd", (base,), {name: member}), base)
    assert found.startswith(f"Odd.{name}")
    assert told in found
    assert f"({Path(__file__).name}:" in found or not callable(member) or name == "identity"


async def _waits(self: Any, *given: Any) -> None: ...


def _more(self: Any, question: Any, agents: Any, seed: int = 0, **further: Any) -> None: ...


FITTING: list[tuple[type, str, Any]] = [
    (Protocol, "discuss", staticmethod(lambda question, agents: None)),
    (Protocol, "discuss", _more),
    (Protocol, "ask", lambda self: None),
    (Teacher, "complete", _waits),
    (Teacher, "concurrency", property(lambda self: 8)),
    (Task, "teachers", ["a", "b"]),
    (Encoder, "forward", torch.no_grad()(lambda self, batch: batch.x)),
]


@pytest.mark.parametrize(("base", "name", "member"), FITTING)
def test_what_can_be_called_is_left_alone(base: type, name: str, member: Any) -> None:
    assert misfit(type("Fine", (base,), {name: member}), base) == ""


def test_what_nobody_awaits_must_not_be_async(tmp_path: Path) -> None:
    assert misfit(type("Odd", (Protocol,), {"discuss": _waits}), Protocol).startswith("Odd.discuss is async: ")
    observer = "from magdi.plugins import hookimpl\n@hookimpl\nasync def magdi_metrics(step, metrics): ...\n"
    faults = load(tmp_path, "watch", observer).faults
    assert [str(fault) for fault in faults] == [
        "watch: magdi_metrics is async, and nobody awaits it: a hook is a plain def"
    ]


@pytest.mark.parametrize(
    "body",
    [
        "def __init__(self, config=None): self.cache = {}",
        "def __init__(self, rounds=3): super().__init__(); self.rounds = rounds",
    ],
)
def test_settings_that_do_not_reach_the_component_are_said(tmp_path: Path, body: str) -> None:
    registry = load(tmp_path, "odd", HEAD.format(body=body, target="Ring")).registry
    told = r"protocol 'ring' of odd cannot be made: Ring.__init__ has to call super\(\).__init__\(config\)"
    with pytest.raises(ComponentError, match=told):
        registry.protocol(ComponentChoice.model_validate({"name": "ring", "rounds": 5}))


def test_a_class_of_a_file_is_no_module_of_that_name(tmp_path: Path) -> None:
    registry = load(tmp_path, "ring_file", HEAD.format(body="", target="'ring_file:Ring'")).registry
    with pytest.raises(ComponentError) as caught:
        registry.protocol(ComponentChoice(name="ring"))
    assert caught.value.hint.startswith("a class of a plugin file is given itself")


def test_a_file_called_magdi_is_not_taken_for_what_ships(tmp_path: Path) -> None:
    found = load(tmp_path, "magdi", HEAD.format(body="", target="Ring")).registry.find("protocol", "ring")
    assert (found.address, found.shipped, found.place) == ("magdi-file/ring", False, (False, 0))


def test_a_name_that_no_folder_could_have_is_refused(tmp_path: Path) -> None:
    faults = load(tmp_path, "long", HEAD.format(body="", target="Ring").replace('"ring"', repr("a" * 300))).faults
    assert "a name of more than 64 characters" in str(faults[0])


CHANGES: dict[str, Callable[[], object]] = {
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch's default device": lambda: torch.set_default_device("meta"),
    "whether torch takes gradients": lambda: torch.set_grad_enabled(False),
    "torch's precision of matrix products": lambda: torch.set_float32_matmul_precision("medium"),
    "the working directory": lambda: os.chdir("/"),
    "the locale": lambda: locale.setlocale(locale.LC_ALL, "C"),
    "the time-out of sockets": lambda: socket.setdefaulttimeout(0.125),
    "how processes are started": lambda: multiprocessing.set_start_method("spawn", force=True),
}


@pytest.mark.parametrize("what", CHANGES)
def test_settings_of_the_whole_process_are_changed_back_and_told(what: str) -> None:
    with guarded() as undone:
        CHANGES[what]()
    assert undone == [f"changes {what}, which was changed back"]
    with guarded() as undone:
        logging.getLogger("magdi.somewhere").setLevel(logging.DEBUG)
    assert undone == []


def test_an_encoder_that_changes_them_is_found_before_anybody_is_asked() -> None:
    class Doubles(Encoder):
        def forward(self, batch: Any) -> torch.Tensor:
            torch.set_default_dtype(torch.float64)
            return batch.x

    with pytest.raises(ComponentError, match="tried on a graph of 4 turns, changes torch's default dtype"):
        try_encoder("doubles", Doubles, 8)
    assert torch.get_default_dtype() == torch.float32


def test_what_ships_fits() -> None:
    registry = default_registry()
    for each in registry.listing():
        if not each.component.requires:
            registry.load(each.kind, each.component.name)


def test_a_class_that_was_given_is_held_to_the_same(tmp_path: Path) -> None:
    class Old(Protocol):
        def discuss(self, question: Any, agents: Any, history: Any) -> Any: ...  # type: ignore[override]

    with pytest.raises(ComponentError, match=r"Old.discuss\(.*history.*is called with \(question, agents\)"):
        magdi.discuss(protocol=Old, limit=2, out=tmp_path / "old")
