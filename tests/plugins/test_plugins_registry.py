import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
from pydantic import BaseModel, Field

from magdi.core.config.models import ComponentChoice, TeacherChoice
from magdi.core.configurable import Configurable
from magdi.core.errors import ComponentError, ConfigError
from magdi.core.mag import Question
from magdi.core.protocol import Agent, Discussion, Protocol
from magdi.core.task import Split, Task
from magdi.core.teacher import Reply, Request, Teacher
from magdi.plugins.component import Component, Kind
from magdi.plugins.registration import Fault, Registration
from magdi.plugins.registry import Registry, default_registry


class Ring(Protocol):
    class Config(BaseModel, extra="forbid"):
        rounds: int = Field(3, ge=1, description="Rounds.")
        mood: str = Field("calm", description="Mood.")

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        yield [self.ask(agent) for agent in agents]
        return None


class Drawn(Task):
    class Config(BaseModel, extra="forbid"):
        seed: int = Field(7, description="Seed.")

    def questions(self, split: Split) -> Sequence[Question]:
        return []

    def extract(self, text: str, question: Question) -> str | None:
        return None


class Echo(Teacher):
    class Config(BaseModel, extra="forbid"):
        model: str = Field("m", description="Model.")
        seed: int = Field(7, description="Seed.")

    @property
    def identity(self) -> str:
        return f"echo:{self.config.model}"

    async def complete(self, request: Request) -> Reply:
        return Reply(text=request.messages[-1].content)


class Unfinished(Protocol):
    pass


def registration(
    name: str, target: Any, kind: Kind = "protocol", plugin: str = "acme", version: str = "1.2", requires: str = ""
) -> Registration:
    return Registration(kind, Component(name, target, "For tests.", requires), plugin, version)


@pytest.fixture
def registry() -> Registry:
    return default_registry(
        [registration("ring", Ring), registration("drawn", Drawn, "task"), registration("echo", Echo, "teacher")]
    )


def test_a_component_is_made_with_validated_settings(registry: Registry) -> None:
    ring = registry.protocol(ComponentChoice.model_validate({"name": "ring", "rounds": "5", "mood": 3}))
    assert isinstance(ring, Ring)
    assert (ring.config.rounds, ring.config.mood) == (5, "3")


def test_all_wrong_settings_are_named_at_once(registry: Registry) -> None:
    with pytest.raises(ConfigError) as caught:
        registry.protocol(ComponentChoice.model_validate({"name": "ring", "ronds": 5, "rounds": 0}))
    assert caught.value.exit_code == 2
    assert caught.value.problems == (
        "protocol.rounds: input should be greater than or equal to 1, not 0",
        "protocol.ronds: there is no such key; did you mean 'rounds'?",
    )


def test_an_unknown_name_says_what_was_meant_and_what_is_broken(registry: Registry) -> None:
    registry.faults.append(Fault("lost", "0.3", "No module named 'lost'"))
    with pytest.raises(ComponentError, match="there is no protocol 'rign'; did you mean 'ring'") as caught:
        registry.load("protocol", "rign")
    assert caught.value.hint == "plugins that could not be loaded: lost 0.3: No module named 'lost'"


def test_a_component_answers_to_its_address(registry: Registry) -> None:
    assert registry.load("protocol", "acme/ring") is Ring
    with pytest.raises(ComponentError, match="did you mean 'acme/ring'"):
        registry.find("protocol", "amce/ring")


def test_shipped_names_are_reserved() -> None:
    registry = default_registry([registration("reconcile", Ring)])
    assert registry.find("protocol", "reconcile").shipped
    assert registry.load("protocol", "acme/reconcile") is Ring
    (fault,) = registry.faults
    assert str(fault) == (
        "acme 1.2: protocol 'reconcile' is reserved for magdi's own; this one answers to 'acme/reconcile' only"
    )


def test_two_plugins_with_one_name_break_only_that_name() -> None:
    registry = default_registry([registration("ring", Ring), registration("ring", Unfinished, plugin="other")])
    assert registry.load("protocol", "acme/ring") is Ring
    with pytest.raises(ComponentError, match="2 plugins have a protocol 'ring'") as caught:
        registry.load("protocol", "ring")
    assert caught.value.hint == "say one of 'acme/ring', 'other/ring'"
    assert "other 1.2: protocol 'ring' is also registered by acme" in str(registry.faults[0])


def test_a_name_registered_twice_by_one_plugin_is_a_fault() -> None:
    registry = default_registry([registration("ring", Ring), registration("ring", Unfinished)])
    assert registry.load("protocol", "ring") is Ring
    assert "registered twice" in str(registry.faults[0])


