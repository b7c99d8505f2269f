"""kill -9 in the middle of a run: the same command goes on, asks nobody again, and ends with the same bytes."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

JOB = Path(__file__).with_name("resume_job.py")
SETTINGS = [
    *("--limit", "24", "--task-arg", "primer_problems=40", "--task-arg", "primer_checks=0", "--task-arg", "test=12"),
    *("--set", "student.tiny.hidden=32", "--set", "student.tiny.layers=1", "--set", "student.tiny.heads=2"),
    *("--set", "student.tiny.epochs=1", "--set", "training.steps=14", "--set", "evaluation.max_new_tokens=24"),
    *("--set", "training.save_every=5", "--set", "training.log_every=1"),
]
MOMENTS = [("discussion", 20), ("tiny base", 1), ("training", 7), ("training", 13), ("student answers", 4)]


def replies(run: Path) -> int:
    with sqlite3.connect(run / "journal.sqlite") as journal:
        (count,) = journal.execute("SELECT count(*) FROM replies").fetchone()
    journal.close()
    return int(count)


def test_killed_at_five_moments_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    jobs = [(calm, "", 0), *((shaken, *moment) for moment in MOMENTS), (shaken, "", 0)]
    lines = [json.dumps([["run", "--quiet", *SETTINGS, "-o", str(out)], stage, count]) for out, stage, count in jobs]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, JOB], input="\n".join(lines), capture_output=True, text=True, check=True, env=environment
    )
    assert [int(end) for end in done.stdout.split()] == [0, *[-signal.SIGKILL] * len(MOMENTS), 0], done.stderr
    for name in ("mags.jsonl", "student/model.safetensors", "student/heads.safetensors", "evaluation/student.jsonl"):
        ours, theirs = (run.joinpath(name).read_bytes() for run in (shaken, calm))
        assert ours.replace(bytes(shaken), bytes(calm)) == theirs, name
    assert replies(shaken) == replies(calm)
