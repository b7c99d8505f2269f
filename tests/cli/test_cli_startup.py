"""What a command does not need it does not wait for: no torch before there is something to compute.

How quick commands are is a ratio that benchmarks/quickness.py prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_once import made_once

HEAVY = ("torch", "torch_geometric", "transformers", "datasets", "scipy", "pandas", "statsmodels", "openai")

DO = """
import contextlib, io, json, sys
HEAVY = json.loads(sys.argv[3])
sys.path.insert(0, sys.argv[2])
from magdi.cli.app import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["magdi", *arguments]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), [name for name in HEAVY if name in sys.modules]]))
"""

PLUGIN = """
from magdi.plugins import Component, hookimpl


@hookimpl
def magdi_encoders():
    yield Component("theirs", "their_encoder:Theirs", "Somebody's.", settings="their_settings:Settings")
"""

SETTINGS = """
from pydantic import BaseModel


class Settings(BaseModel, extra="forbid"):
    depth: int = 1
"""

COMMANDS: dict[str, tuple[int, str]] = {
    "--help": (0, "Usage"),
    "config show": (0, "encoder:"),
    "config validate config.yaml": (0, "valid"),
    "config show --plugin theirs --encoder theirs -E depth=2": (0, "depth: 2"),
    "config show --plugin theirs --encoder theirs -E depth=none": (2, "depth"),
    "run -n": (0, "calls"),
    "run -n --encoder gat -E heads=2": (0, "calls"),
    "discuss -n": (0, "calls"),
    "ablate levels -n": (0, "runs"),
    "config validate nobody.yaml": (2, "nobody.yaml"),
    "run nobody.yaml": (2, "nobody.yaml"),
    "run --nonsense": (2, "--nonsense"),
    "run --encoder gta": (2, "gat"),
    "run --encoder gat -E heads=none": (2, "heads"),
    "run --set training.nonsense=1": (2, "nonsense"),
    "discuss --limit 2 -o out": (0, "2"),
    "mags stats out": (0, "2"),
    "mags check out": (0, "2"),
    "runs list": (2, "no such folder"),
    "ask": (2, "question"),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, list[str]]]:
    """By command: exit code, what was printed, what was loaded; one after the other in one process."""
    lines = (made_once(tmp_path_factory, "startup", run_all) / "lines").read_text().splitlines()
    return dict(zip(COMMANDS, map(tuple, map(json.loads, lines)), strict=True))


def run_all(folder: Path) -> None:
    given = json.dumps([command.split() for command in COMMANDS])
    (folder / "config.yaml").write_text("encoder: gat")
    (folder / "theirs.py").write_text(PLUGIN)
    (folder / "their_settings.py").write_text(SETTINGS)
    (folder / "their_encoder.py").write_text("import torch")
    command = [sys.executable, "-c", DO, given, str(folder), json.dumps(HEAVY)]
    made = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert made.returncode == 0, made.stderr
    (folder / "lines").write_text(made.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_heavy_is_loaded(command: str, done: dict[str, tuple[int, str, list[str]]]) -> None:
    code, said = COMMANDS[command]
    assert done[command][0] == code, done[command][1]
    assert said in done[command][1]
    assert done[command][2] == []
