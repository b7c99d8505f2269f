"""What a shell proposes, and how flags look in help."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.config.models import RunConfig
from tests.core.run.run_directories import opened_run


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def proposed(line: str) -> list[str]:
    words = line.split(" ")
    told = {"_MAGDI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return CliRunner().invoke(app, [], env=told, prog_name="magdi").stdout.split()


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("magdi run --encoder gc", {"gcn", "gcn-symmetric"}),
        ("magdi run --protocol reco", {"reconcile"}),
        ("magdi run --teacher sim", {"simulated:"}),
        ("magdi discuss --preset au", {"auto", "authors-code"}),
        ("magdi run --set training.st", {"training.steps="}),
        ("magdi run --edges ad", {"adjacent"}),
        ("magdi ablate enc", {"encoders"}),
        ("magdi mags export --to grap", {"graphml"}),
        ("magdi ru", {"run", "runs"}),
    ],
)
def test_values_are_proposed(line: str, among: set[str]) -> None:
    found = set(proposed(line))
    assert among <= found
    assert all(each.startswith(line.split()[-1]) for each in found)


@pytest.mark.parametrize("command", ["view", "runs show", "runs compare", "mags stats", "evaluate", "export"])
def test_runs_are_proposed(command: str) -> None:
    opened_run(Path("runs/first"), RunConfig()).update(status="done")
    assert "runs/first" in proposed(f"magdi {command} r")


@pytest.mark.parametrize("command", ["run", "runs list", "mags check", "evaluate"])
def test_flags_look_like_flags(command: str) -> None:
    told = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "100"}).stdout
    assert "--json" in told
    assert "bool" not in told.lower().replace("boolq", "")
