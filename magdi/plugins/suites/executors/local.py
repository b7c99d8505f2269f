"""Processes of this machine.

They are kept for many jobs, since loading torch takes longer than a small cell. Each computes with one thread, so that
two do about twice as much as one.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from magdi.core.threads import OWN
from magdi.plugins.suites.executors.executor import Executor
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.worker import JobFailure, Work, WorkerSetup, do_in_worker, end_with_parent


class Local(Executor):
    """A pool of processes.

    Args:
        setup: Makes what a job needs.
        places: Processes.
        work: Does a job.
    """

    def __init__(self, setup: WorkerSetup, places: int, work: Work = do_in_worker) -> None:
        self.places, self._setup, self._work = places, pickle.dumps(setup), work
        self._pool: ProcessPoolExecutor | None = None

    def begin(self, jobs: Sequence[Job]) -> list[Future[JobFailure | None]]:
        """Hands jobs to the pool; where a process has died, and all others with it, to a new one."""
        with _one_thread():
            try:
                return [self._submit(job) for job in jobs]
            except BrokenProcessPool:
                self._leave(now=True)
                return [self._submit(job) for job in jobs]

    def _submit(self, job: Job) -> Future[JobFailure | None]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.places, get_context("spawn"), initializer=end_with_parent)
        return self._pool.submit(self._work, self._setup, os.getcwd(), job)

    def said_of(self, death: BaseException) -> str:
        """Says the likeliest reason."""
        return "its process died, maybe for want of memory; try --jobs 1"

    def _leave(self, *, now: bool) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=not now, cancel_futures=True)
            self._pool = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._leave(now=False)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes begun within it compute with one thread each, unless somebody has chosen another number."""
    if any(os.environ.get(name) for name in OWN):
        yield
        return
    os.environ[OWN[0]] = "1"
    try:
        yield
    finally:
        del os.environ[OWN[0]]
