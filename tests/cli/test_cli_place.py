"""`magdi run --on`: what is given on a cluster, and what is then left to do here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from magdi.cli import run as run_module
from magdi.cli.app import app


def test_what_was_done_on_a_cluster_is_not_done_again_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--fresh and --processes are the cluster's: here they would throw its run away."""
    there: list[tuple[Any, ...]] = []
    here: list[tuple[Any, ...]] = []
    monkeypatch.setattr("magdi.plugins.suites.executors.command.elsewhere", lambda *given: there.append(given))
    monkeypatch.setattr(run_module, "_go", lambda *given, **more: here.append(given))
    out = str(tmp_path / "run")
    line = ["run", "--on", "slurm", "--gpus=2", "--fresh", "--processes", "2", "--sharding", "fsdp2", "-o", out]
    monkeypatch.setattr(sys, "argv", ["magdi", *line])
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    ((on, resources, directory, arguments),) = there
    assert (on, resources.gpus, directory) == ("slurm", 2, Path(out))
    assert arguments == ["run", "--fresh", "--processes", "2", "--sharding", "fsdp2", "-o", out]
    ((_, until, _, fresh, dry_run, _, _, processes, sharding),) = here
    assert (until, fresh, dry_run, processes, sharding) == ("evaluation", False, False, 1, "none")
