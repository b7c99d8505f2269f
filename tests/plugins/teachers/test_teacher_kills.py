"""kill -9 at random moments: nothing that was paid for is lost or asked for again, and the file is the same bytes.

MAGDI_KILLS=100 MAGDI_KILL_QUESTIONS=200 is the full exercise.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from magdi.core.discussion.journal import Journal
from magdi.core.mag import read_mags
from tests.plugins.teachers.faulty_server import Answer, FaultyServer, serving

KILLS = int(os.environ.get("MAGDI_KILLS", "6"))
QUESTIONS = int(os.environ.get("MAGDI_KILL_QUESTIONS", "60"))
CONCURRENCY = 3 * 8  # of kill_job's teachers together

Asked = tuple[str, str]


def opinion(body: dict[str, Any], number: int) -> Answer:
    """Replies by model and prompt alone, late enough for calls to be under way at any time."""
    digest = hashlib.sha256(json.dumps([body["model"], body["messages"]]).encode()).digest()
    text = json.dumps({"reasoning": digest.hex(), "answer": str(digest[0] % 3), "confidence": 0.5 + digest[1] / 512})
    return Answer(text, delay=0.001 * (digest[2] % 16))


class Job:
    def __init__(self, process: subprocess.Popen[str], folder: Path, server: FaultyServer) -> None:
        self.process, self.folder, self.server = process, folder, server

    def start(self) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def wait(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())

    def work_for(self, calls: int) -> None:
        """Waits until the server got so many more calls, or the work is done."""
        target = self.server.count + calls
        while self.server.count < target and not select.select([self.process.stdout.fileno()], [], [], 0)[0]:
            time.sleep(0.001)

    def journalled(self) -> list[Asked]:
        """Returns teacher and prompt of every reply in the journal."""
        if not (self.folder / "journal.sqlite").exists():
            return []
        with Journal(self.folder / "journal.sqlite") as journal:
            return [
                (entry.teacher.partition("@")[0].removeprefix("openai:"), prompt(json.loads(entry.request)["messages"]))
                for entry in journal.entries()
            ]

    def asked(self, since: int = 0) -> list[Asked]:
        bodies = self.server.bodies[since:]
        return [
            (body["model"], prompt([[each["role"], each["content"]] for each in body["messages"]])) for body in bodies
        ]


def prompt(messages: list[list[str]]) -> str:
    return hashlib.sha256(json.dumps(messages).encode()).hexdigest()


@contextmanager
def running(folder: Path) -> Iterator[Job]:
    folder.mkdir()
    with serving(opinion) as server:
        command = [
            sys.executable,
            str(Path(__file__).with_name("kill_job.py")),
            str(folder),
            str(QUESTIONS),
            server.url,
        ]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield Job(process, folder, server)
        finally:
            assert process.stdin
            assert process.stdout
            process.stdin.close()
            process.wait()
            process.stdout.close()


def test_kill_9_at_random_moments_loses_nothing_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    with running(tmp_path / "undisturbed") as job:
        job.start()
        assert job.wait() == 0
        calls = job.server.count
        assert len(job.journalled()) == calls == sum(Counter(job.asked()).values())
        whole = (job.folder / "mags.jsonl").read_bytes()
        url = job.server.url
    assert len(list(read_mags(tmp_path / "undisturbed" / "mags.jsonl"))) == QUESTIONS

    draw = random.Random(20240817)
    killed = 0
    with running(tmp_path / "killed") as job:
        while killed < KILLS:
            before = job.server.count
            kept = job.journalled()
            assert len(kept) == len(set(kept))  # every completed reply is there once
            pid = job.start()
            job.work_for(draw.randint(0, 2 * calls // KILLS))
            time.sleep(draw.uniform(0, 0.02))
            os.kill(pid, signal.SIGKILL)
            status = job.wait()
            while job.server.busy:  # with what was under way
                time.sleep(0.001)
            assert not set(kept) & set(job.asked(before))  # what is in the journal is not asked for
            if status == 0:  # it was done before the kill: start over, to be killed somewhere else
                for file in job.folder.iterdir():
                    file.unlink()
                job.server.bodies.clear()
            killed += 1
        assert job.start()
        assert job.wait() == 0
        again = [count - 1 for count in Counter(job.asked()).values()]
        # Only what was under way at a kill: at the server, or answered and on its way to the disk.
        assert sum(again) <= killed * CONCURRENCY
        assert len(job.journalled()) == calls
        assert set(job.journalled()) == set(job.asked())
        assert job.server.most <= CONCURRENCY * 2
        # The server's port is part of a teacher's identity, and so of the file.
        assert (job.folder / "mags.jsonl").read_bytes().replace(job.server.url.encode(), url.encode()) == whole
        sys.stdout.write(f"{killed} kills, {calls} calls, {sum(again)} asked again\n")
