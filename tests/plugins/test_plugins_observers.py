from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.api import go
from magdi.core.config.models import RunConfig
from magdi.core.mag import Mag, Question, Turn
from magdi.core.run.directory import RunDirectory
from magdi.plugins.hooks import Observed
from magdi.plugins.manager import load_plugins
from magdi.plugins.registration import Fault
from magdi.plugins.setup import going_on, set_up
from tests.plugins.conftest import MakeFile

MAG = Mag(id="q1", question=Question(id="q1", text="?"), protocol="single", turns=(Turn(step=0, agent="a", text="x"),))

EVENTS: dict[str, dict[str, Any]] = {
    "run_start": {"config": RunConfig(), "directory": Path("run")},
    "discussion_end": {"mag": MAG},
    "metrics": {"stage": "distillation", "step": 3, "metrics": {"loss": 0.5}},
    "run_end": {"directory": Path("run"), "status": "done"},
}

WATCHER = """
seen = []

@hookimpl
def magdi_run_start(config, directory):
    seen.append(("run_start", config.seed, str(directory)))

@hookimpl
def magdi_discussion_end(mag):
    seen.append(("discussion_end", mag.id))

@hookimpl
def magdi_metrics(metrics, step):
    seen.append(("metrics", step, metrics["loss"]))

@hookimpl
def magdi_run_end(status):
    seen.append(("run_end", status))
"""


def test_every_observer_hears_what_its_hook_takes(plugin_file: MakeFile) -> None:
    plugins = load_plugins([str(plugin_file("watcher", WATCHER))], environ={})
    for event, facts in EVENTS.items():
        plugins.observers.tell(event, **facts)
    plugins.observers.tell(
        "metrics", stage="evaluation", step=4, metrics={"student/accuracy": 1.0}
    )  # of none it asks for
    module: Any = plugins.loaded[0].load()
    assert module.seen == [
        ("run_start", 0, "run"),
        ("discussion_end", "q1"),
        ("metrics", 3, 0.5),
        ("run_end", "done"),
    ]
    assert plugins.faults == []


@pytest.mark.parametrize("failure", ["raise ValueError('disk full')", "raise SystemExit(1)"])
def test_an_observer_that_fails_is_reported_once_and_stops_nothing(plugin_file: MakeFile, failure: str) -> None:
    bad = plugin_file("bad", f"@hookimpl\ndef magdi_discussion_end(mag):\n    {failure}")
    good = plugin_file("good", WATCHER)
    plugins = load_plugins([str(bad), str(good)], environ={})
    reported: list[Fault] = []
    plugins.observers.report = reported.append
    for _ in range(3):
        plugins.observers.tell("discussion_end", mag=MAG)
    good_one: Any = plugins.loaded[1].load()
    assert len(good_one.seen) == 3
    assert len(reported) == len(plugins.faults) == 1
    assert str(reported[0]).startswith("bad: magdi_discussion_end failed: ")


def test_an_interrupt_is_no_fault_of_the_observer(plugin_file: MakeFile) -> None:
    bad = plugin_file("bad", "@hookimpl\ndef magdi_discussion_end(mag):\n    raise KeyboardInterrupt")
    plugins = load_plugins([str(bad)], environ={})
    with pytest.raises(KeyboardInterrupt):
        plugins.observers.tell("discussion_end", mag=MAG)


@pytest.mark.parametrize(("event", "facts"), [("run_over", {}), ("run_end", {"status": "done"})])
def test_facts_that_no_hook_takes_are_our_own_mistake(event: str, facts: dict[str, str]) -> None:
    with pytest.raises(TypeError, match=f"no hook magdi_{event} takes"):
        load_plugins(environ={}).observers.tell(event, **facts)


def test_a_run_from_python_is_heard_of_too(plugin_file: MakeFile, tmp_path: Path) -> None:
    heard = tmp_path / "heard.txt"
    lines = ["@hookimpl", "def magdi_metrics(stage, metrics):", f"    with open({str(heard)!r}, 'a') as file:"]
    lines.append("        file.write(f'{stage} {metrics[\"count\"]:.0f}\\n')")
    task = {"name": "arithmetic", "train": 250, "test": 1}
    outcome = magdi.discuss(
        task=task, limit=250, plugin=[plugin_file("watcher", "\n".join(lines))], out=tmp_path / "run"
    )
    assert outcome["mags"]["count"] == 250
    assert heard.read_text().split("\n") == [f"discussion {count}" for count in (*range(2, 250, 2), 250)] + [""]


FOLLOWER = """
@hookimpl
def magdi_run_start(directory):
    told("start")

@hookimpl
def magdi_run_end(directory, status):
    told(status)

def told(what):
    with open({!r}, "a") as file:
        file.write(what + " ")
"""


def test_a_plugin_goes_on_with_a_run_that_is_resumed_without_naming_it(plugin_file: MakeFile, tmp_path: Path) -> None:
    """Unless its code is another one by now, which nobody has trusted; then the run goes on without it."""
    heard, run = tmp_path / "heard", tmp_path / "run"
    plugin = plugin_file("follower", FOLLOWER.format(str(heard)))
    settings: dict[str, Any] = {"preset": "quick", "limit": 2, "task": {"name": "arithmetic", "primer_problems": 40}}
    magdi.discuss(out=run, plugin=str(plugin), **settings)
    assert heard.read_text() == "start done "
    magdi.discuss(out=run, **settings)
    assert heard.read_text() == "start done " * 2
    plugin.write_text(plugin.read_text() + "\n# changed\n")
    made = set_up(flags={"preset": "quick", "discussion.questions": 2, "task.primer_problems": 40})
    reported: list[Fault] = []
    made.plugins.observers.report = reported.append
    going_on(made, run)
    assert "is not trusted" in str(reported[0])
    magdi.discuss(out=run, **settings)
    assert heard.read_text() == "start done " * 2
    assert RunDirectory(run).config().plugins == (str(plugin),)


def test_a_run_that_other_processes_go_on_with_has_not_been_done(tmp_path: Path) -> None:
    told: list[tuple[str, object]] = []
    made = set_up(flags={"preset": "quick", "discussion.questions": 2, "task.primer_problems": 40})
    heard = Observed(lambda event, **facts: told.append((event, facts.get("status"))))
    go(made, out=tmp_path / "run", until="discussion", goes_on=True, progress=heard)
    assert [status for event, status in told if event == "run_end"] == ["continues"]