@pytest.mark.parametrize(
    ("target", "kind", "cause"),
    [
        ("no_such_module:X", "protocol", "No module named 'no_such_module'"),
        ("magdi.core.protocol:Protocoll", "protocol", "has no 'Protocoll'; did you mean 'Protocol'?"),
        ("magdi.core.protocol", "protocol", 'is not "module:Class"'),
        ("magdi.core.protocol:chat", "protocol", "is no class"),
        (Drawn, "protocol", "Drawn is no protocol: it does not derive from magdi.core.protocol.Protocol"),
        (Unfinished, "protocol", "Unfinished does not define discuss"),
    ],
)
def test_a_target_at_fault_is_one_line_with_plugin_version_and_cause(
    target: str | type[Configurable], kind: Kind, cause: str
) -> None:
    registry = default_registry([registration("bad", target, kind, requires="extra-package>=2")])
    with pytest.raises(ComponentError) as caught:
        registry.load(kind, "bad")
    assert caught.value.message.startswith(f"{kind} 'bad' of acme 1.2 cannot be loaded: ")
    assert cause in caught.value.message
    assert caught.value.hint == ('pip install "extra-package>=2"' if "no_such" in str(target) else "")


@pytest.mark.parametrize(("given", "seed"), [({}, 3), ({"seed": 5}, 5)])
def test_the_run_seed_goes_where_the_user_set_none(registry: Registry, given: dict[str, int], seed: int) -> None:
    assert registry.task(ComponentChoice.model_validate({"name": "drawn", **given}), 3).config.seed == seed
    assert registry.teacher(TeacherChoice(teacher="echo:m", settings=given), 3).config.seed == seed


def test_a_teacher_reads_its_target_and_settings_go_before_it(registry: Registry) -> None:
    assert registry.teacher(TeacherChoice(teacher="echo:big"), 0).identity == "echo:big"
    assert registry.teacher(TeacherChoice(teacher="echo:big", settings={"model": "x"}), 0).identity == "echo:x"
    with pytest.raises(ComponentError, match="there is no teacher 'ecco'; did you mean 'echo'"):
        registry.teacher(TeacherChoice(teacher="ecco:big"), 0)


COUNT = count()


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        (lambda self: None, "one line of text, the same each time, for replies are kept by it: None, then None"),
        (lambda self: "two\nlines", "for replies are kept by it"),
        (lambda self: f"{object()} {next(COUNT)}", "for replies are kept by it"),
        (lambda self: self.nothing, "has no identity: 'Nameless' object has no attribute 'nothing' ("),
    ],
)
def test_a_teacher_is_known_by_one_name(identity: Callable[[Any], Any], told: str) -> None:
    class Nameless(Teacher):
        async def complete(self, request: Request) -> Reply:
            return Reply(text="")

        @property
        def identity(self) -> str:
            found: str = identity(self)
            return found

    registry = default_registry()
    registry.add("teacher", "nameless", Nameless)
    with pytest.raises(ComponentError) as caught:
        registry.teacher(TeacherChoice(teacher="nameless"), 0)
    assert caught.value.message.startswith("teacher 'nameless' of local has no identity: ")
    assert told in caught.value.message


def test_problems_of_a_choice_are_told_without_making_it(registry: Registry) -> None:
    wrong = ComponentChoice.model_validate({"name": "ring", "rounds": "many"})
    assert [str(problem) for problem in registry.problems("protocol", wrong)] == [
        "rounds: input should be a valid integer, unable to parse string as an integer, not 'many'"
    ]
    assert "there is no teacher" in str(registry.problems("teacher", TeacherChoice(teacher="nope"))[0])
    assert not registry.problems("teacher", TeacherChoice(teacher="echo:x"))


def test_a_listing_imports_no_torch() -> None:
    code = (
        "import sys; from magdi.plugins.registry import default_registry; n = len(list(default_registry().listing()))"
        "; assert n > 4; sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_component_can_be_added_from_python() -> None:
    registry = default_registry()
    registry.add("protocol", "ring", Ring)
    assert registry.load("protocol", "ring") is Ring
    assert registry.find("protocol", "local/ring").plugin == "local"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("magdi.encoders.settings:HeadsConfig", "which is not Gcn.Config"),
        ("magdi.encoders.settings:nothing", "has no 'nothing'"),
        ("magdi.encoders.gcn:Gcn", "which is not Gcn.Config"),
    ],
)
def test_settings_that_are_not_the_components_are_refused(settings: str, said: str) -> None:
    component = Component("theirs", "magdi.encoders.gcn:Gcn", "Not so.", settings=settings)
    registry = default_registry([Registration("encoder", component, "theirs")])
    with pytest.raises(ComponentError, match=said):
        registry.load("encoder", "theirs")
