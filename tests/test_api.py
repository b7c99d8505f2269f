"""`import magdi` from a user's side: what is there, what calls take, and what they return."""

from __future__ import annotations

import importlib
import inspect
import json
import linecache
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi import Ask, Mag, Objective, Protocol, Question, Teacher
from magdi.core.config.models import RunConfig
from magdi.core.config.shortcuts import SHORTCUTS
from magdi.core.decision import DecisionRule, vote
from magdi.core.errors import ComponentError, ConfigError, DataError, RunDirectoryError
from magdi.core.mag import Decision
from magdi.core.objective import CHAINS, Chain
from magdi.core.protocol import Agent, Discussion
from magdi.core.run.directory import RunDirectory
from magdi.core.teacher import Reply
from magdi.plugins.given import Given
from magdi.plugins.runs.result import document
from magdi.protocols.reconcile import ReConcile
from tests.made_once import of_all_workers

TOY: dict[str, Any] = {
    "task": {"name": "arithmetic", "train": 24, "test": 12, "primer_problems": 60, "primer_checks": 0},
    "student": {"tiny": {"hidden": 32, "layers": 1, "heads": 2, "epochs": 1}},
    "training": {"steps": 2, "log_every": 1},
    "evaluation": {"max_new_tokens": 12},
}


class Once(Protocol):
    """Everybody, once."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        yield [self.ask(agent) for agent in agents]
        return "once"


class Sure(Objective):
    """L+ on right turns."""

    columns = {"sure": CHAINS}
    unit = "tokens"
    teaches = True

    def select(self, given: Any) -> Any:
        return {"sure": [Chain(turn.step) for turn in given.mag.turns if turn.label]}

    def loss(self, batch: Any) -> Any:
        return -batch.logprobs("sure").sum()


class Parrot(Teacher):
    """Says one thing."""

    def __init__(self, says: str) -> None:
        super().__init__()
        self.says = says

    @property
    def identity(self) -> str:
        return f"parrot:{self.says}"

    async def complete(self, request: Any) -> Reply:
        return Reply(text=json.dumps({"reasoning": "So it is.", "answer": self.says, "confidence": 0.9}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAGDI_CACHE", str(of_all_workers(tmp_path_factory) / "magdi-cache"))
        patch.setenv("MAGDI_LOAD_PLUGINS", "")
        return magdi.run(
            protocol=Once,
            objectives=[Sure, "positive", {"name": "margin", "weight": 0.2}],
            limit=6,
            out=tmp_path_factory.mktemp("run") / "made",
            **TOY,
        )


def test_names_are_seen_and_typed_alike() -> None:
    assert set(dir(magdi)) == set(magdi.__all__)
    typed = inspect.getsource(magdi).partition("if TYPE_CHECKING:")[2].partition("__version__")[0]
    for name, home in magdi._HOMES.items():
        assert getattr(magdi, name) is getattr(importlib.import_module(home), name)
        line = next(line for line in typed.splitlines() if line.strip().startswith(f"from {home} import"))
        assert name in line.partition(" import ")[2].split(", ")
    assert magdi._HOMES.keys() == set(magdi.__all__) - {"__version__"}
    with pytest.raises(AttributeError, match="nothing"):
        _ = magdi.nothing


def test_nothing_is_loaded_before_it_is_used() -> None:
    script = (
        "import sys, magdi; assert not {'torch', 'pydantic', 'magdi.core', 'magdi.plugins'} & set(sys.modules)\n"
        "from magdi import Protocol, Objective, Teacher, Task, Component, hookimpl, Mag\n"
        "assert not {'torch', 'magdi.api'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_settings_are_the_options_and_the_sections() -> None:
    from magdi.api import Settings

    assert Settings.__annotations__.keys() == SHORTCUTS.keys() | RunConfig.model_fields.keys()


def test_a_run_is_an_object_and_its_document(made: Any) -> None:
    assert made.to_dict() == document(RunDirectory(made.directory))
    assert json.loads(json.dumps(made.to_dict()))["student"] == made["student"]
    assert made.student.accuracy == made["student"]["accuracy"]
    assert list(made.gain.interval) == made["gain"]["interval"]
    assert made.base.count == made.student.count == 12
    assert made.discussions.count == len(made.mags) == 6
    assert made.training.level == "sure, positive, margin"
    assert [row["step"] for row in made.metrics] == [1, 2]
    assert made.status in repr(made)
    assert "distilled student" in made._repr_html_()


def test_what_a_run_does_not_have_is_an_error(made: Any, tmp_path: Path) -> None:
    talk = magdi.discuss(protocol=Once, limit=2, out=tmp_path / "talk", **TOY)
    assert "student" not in talk
    assert "distilled student" not in talk._repr_html_()
    with pytest.raises(DataError, match="no student"):
        _ = talk.student


def test_a_mag_shows_its_drawing_and_nothing_that_it_says_is_markup(made: Any) -> None:
    mag = made.mags[0]
    wicked = mag.model_copy(update={"question": mag.question.model_copy(update={"text": "<script>1</script>"})})
    assert isinstance(mag, Mag)
    assert "<svg" in str(mag._repr_html_())
    assert "<script>" not in str(wicked._repr_html_())
    assert "&lt;script&gt;" in str(wicked._repr_html_())


def test_a_result_stands_for_its_run(made: Any, tmp_path: Path) -> None:
    found = magdi.evaluate(made, base=True, limit=3, out=tmp_path)
    assert [model.count for model in found.models] == [3, 3]
    assert found.comparisons[0].second == found.models[1].name
    assert found.to_dict()["models"][0]["name"] in found._repr_html_()
    assert magdi.load_mags(made) == made.mags
    assert magdi.ask(made, "What is 2 + 2?", max_new_tokens=4).to_dict()["outputs"]


def test_the_same_class_resumes_and_an_edited_one_is_another_run(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    objectives: Any = [Sure, "positive", {"name": "margin", "weight": 0.2}]
    again = magdi.run(protocol=Once, objectives=objectives, limit=6, out=made, **TOY)
    assert again.seconds == made.seconds
    source = linecache.getlines(__file__)
    edited = [line.replace('return "once"', 'return "one"') for line in source]
    monkeypatch.setitem(linecache.cache, __file__, (1, None, edited, __file__))
    with pytest.raises(RunDirectoryError, match=r"protocol.name: .local/once@\w+. -> .local/once@"):
        magdi.run(protocol=Once, objectives=objectives, limit=6, out=made, **TOY)


def cell(text: str, name: str = "Own") -> type:
    """Returns a class of a notebook: its source is known to linecache, and its module is __main__."""
    file = f"<cell {len(text)}-{abs(hash(text))}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names = {"__name__": "__main__", "Protocol": Protocol}
    exec(compile(text, file, "exec"), names)
    return names[name]  # type: ignore[return-value]


OWN = "WAY = 'own'\ndef ending():\n    return WAY\nclass Own(Protocol):\n    def discuss(self, question, agents):\n"
OWN += "        yield [self.ask(agent) for agent in agents]\n        return ending()\n"


def named(given: object) -> str:
    return str(Given().choice("protocol", given)["name"])


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("        return", "        # why not\n        return", True),
        ("(self, question, agents)", "(\n        self, question, agents\n    )", True),
        ("WAY = 'own'\n", "WAY = 'own'\nelse_ = 1\n", True),
        ("[self.ask(agent) for", "[self.ask(agent, round=0) for", False),
        ("return WAY", "return WAY + '!'", False),
        ("WAY = 'own'", "WAY = 'other'", False),
    ],
)
def test_a_class_counts_by_its_source_and_what_it_uses(old: str, new: str, same: bool) -> None:
    assert (named(cell(OWN)) == named(cell(OWN.replace(old, new)))) is same


def test_a_class_without_functions_counts_by_what_it_sets() -> None:
    def subclass(agents: int) -> type:
        return type("Few", (Once,), {"max_agents": agents, "__module__": "__main__", "cache": object()})

    assert named(subclass(2)) == named(subclass(2))
    assert named(subclass(2)) != named(subclass(3))


def test_objects_that_are_told_apart_by_nothing_are_numbered() -> None:
    given, one, other = Given(), Parrot("1"), Parrot("1")
    entries: Any = given.plain({"teachers": [one, other, one]})["teachers"]
    names = [entry["teacher"] for entry in entries]
    assert names[0] == names[2]
    assert names[1] == f"{names[0]}-2"
    assert list(given.instances.values()) == [one, other]


def test_what_is_shipped_is_plain_data() -> None:
    assert named(ReConcile) == "reconcile"
    settings = {"max_rounds": 2} if "max_rounds" in ReConcile.Config.model_fields else {"rounds": 2}
    assert Given().choice("protocol", ReConcile(ReConcile.Config(**settings))) == {"name": "reconcile", **settings}


@pytest.mark.parametrize("wrong", [3, Parrot, Ask, object()])
def test_another_thing_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="protocol"):
        magdi.run(protocol=wrong)  # type: ignore[arg-type]


def test_a_list_of_objectives_beside_a_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="level"):
        magdi.run(objectives=[Sure], level="2")


def test_questions_and_teachers_of_ones_own(tmp_path: Path) -> None:
    questions: Any = [
        ("What is 3 + 4?", "7"),
        {"question": "What is 6 - 4?", "answer": 2},
        {"question": "Which is a metal?", "choices": ["wood", "iron"], "answer": "B"},
        Question(id="own", text="What is x / 2 for x = 14?", gold="7", answer_type="number"),
    ]
    teachers: Any = [("ada", Parrot("7")), Parrot("2"), ("cleo", Parrot("B")), Parrot("9")]
    talk = magdi.discuss(task=questions, protocol="single", teachers=teachers, out=tmp_path / "run")
    right = {(mag.question.gold, turn.agent) for mag in talk.mags for turn in mag.turns if turn.correct}
    assert right == {("7", "ada"), ("2", "parrot"), ("B", "cleo")}
    assert {turn.model for turn in talk.mags[0].turns} == {f"parrot:{says}" for says in "72B9"}
    assert {mag.question.id for mag in talk.mags} >= {"own"}
    with pytest.raises(ConfigError, match="no Question"):
        magdi.discuss(task=[3])  # type: ignore[list-item]


class Loudest(DecisionRule):
    """What ben says."""

    def decide(self, question: Question, turns: Any) -> Decision:
        return vote([turn for turn in turns if turn.agent == "ben"], rule="loudest")


def test_a_decision_rule_of_ones_own(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "task": [("What is 3 + 4?", "7")],
        "teachers": [("ada", Parrot("7")), ("ben", Parrot("8"))],
    }
    for settings in ({"decision": Loudest}, {"discussion": {"decision": Loudest()}}):
        talk = magdi.discuss(protocol="single", out=tmp_path / "run", **given, **settings)
        assert (talk.mags[0].decision.rule, talk.mags[0].decision.answer) == ("loudest", "8")


class Sums(magdi.Task):
    """Three questions a split."""

    def questions(self, split: Any) -> list[Question]:
        first = {"train": 0, "validation": 3, "test": 6}[split]
        return [
            Question(id=f"{n}", text=f"What is {n} + 1?", gold=str(n + 1), answer_type="number")
            for n in range(first, first + 3)
        ]

    def extract(self, text: str, question: Question) -> str | None:
        return text.strip() or None


def test_what_a_run_needs_again_is_said(made: Any, tmp_path: Path) -> None:
    talk = magdi.discuss(task=Sums, protocol="single", teachers=[Parrot("1")], out=tmp_path / "run")
    assert len(talk.mags) == 3
    with pytest.raises(ComponentError, match="task 'sums@") as caught:
        magdi.evaluate(made, task={"name": "local/sums@00000000"}, out=tmp_path)
    assert "task=" in caught.value.hint
    assert magdi.evaluate(made, task=Sums, out=tmp_path).questions == 3


def test_a_suite_is_a_table(tmp_path: Path) -> None:
    options: dict[str, Any] = {"seeds": 1, "limit": 4, "out": tmp_path / "out", **TOY}
    with pytest.raises(ConfigError, match="this process only"):
        magdi.ablate("encoders", jobs=2, teachers=[Parrot("1")])
    found = magdi.ablate("encoders", protocol=Once, only=["encoder=gcn", "encoder=none"], **options)
    assert found.failures == []
    assert {row.name for row in found.rows} == {"gcn", "none"}
    assert found.to_dict()["rows"][0]["mean"] == found.rows[0].mean
    assert "against gcn" in found._repr_html_()
