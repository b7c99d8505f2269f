"""Discusses in a child process for each line on stdin, so that a kill hits work and not imports.

    python kill_job.py FOLDER QUESTIONS BASE_URL

Prints the child's process id, then how it ended.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import aiohttp  # noqa: F401 (imported before the fork)

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import Retry, Seat
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.store import discuss_to_file
from magdi.core.protocol import Agent
from magdi.plugins.teachers.openai import OpenAITeacher
from magdi.protocols.reconcile import ReConcile
from tests.plugins.teachers.test_teacher_faults import Sums, sums


def job(folder: Path, questions: int, url: str) -> None:
    seats = [
        Seat(Agent(name), OpenAITeacher(OpenAITeacher.Config(model=name, base_url=url, concurrency=8)))
        for name in "abc"
    ]
    with Journal(folder / "journal.sqlite") as journal:
        discuss_to_file(
            sums(questions),
            folder / "mags.jsonl",
            folder / "failures.jsonl",
            protocol=ReConcile(),
            protocol_name="reconcile",
            seats=seats,
            task=Sums(),
            settings=Discussion(in_flight=12),
            retry=Retry(base=0.01),
            journal=journal,
        )


def main() -> None:
    folder, questions, url = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            job(folder, questions, url)
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitpid(child, 0)[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
