"""ReConcile with a real model behind a real server: untrained, so what it says is nonsense, and nothing may crash."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import Seat
from magdi.core.discussion.events import Totals
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.store import Stored, discuss_to_file
from magdi.core.mag import Message, read_mags
from magdi.core.protocol import Agent
from magdi.core.teacher import Reply, Request, Sampling
from magdi.plugins.teachers.local import LocalTeacher
from magdi.plugins.teachers.openai import OpenAITeacher
from magdi.plugins.testing import tiny_student
from magdi.protocols.reconcile import ReConcile
from tests.plugins.teachers.faulty_server import Answer, serving
from tests.plugins.teachers.test_teacher_faults import Sums, sums
from tests.ports import a_port

QUESTIONS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served")
    for part in tiny_student():
        part.save_pretrained(path)
    return path


def discuss(url: str, model: str, at: Path) -> Totals:
    """Holds ReConcile with three agents of one server, and looks at what came of it."""
    totals = Totals()
    teacher = OpenAITeacher(OpenAITeacher.Config(model=model, base_url=url, concurrency=4))
    with Journal(at / "journal.sqlite") as journal:
        stored = discuss_to_file(
            sums(QUESTIONS),
            at / "mags.jsonl",
            at / "failures.jsonl",
            protocol=ReConcile(ReConcile.Config(rounds=1)),
            protocol_name="reconcile",
            seats=[Seat(Agent(name), teacher, Sampling(max_tokens=16)) for name in ("ann", "bob", "cyd")],
            task=Sums(),
            settings=Discussion(reasks=1),
            journal=journal,
            on_event=totals.add,
        )
    assert stored == Stored(mags=QUESTIONS, kept=0, failed=0)
    turns = [turn for mag in read_mags(at / "mags.jsonl") for turn in mag.turns]
    assert Counter((turn.status, turn.answer, turn.attempts) for turn in turns) == {("invalid", None, 2): 6 * QUESTIONS}
    assert all(turn.usage.completion_tokens > 0 for turn in turns)
    return totals


def test_a_small_server_of_our_own(folder: Path, tmp_path: Path) -> None:
    model = LocalTeacher(LocalTeacher.Config(model=str(folder)))

    def script(body: dict[str, Any], number: int) -> Answer:
        messages = tuple(Message(**message) for message in body["messages"])
        sampling = Sampling(max_tokens=body["max_tokens"], temperature=body["temperature"], seed=number)
        (reply,) = model._answer([Request(messages=messages, sampling=sampling)])
        assert isinstance(reply, Reply)
        return Answer(reply.text, usage=reply.usage.model_dump())

    with serving(script) as server:
        totals = discuss(server.url, "tiny", tmp_path)
        assert server.count == totals.calls == 2 * 6 * QUESTIONS
        assert discuss_again_asks_nobody(server.url, tmp_path) == 0


def discuss_again_asks_nobody(url: str, at: Path) -> int:
    (at / "mags.jsonl").unlink()
    return discuss(url, "tiny", at).calls


@pytest.fixture
def transformers_serve(folder: Path) -> Iterator[str]:
    if not (importlib.util.find_spec("fastapi") and importlib.util.find_spec("uvicorn")):
        pytest.skip('needs pip install "transformers[serving]"')
    port = a_port()
    command = ["serve", "--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port"]
    server = subprocess.Popen(
        [sys.executable, "-m", "transformers.cli.transformers", *command, str(port), str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            urllib.request.urlopen(url).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"nothing answers at {url}: the server has ended with {server.returncode}")


@pytest.mark.slow
def test_transformers_serve(transformers_serve: str, folder: Path, tmp_path: Path) -> None:
    assert discuss(transformers_serve, str(folder), tmp_path).calls == 2 * 6 * QUESTIONS
