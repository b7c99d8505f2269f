"""What a plugin does wrong in the midst of something: one line with its name and version, file and line."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

from magdi.core.config.models import ComponentChoice
from magdi.core.discussion.stepper import Stepper
from magdi.core.errors import ComponentError, MagdiError, MagFileError, ProtocolError, StorageError
from magdi.core.mag import Question
from magdi.core.protocol import Agent
from magdi.core.reply import Parsed
from magdi.core.task import Split, Task
from magdi.plugins.formats.exporter import export
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from magdi.plugins.manager import Plugins, load_plugins
from magdi.plugins.target import blamed
from magdi.plugins.testing.sample_mags import sample_mags
from magdi.protocols.single import Single
from tests.plugins.conftest import MakeDistribution

ODD = """
import sys
from magdi.core.decision import DecisionRule, last_words, vote
from magdi.core.mag import Decision
from magdi.core.task import Task
from magdi.plugins import Component, hookimpl
from magdi.plugins.formats.exporter import Exporter
from magdi.plugins.formats.importer import Importer, has


class Odd:
    def does(self):
        {body}


class OddRule(Odd, DecisionRule):
    def decide(self, question, turns):
        return self.does()


class OddImporter(Odd, Importer):
    example = {{"odd": 1}}

    def recognises(self, value):
        return has(value, "odd")

    def read(self, item, reader):
        return self.does()


class OddExporter(Odd, Exporter):
    def write(self, mags, path, view):
        return self.does()


@hookimpl
def magdi_decisions():
    yield Component("odd", OddRule, "Odd.")


@hookimpl
def magdi_importers():
    yield Component("odd", OddImporter, "Odd.")


@hookimpl
def magdi_exporters():
    yield Component("odd", OddExporter, "Odd.")


def command():
    sys.exit(3)
