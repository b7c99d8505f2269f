"""One test a hook, run on the hook's example in the documentation by test_plugins_docs.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from magdi.core.config.models import ComponentChoice, RunConfig, TeacherChoice
from magdi.core.mag import Mag, Question, Turn, write_mags
from magdi.core.objective import Chain, Selecting
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import all_importers, import_files
from magdi.plugins.manager import Plugins, load_plugins
from magdi.plugins.sketch import sketch
from magdi.plugins.target import load_command

MAG = Mag(
    id="q1",
    question=Question(id="q1", text="?"),
    protocol="single",
    turns=(Turn(step=0, agent="a", text="x"),),
    stop="consensus",
)


def load(file: Path) -> Plugins:
    plugins = load_plugins([str(file)], environ={"MAGDI_LOAD_PLUGINS": ""})
    assert plugins.faults == []
    return plugins


def module(plugins: Plugins) -> Any:
    return plugins.loaded[0].load()


def protocols(file: Path, folder: Path) -> None:
    relay = load(file).registry.protocol(ComponentChoice(name="relay"))
    assert [turn.sources for turn in sketch(relay, "relay").turns] == [(), (0,), (1,)]


def encoders(file: Path, folder: Path) -> None:
    encoder = load(file).registry.encoder(ComponentChoice(name="deep-gcn"), 8)
    assert encoder.dim == 8


def teachers(file: Path, folder: Path) -> None:
    assert load(file).registry.teacher(TeacherChoice(teacher="oracle"), 0).identity == "oracle"


def tasks(file: Path, folder: Path) -> None:
    task = load(file).registry.task(ComponentChoice(name="doubling"), 0)
    question = task.questions("test")[1]
    answer = task.extract("The answer is 402.", question)
    assert answer is not None
    assert question.gold is not None
    assert task.grade(answer, question.gold)


def objectives(file: Path, folder: Path) -> None:
    objective = load(file).registry.objective(ComponentChoice(name="short"))
    texts = ["a long one", "short", "wrong"]
    turns = tuple(
        Turn(step=n, agent="ada", text=text, answer="7", label=text != "wrong") for n, text in enumerate(texts)
    )
    assert objective.select(Selecting(MAG.model_copy(update={"turns": turns}))) == {"learned": [Chain(1)]}


def decisions(file: Path, folder: Path) -> None:
    rule = load(file).registry.decision(ComponentChoice(name="first-word"))
    turns = [Turn(step=step, agent="ada", text="", answer=answer) for step, answer in enumerate([None, "7", "8"])]
    assert rule.decide(MAG.question, turns).answer == "7"


def importers(file: Path, folder: Path) -> None:
    importers = all_importers(load(file).registry)
    (folder / "x.json").write_text('{"what": "What is 2 + 3?", "right": "5", "replies": {"ann": "5", "ben": "6"}}')
    (mag,) = import_files([folder / "x.json"], Reader(), importers)
    assert [turn.label for turn in mag.turns] == [True, False]


def exporters(file: Path, folder: Path) -> None:
    exporter = load(file).registry.exporter(ComponentChoice(name="ids"))
    assert exporter.write([MAG], folder / "ids", "exact") == 1
    assert (folder / "ids").read_text() == f"{MAG.id}\n"


def commands(file: Path, folder: Path) -> None:
    (command,) = load(file).commands
    write_mags(folder / "m.jsonl", [MAG])
    assert CliRunner().invoke(load_command(command), [str(folder / "m.jsonl")]).output == "1\n"


def run_start(file: Path, folder: Path) -> None:
    load(file).observers.tell("run_start", config=RunConfig(), directory=folder)
    assert (folder / "who.txt").read_text() == "reconcile with 0 teachers\n"


def discussion_end(file: Path, folder: Path) -> None:
    plugins = load(file)
    plugins.observers.tell("discussion_end", mag=MAG)
    assert module(plugins).stops == {"consensus": 1}


def metrics(file: Path, folder: Path) -> None:
    plugins = load(file)
    plugins.observers.tell("metrics", stage="distillation", step=3, metrics={"loss": float("nan"), "lr": 1.0})
    assert module(plugins).strange == [("distillation", 3, "loss")]


def run_end(file: Path, folder: Path) -> None:
    load(file).observers.tell("run_end", directory=folder, status="done")
    assert (folder / "ended.txt").read_text() == "done"


TESTS: dict[str, Callable[[Path, Path], None]] = {
    f"magdi_{test.__name__}": test
    for test in (
        protocols,
        encoders,
        teachers,
        tasks,
        objectives,
        decisions,
        importers,
        exporters,
        commands,
        run_start,
        discussion_end,
        metrics,
        run_end,
    )
}
