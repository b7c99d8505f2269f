"""Evaluating a served model pays for no answer twice: not after Ctrl-C or kill -9, and not in two processes at once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from magdi.core.evaluation.prediction import read_predictions
from tests.plugins.teachers.faulty_server import Answer, FaultyServer, serving

COUNT = 400
ANSWERED = 250  # all in the first batch that the engine hands over
CONCURRENCY = 64
SAFETY = 900  # seconds after which nobody believes any more that it will come, however busy the machine


@contextmanager
def job(out: Path, server: FaultyServer) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(Path(__file__).with_name("evaluation_job.py")), str(out), str(COUNT), server.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "go\n"
        yield process


def answering(until: int, reached: threading.Event, go_on: threading.Event) -> Callable[[dict[str, Any], int], Answer]:
    """Answers so many requests, says so, and holds the rest back until it may go on."""

    def script(body: dict[str, Any], number: int) -> Answer:
        if number == until:
            reached.set()
        last = body["messages"][-1]["content"].split()[-1]
        return Answer(f"It is {last}.", held=None if number < until else go_on)

    return script


def asked(server: FaultyServer) -> Counter[str]:
    return Counter(body["messages"][-1]["content"] for body in server.bodies)


def on_disk(journal: Path) -> list[str]:
    """What the kept requests ask."""
    with closing(sqlite3.connect(journal)) as database:
        rows = database.execute("SELECT request FROM replies").fetchall()
    return [json.loads(request)["messages"][-1][1] for (request,) in rows]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_evaluation_asks_again_only_what_was_under_way(how: signal.Signals, tmp_path: Path) -> None:
    out, reached, go_on = tmp_path / "answers.jsonl", threading.Event(), threading.Event()
    with serving("") as server:
        server.script = answering(ANSWERED, reached, go_on)
        with job(out, server) as process:
            assert reached.wait(SAFETY)
            process.send_signal(how)
            go_on.set()
        kept = on_disk(out.with_suffix(".sqlite"))
        with job(out, server) as again:
            assert again.wait(SAFETY) == 0
        times = asked(server)
    assert len(times) == COUNT
    assert len(kept) >= ANSWERED - CONCURRENCY  # however slow the disk
    assert {times[question] for question in kept} <= {1}
    predictions = read_predictions(out)
    assert [each.id for each in predictions] == [f"q{place}" for place in range(COUNT)]
    assert all(each.correct for each in predictions)


def test_two_at_once_are_refused_and_the_second_asks_nothing(tmp_path: Path) -> None:
    out, reached, go_on = tmp_path / "answers.jsonl", threading.Event(), threading.Event()
    with serving("") as server:
        server.script = answering(30, reached, go_on)
        with job(out, server) as first:
            assert reached.wait(SAFETY)
            with job(out, server) as second:
                assert second.wait(SAFETY) == 2
                assert second.stdout
                assert "RunDirectoryError: another process is at work on" in second.stdout.read()
            go_on.set()
            assert first.wait(SAFETY) == 0
        assert all(times == 1 for times in asked(server).values())
    assert len(read_predictions(out)) == COUNT
