"""Whatever a file of somebody else's holds, a terminal is sent text and our own colours, and nothing else."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from magdi.cli import output
from magdi.cli.app import app
from magdi.cli.ask import growing
from magdi.cli.terminal import SafeConsole
from magdi.cli.visible import visible
from magdi.core.errors import MagdiError
from magdi.core.mag import Decision, Mag, Question, Turn, Usage

EVIL = "\x1b]0;title\x07\x1b[2J\x1b]52;c;bm93\x07\x9b31m\x08\r\x7f\u202edesrever\u2066"
OURS = re.compile(r"\x1b\[[\d;]*m")  # colours and weights
COMMANDS = (
    ["mags", "show", "#1"],
    ["mags", "show", "#1", "--text"],
    ["mags", "show", "#1", "--json"],
    ["mags", "stats"],
    ["mags", "stats", "--json"],
    ["mags", "check"],
    ["mags", "check", "--json"],
    ["mags", "calibrate", "-o", "c.json"],
)


def sent(text: str) -> list[str]:
    """Characters that a terminal would act upon."""
    return [char for char in OURS.sub("", text) if char != visible(char)]


@pytest.fixture
def evil_mags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)

    def evil(name: str) -> str:
        return f"{name}{EVIL}"

    turns = [
        Turn(
            step=step, agent=evil(f"a{step}"), role=evil("r"), round=0, text=evil("said"), answer=evil("4"),
            confidence=0.5, correct=False, label=True, label_source="gold", model=evil("m"), usage=Usage(cost=0.1),
        )
        for step in range(2)
    ]  # fmt: skip
    mag = Mag(
        id=evil("id"), question=Question(id=evil("id"), text=evil("Why?"), gold=evil("5"), task=evil("t")),
        protocol=evil("p"), turns=tuple(turns), stop=evil("end"),
        decision=Decision(answer=evil("4"), rule=evil("vote"), votes={evil("4"): 1.0, evil("5"): 0.5}, correct=False),
    )  # fmt: skip
    path = tmp_path / f"mags{visible(EVIL).replace('/', '')}\x1b]0;x\x07.jsonl"
    path.write_text(mag.to_line() + "\n" + '{"id": "\\u001b[2J", "x\\u009b": 1}\n')
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_sends_what_a_file_holds(command: list[str], evil_mags: Path) -> None:
    extra = ["--skip-bad"] if command[1] in ("show", "stats") else []
    for arguments in ([*command, str(evil_mags), *extra], [*command, str(evil_mags)]):
        result = CliRunner().invoke(app, arguments)
        told = result.output + result.stderr
        assert told or isinstance(result.exception, MagdiError)  # which main() tells: see below
        assert not sent(told)
        if "--json" in command and result.exit_code == 0:
            assert EVIL in str(json.loads(result.stdout).values()) or "title" in result.stdout


def test_errors_and_progress_show_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    output.progress_console.cache_clear()
    output.complain(MagdiError(f"no {EVIL}", hint=f"try {EVIL}"))
    progress = output.TerminalProgress()
    progress.note(f"note {EVIL}")
    progress.stage(f"[/red]{EVIL}", 1, "answers")
    progress.finish(1.0)
    output.progress_console.cache_clear()
    told = capsys.readouterr().err
    assert not sent(told)
    assert told.count("\\u001b]0;title\\u0007") == 4
    assert told.count("\\u000d") == 4


def test_a_console_in_colour_sends_colours_and_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=EVIL)
    table.add_column(EVIL)
    table.add_row(Text(EVIL, style="red"))
    SafeConsole(force_terminal=True, color_system="truecolor", width=400).print(table, EVIL, Text(EVIL))
    told = capsys.readouterr().out
    assert OURS.search(told)
    assert not sent(told)


def test_an_answer_that_streams_is_shown() -> None:
    told: list[str] = []
    grown = growing(lambda text: told.append(visible(text)), lambda: None)
    for end in range(1, len(EVIL) + 1):
        grown(EVIL[:end])
    assert not sent("".join(told))
