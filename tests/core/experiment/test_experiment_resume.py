"""kill -9 in the middle of a run: the same command goes on, asks nobody again, and ends with the same bytes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from magdi.cli.app import main; main()", "run", "--quiet", "--limit", "150"]
SETTINGS = [
    *("--task-arg", "primer_problems=60", "--task-arg", "primer_checks=0", "--task-arg", "test=20"),
    *("--set", "student.tiny.hidden=32", "--set", "student.tiny.layers=1", "--set", "student.tiny.heads=2"),
    *("--set", "student.tiny.epochs=1", "--set", "training.steps=30", "--set", "evaluation.max_new_tokens=24"),
    *("--set", "training.save_every=5"),
]


def command(out: Path) -> list[str]:
    return [*COMMAND, *SETTINGS, "-o", str(out)]


def replies(run: Path) -> int:
    with sqlite3.connect(run / "journal.sqlite") as journal:
        (count,) = journal.execute("SELECT count(*) FROM replies").fetchone()
    journal.close()
    return int(count)


@pytest.mark.slow
def test_killed_at_five_moments_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = time.monotonic()
    subprocess.run(command(calm), check=True, env=environment, capture_output=True)
    whole = time.monotonic() - started
    for share in (0.25, 0.4, 0.55, 0.7, 0.85):
        process = subprocess.Popen(command(shaken), env=environment, stdout=subprocess.DEVNULL)
        time.sleep(share * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command(shaken), check=True, env=environment, capture_output=True)
    for name in ("mags.jsonl", "student/model.safetensors", "student/heads.safetensors", "evaluation/student.jsonl"):
        ours, theirs = (run.joinpath(name).read_bytes() for run in (shaken, calm))
        assert ours.replace(bytes(shaken), bytes(calm)) == theirs, name
    assert replies(shaken) == replies(calm)
