"""One command of magdi's as a job of an engine: `magdi run --on slurm`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magdi.core.errors import MagdiError
from magdi.plugins.suites.engines.resources import On, Resources
from magdi.plugins.suites.runner import execute
from magdi.plugins.suites.worker import Failure

LOG = "job.txt"
"""What the command printed, in the run's directory."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, as a job."""

    directory: Path
    arguments: tuple[str, ...]
    title: str = "the command"
    needs: tuple[Path, ...] = ()
    waits: tuple[Path, ...] = ()
    done: bool = False


def run_command(bench: bytes, folder: str, job: Any) -> Failure | None:
    """Gives a command where the job is; what it prints is kept beside its run."""
    target = Path(folder, job.directory)
    target.parent.mkdir(parents=True, exist_ok=True)
    log = target.with_name(f"{target.name}.{LOG}")
    with log.open("w", encoding="utf-8") as printed:
        command = [sys.executable, "-m", "magdi", *job.arguments]
        code = subprocess.run(command, cwd=folder, stdout=printed, stderr=subprocess.STDOUT, check=False).returncode
    return Failure(job, f"exit code {code}; what it printed: {log}") if code else None


def elsewhere(on: On, resources: Resources, directory: Path, arguments: Sequence[str]) -> None:
    """Gives a command on a cluster and waits for its end.

    Raises:
        MagdiError: It failed there.
    """
    job: Any = Command(directory, tuple(arguments))
    if on == "slurm":
        from magdi.plugins.suites.engines.slurm import Slurm

        engine: Any = Slurm(_nothing, resources, directory.with_name(f"{directory.name}.jobs"), run_command)
    else:
        from magdi.plugins.suites.engines.ray import Ray

        engine = Ray(_nothing, resources, run_command)
    for failure in execute([job], _nothing, engine=engine, on_end=lambda job: None):
        raise MagdiError(f"--on {on}: {failure.error}", hint="the same command goes on")


def _nothing() -> Any:
    """A command makes its components itself."""