"""

MakeOdd = Callable[[str], Plugins]


@pytest.fixture
def odd(installed: MakeDistribution, monkeypatch: pytest.MonkeyPatch) -> MakeOdd:
    """Loads the distribution magdi-odd 1.2, whose components all do one thing."""
    brought: dict[str, str] = {}
    monkeypatch.setattr("magdi.core.errors.BROUGHT", brought)
    monkeypatch.setattr("magdi.plugins.manager.BROUGHT", brought)

    def load(body: str) -> Plugins:
        monkeypatch.delitem(sys.modules, "magdi_odd", raising=False)
        installed("magdi-odd", ODD.format(body=body))
        return load_plugins(environ={"MAGDI_LOAD_PLUGINS": "magdi-odd"})

    return load


def decide(plugins: Plugins) -> None:
    """Holds a discussion of one turn by the rule."""
    question, rule = Question(id="q", text="2 + 3?", gold="5"), plugins.registry.decision(ComponentChoice(name="odd"))
    stepper = Stepper(question, Single(), [Agent(name="ann")], grade=lambda answer, gold: True, decide=rule)
    stepper.answer(0, Parsed(reasoning="", answer="5"), "5")


def read(plugins: Plugins, folder: Path) -> None:
    (folder / "odd.json").write_text(json.dumps([{"odd": 1}]))
    importers = {"odd": plugins.registry.importer(ComponentChoice(name="odd"))}
    list(import_files([folder / "odd.json"], Reader(), importers))


def write(plugins: Plugins, folder: Path) -> None:
    export(plugins.registry.exporter(ComponentChoice(name="odd")), sample_mags(), folder / "out", "exact")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "return None",
            "decision rule OddRule of magdi-odd 1.2 decided None, which is no Decision (magdi_odd.py:17, of ",
        ),
        (
            "raise ValueError('a\\nb')",
            "OddRule of magdi-odd 1.2 raised ValueError: a (magdi_odd.py:13, of magdi-odd 1.2)",
        ),
        ("sys.exit(0)", "raised SystemExit: 0 (magdi_odd.py:13, of magdi-odd 1.2)"),
        (
            "return Decision(rule='odd').model_copy(update={'answer': 5})",
            "decided what cannot be: answer 5: Input should",
        ),
        (
            "return Decision(rule='odd').model_copy(update={'votes': {'5': float('nan')}})",
            "votes.5 nan: Input should be",
        ),
    ],
)
def test_a_rule_is_named_and_not_the_protocol(odd: MakeOdd, body: str, told: str) -> None:
    plugins = odd(body)
    with pytest.raises(ProtocolError) as caught:
        decide(plugins)
    assert told in caught.value.message
    assert "protocol" not in caught.value.message


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return None", "importer OddImporter of magdi-odd 1.2: read() gives None, which is no Mag"),
        ("raise KeyError('what')", "odd.json:1: item 0: no 'what' (format odd) (magdi_odd.py:13, of magdi-odd 1.2)"),
        ("raise RuntimeError", "odd.json:1: item 0: RuntimeError (format odd) (magdi_odd.py:13, of magdi-odd 1.2)"),
    ],
)
def test_an_importer_is_named(odd: MakeOdd, body: str, told: str, tmp_path: Path) -> None:
    plugins = odd(body)
    with pytest.raises((ComponentError, MagFileError)) as caught:
        read(plugins, tmp_path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "return None",
            "OddExporter of magdi-odd 1.2: write() gives None, and has to give how many MAGs it has written",
        ),
        ("return True", "write() gives True, and has to give how many"),
        ("return 5", "write() gives 5, and there is no "),
    ],
)
def test_an_exporter_says_how_many_and_writes_them(odd: MakeOdd, body: str, told: str, tmp_path: Path) -> None:
    plugins = odd(body)
    with pytest.raises(ComponentError) as caught:
        write(plugins, tmp_path)
    assert told in caught.value.message


def test_what_cannot_be_written_is_told_from_what_an_exporter_wants_to_read(odd: MakeOdd, tmp_path: Path) -> None:
    plugins = odd("open('nowhere.css')")
    with pytest.raises(FileNotFoundError) as caught:
        write(plugins, tmp_path)
    told = blamed(caught.value)
    assert told.startswith("plugin magdi-odd 1.2 failed: FileNotFoundError: ")
    assert told.endswith("magdi_odd.py:13)")


def test_what_it_writes_in_a_folder_that_is_not_there_cannot_be_written(odd: MakeOdd, tmp_path: Path) -> None:
    plugins = odd(f"open({str(tmp_path / 'out' / 'deeper')!r}, 'w')")
    with pytest.raises(StorageError, match="out cannot be written"):
        write(plugins, tmp_path)


def test_only_a_command_may_end_the_process(odd: MakeOdd, tmp_path: Path) -> None:
    plugins = odd("sys.exit(0)")
    with pytest.raises(SystemExit) as caught:
        write(plugins, tmp_path)
    assert blamed(caught.value).startswith("plugin magdi-odd 1.2 failed: SystemExit: 0 (")
    with pytest.raises(SystemExit) as ended:
        sys.modules["magdi_odd"].command()
    assert blamed(ended.value) == ""
    with pytest.raises(ZeroDivisionError) as ours:
        _ = 1 / 0
    assert blamed(ours.value) == ""


class Graded(Task):
    """Its grades and answers are what a test says."""

    def __init__(self, says: Callable[[], Any]) -> None:
        super().__init__()
        self.says = says

    def questions(self, split: Split) -> Sequence[Question]:
        return [Question(id=each, text=each) for each in self.says()]

    def extract(self, text: str, question: Question) -> str | None:
        return self.says()

    def grade(self, answer: str | None, gold: str) -> bool:
        return self.says()


def grades(task: Task) -> object:
    return task.graded("5", "5")


def reads(task: Task) -> object:
    return task.read("5", Question(id="q", text="2 + 3?"))


def asks(task: Task) -> object:
    return task.first("test")


@pytest.mark.parametrize(
    ("how", "says", "told"),
    [
        (grades, lambda: numpy.bool_(True), "grade() gives np.True_, a numpy.bool, and has to give bool"),
        (grades, lambda: None, "grade() gives None, a NoneType, and has to give bool"),
        (grades, sys.exit, "grade() raised SystemExit (test_plugins_blame.py:"),
        (reads, lambda: 5, "extract() gives 5, a int, and has to give str | None"),
        (asks, lambda: ["a", "b", "a"], "questions('test') gives 2 questions of the id 'a'"),
    ],
)
def test_a_task_is_held_to_what_it_gives(how: Callable[[Task], object], says: Callable[[], Any], told: str) -> None:
    with pytest.raises(MagdiError) as caught:
        how(Graded(says))
    assert caught.value.message.startswith(f"task Graded: {told}")


def test_what_a_grader_raises_is_no_fault_of_the_protocol() -> None:
    """The discussion fails, and others go on: it is raised as it is."""

    def grade(answer: str | None, gold: str) -> bool:
        raise ValueError("not so")

    stepper = Stepper(Question(id="q", text="2 + 3?", gold="5"), Single(), [Agent(name="ann")], grade=grade)
    with pytest.raises(ValueError, match="not so"):
        stepper.answer(0, Parsed(reasoning="", answer="5"), "5")
