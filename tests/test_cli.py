"""The command line from outside: what it loads, exit codes, streams, and errors that say what to do."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from magdi.cli.app import main


class Said(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Said]
TOY = [
    *("--limit", "8", "--task-arg", "primer_problems=40", "--task-arg", "primer_checks=0", "--task-arg", "test=6"),
    *("--set", "student.tiny.hidden=32", "--set", "student.tiny.layers=1", "--set", "student.tiny.heads=2"),
    *("--set", "student.tiny.epochs=1", "--set", "training.steps=3", "--set", "evaluation.max_new_tokens=16"),
]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The command in this process, which has its imports behind it; streams and exit code are those of a process."""
    monkeypatch.setenv("COLUMNS", "140")

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["magdi", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *capsys.readouterr())

    return call


@pytest.mark.parametrize("command", ["run", "view", "evaluate"])
def test_a_name_that_is_no_utf_8_is_one_line(here: Here, command: str) -> None:
    said = here(command, "-o", "q\udcff")
    assert said.returncode == 2
    assert said.stderr.startswith(r"error: the argument 'q\udcff' is no UTF-8")


@pytest.mark.parametrize("variable", ["COLUMNS", "RANK", "WORLD_SIZE"])
@pytest.mark.parametrize("value", ["0", "-5", "many"])
def test_numbers_that_are_none_hide_and_end_nothing(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)  # here there may be the runs of make run
    monkeypatch.setenv(variable, value)
    assert here("runs", "list", ".").stdout == "no runs in .\n"


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(130)])  # before click hears of it, and after
def test_ctrl_c_is_no_traceback_and_is_answered(
    here: Here, monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    def interrupted(**given: object) -> None:
        raise raised

    monkeypatch.setattr("magdi.cli.app.app", interrupted)
    listed, run = here("runs", "list"), here("run", "--seed", "3")
    assert (listed.returncode, listed.stderr) == (130, "interrupted\n")
    assert (run.returncode, run.stderr) == (130, "interrupted; the same command goes on from here\n")


def magdi(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from magdi.cli.app import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "140"} | environment,
    )


HEAVY = [
    "torch",
    "transformers",
    "datasets",
    "torch_geometric",
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "sympy",
    "networkx",
    "openai",
    "aiohttp",
]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["plugins", "list"], ["--version"]])
def test_it_answers_without_torch(arguments: list[str]) -> None:
    code = (
        "import sys; from magdi.cli.app import main\n"
        f"sys.argv = ['magdi', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"heavy = set({HEAVY!r}) & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "magdi", "--version"], capture_output=True, text=True, check=False)
    assert done.stdout == magdi("--version").stdout
    failed = subprocess.run([sys.executable, "-m", "magdi", "view", "/nowhere"], capture_output=True, text=True)
    assert failed.returncode == 2, failed.stderr
    assert failed.stderr.startswith("error: /nowhere")


def test_a_run_prints_one_document_and_progress_goes_to_stderr(tmp_path: Path, here: Here) -> None:
    own = {"MAGDI_CACHE": str(tmp_path / "cache")}  # the base is made here, and not taken over
    done = magdi("run", "--json", "-o", str(tmp_path / "run"), *TOY, **own)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["mags"]["count"] == 8
    assert {"accuracy", "interval"} <= outcome["student"].keys() & outcome["base"].keys()
    for stage in ("discussion", "tiny base", "training", "student answers", "base answers"):
        assert f"{stage}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert here("run", "-o", str(tmp_path / "run"), *TOY).stdout.count("distilled student") == 1


def test_a_run_that_came_to_nothing_leaves_nothing(tmp_path: Path, here: Here) -> None:
    done = here("run", "--task", "gsm8k", "-o", str(tmp_path / "run"))
    assert "no teachers" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_plan_starts_nothing(tmp_path: Path, here: Here) -> None:
    done = here("run", "--dry-run", "--json", *TOY, "-o", str(tmp_path / "run"))
    plan = json.loads(done.stdout)
    assert plan["most"]["calls"] == 8 * 3 * 4 * 3  # three agents, four rounds at most, every turn re-asked twice
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--encoder", "gccn"], "did you mean 'gcn'"),
        (["run", "--protocol", "recncile"], "did you mean 'reconcile'"),
        (["run", "-P", "ruonds=2"], "did you mean 'rounds'"),
        (["run", "-P", "rounds"], "is not KEY=VALUE"),
        (["run", "-P", "rounds=[1"], "protocol.rounds: '[1' cannot be read as YAML"),
        (["run", "--set", "training.stepps=3"], "did you mean 'steps'"),
        (["run", "--task", "gsm8k", "--task-arg", "data=/nowhere", "--teacher", "simulated:careful"], "/nowhere"),
        (["run", "--level", "9"], "there is no level '9'"),
        (["run", "--method", "malt", "--set", "student.adaptation=full"], "student.adaptation: lora"),
        (["distill", "--mags", "/nowhere.jsonl"], "/nowhere.jsonl"),
        (["run", "/nowhere.yaml"], "/nowhere.yaml"),
        (["run", "--teacher", "opneai:x"], "did you mean 'openai'"),
    ],
)
def test_bad_input_is_one_clear_error(arguments: list[str], says: str, tmp_path: Path, here: Here) -> None:
    out = [] if arguments[0] == "config" else ["-o", str(tmp_path / "run")]
    done = here(*arguments, *out)
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("shown", [[], ["--origin"], ["--json"]])
def test_credentials_are_not_shown(shown: list[str], here: Here) -> None:
    done = here("config", "show", *shown, "--teacher", "openai:m@http://user:hunter2@localhost:1/v1")
    assert done.returncode == 0, done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "localhost:1" in done.stdout


def test_two_processes_train_as_one_does(tmp_path: Path, here: Here) -> None:
    def losses(name: str, call: Callable[..., Said | subprocess.CompletedProcess[str]], *more: str) -> list[float]:
        done = call("run", "-q", "-o", str(tmp_path / name), *TOY, "--set", "training.log_every=1", *more)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("distilled student") == 1
        return [json.loads(line)["loss"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]

    assert losses("two", magdi, "--processes", "2") == pytest.approx(losses("one", here), rel=1e-4)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="it is Linux that ends them")
def test_workers_end_with_a_command_that_is_killed() -> None:
    begin = (
        "import subprocess, sys; from magdi.plugins.suites.executors.ending import end_with_starter\n"
        "sleeper = [sys.executable, '-c', 'import time; time.sleep(1000)']\n"
        "child = subprocess.Popen(sleeper, preexec_fn=end_with_starter)\n"
        "print(child.pid, flush=True); child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", begin], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        worker = os.pidfd_open(int(command.stdout.readline()))
        command.kill()
        select.select([worker], [], [])  # readable once it has ended; what does not end, pytest ends
        os.close(worker)
