"""Blocks of code in the documentation, what a shell makes of them, and magdi's lines among these in this process."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.errors import MagdiError

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.M | re.S)
OTHERS = (
    "cd",
    "docker",
    "git",
    "lm_eval",
    "make",
    "ollama",
    "pip",
    "pytest",
    "python",
    "sqlite3",
    "tensorboard",
    "vllm",
)
"""Programs that pages tell one to use beside magdi; none is started."""

SHELL = """
told() {{ printf '%s\\0' "$@"; printf '\\1'; env -0; printf '\\2'; }}
for program in {programs}; do eval "$program() {{ told $program \\"\\$@\\" >&3; }}"; done
set -eu
{script}
"""


README = ROOT / "README.md"


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int

    @property
    def file(self) -> str:
        """The name in a first line such as ``# ring.py``."""
        found = re.match(r"# (\S+\.(?:py|yaml))\b", self.text)
        return found[1] if found else ""


@dataclass(frozen=True)
class Line:
    """A program as a shell would have started it."""

    program: str
    arguments: list[str]
    environment: dict[str, str] = field(repr=False)


def blocks(page: Path) -> Iterator[Block]:
    text = fenced(page.read_text("utf-8")) if page == README else page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        yield Block(found["language"], found["text"], text.count("\n", 0, found.start()) + 1)


def fenced(text: str) -> str:
    """Returns a text whose indented blocks, which are commands, are fenced."""
    indented = re.compile(r"(?<=\n\n)((?: {4}\S.*\n(?: {8}.*\n)*)+)(?=\n)")
    parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
    parts[::2] = [indented.sub(lambda found: f"```sh\n{found[1]}```\n", part) for part in parts[::2]]
    return "".join(parts)


def shell(script: str, folder: Path) -> list[Line]:
    """Has bash read a script in a folder, in which every program but its own tools is a function that tells."""
    told = folder / ".told"
    text = SHELL.format(programs=" ".join(("magdi", *OTHERS)), script=script)
    command = ["bash", "--norc", "-c", f"exec 3> {shlex.quote(str(told))}\n{text}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}\n{done.stderr}"
    calls = told.read_text("utf-8").split("\2")[:-1]
    told.unlink()
    return [_line(call) for call in calls]


def _line(call: str) -> Line:
    words, environment = (part.split("\0")[:-1] for part in call.split("\1"))
    return Line(words[0], words[1:], dict(each.partition("=")[::2] for each in environment))


def run_command(line: str | list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Returns the exit code of a line and what it prints; the same as in a shell, in this process."""
    words = shlex.split(line) if isinstance(line, str) else list(line)
    with monkeypatch.context() as patched:
        while "=" in words[0]:
            patched.setenv(*words.pop(0).split("=", 1))
        assert words[0] == "magdi"
        outcome = CliRunner().invoke(app, words[1:])
    error = outcome.exception
    if isinstance(error, MagdiError):
        hint = f"\nhint: {error.hint}" if error.hint else ""
        return error.exit_code, f"{outcome.output}error: {error.message}{hint}\n"
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return outcome.exit_code, outcome.output
