"""Doing a suite's jobs: several at once, in order of what they need, whatever fails.

Worker processes are kept for many jobs, since loading torch takes longer than a small cell; each computes with one
thread, unless the environment says another number (`magdi.core.threads`).
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

from magdi.core.components import Components
from magdi.core.errors import LimitReached, MagdiError, RunDirectoryError
from magdi.core.run.progress import Figures, Progress
from magdi.core.threads import OWN
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.work import do

TRIES = 2
"""How often a job is begun whose process dies, e.g. for want of memory."""

TRACE = "error.txt"

Observe = Callable[..., None]
Bench = Callable[[], tuple[Components, Observe]]
"""Makes what a worker needs: components, and who is told of events. Called once in each process."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed.

    Attributes:
        job: The job.
        error: What ended it.
        kind: ``failed``, ``stopped`` (at a limit), or ``not begun`` (what it needs has failed).
    """

    job: Job
    error: str
    kind: str = "failed"


class Observed:
    """Progress inside a worker: plugins are told of events, and nobody of the rest."""

    def __init__(self, observe: Observe, note: Callable[[str], None] = lambda text: None) -> None:
        self._observe, self._note = observe, note

    def stage(self, name: str, total: int | None, unit: str) -> None:
        """Does nothing."""

    def advance(self, done: int, figures: Figures) -> None:
        """Does nothing."""

    def finish(self, seconds: float) -> None:
        """Does nothing."""

    def note(self, text: str) -> None:
        """Passes it on."""
        self._note(text)

    def event(self, hook: str, **facts: Any) -> None:
        """Tells plugins."""
        self._observe(hook, **facts)


def execute(jobs: Sequence[Job], bench: Bench, *, workers: int, on_end: Callable[[Job], None]) -> list[Failure]:
    """Does jobs, and goes on when one fails; those that need it are not begun.

    Args:
        jobs: What there is to do, each behind those that it needs.
        bench: Makes what a worker needs; sent to the workers, so a function of a module or a partial of one.
        workers: Processes; with one all is done in this process.
        on_end: Told of every job that has ended, however it did.

    Returns:
        What failed, in the order in which it did.
    """
    left = [job for job in jobs if not job.done]
    if not left:
        return []
    if workers == 1:
        return _one_by_one(left, bench, on_end)
    with _one_thread():
        return _Scheduler(left, bench, min(workers, len(left)), on_end).run()


def _one_by_one(jobs: Sequence[Job], bench: Bench, on_end: Callable[[Job], None]) -> list[Failure]:
    components, observe = bench()
    failures: dict[Path, Failure] = {}
    for job in jobs:
        missing = next((failures[need] for need in job.needs if need in failures), None)
        failure = _for_want_of(job, missing) if missing else _done(job, components, Observed(observe))
        if failure:
            failures[job.directory] = failure
        on_end(job)
    return list(failures.values())


def _done(job: Job, components: Components, progress: Progress) -> Failure | None:
    """Does a job; anything that an error of it can be said in is said."""
    try:
        do(job, components, progress)
    except LimitReached as error:
        return Failure(job, _words(error), "stopped")
    except MagdiError as error:
        return Failure(job, _words(error))
    except Exception as error:
        with suppress(OSError, RunDirectoryError):
            job.directory.mkdir(parents=True, exist_ok=True)
            (job.directory / TRACE).write_text(traceback.format_exc(), "utf-8")
        return Failure(job, f"{type(error).__name__}: {error} (see {job.directory / TRACE})")
    return None


def _words(error: MagdiError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _for_want_of(job: Job, missing: Failure) -> Failure:
    kind = missing.kind if missing.kind == "stopped" else "not begun"
    return Failure(job, f"needs {missing.job.title}: {missing.error}", kind)


class _Scheduler:
    """Jobs in processes."""

    def __init__(self, jobs: Sequence[Job], bench: Bench, workers: int, on_end: Callable[[Job], None]) -> None:
        self._waiting = {job.directory: job for job in jobs}
        self._bench, self._workers, self._on_end = bench, workers, on_end
        self._failures: dict[Path, Failure] = {}
        self._tries: dict[Path, int] = {}
        self._running: dict[Future[Failure | None], Job] = {}
        self._pool = self._new_pool()

    def run(self) -> list[Failure]:
        try:
            while self._waiting or self._running:
                self._begin()
                if self._running:
                    self._collect()
        except BaseException:
            self._pool.shutdown(wait=True, cancel_futures=True)
            raise
        self._pool.shutdown()
        return list(self._failures.values())

    def _begin(self) -> None:
        """Begins jobs as long as there are workers; gives up those whose needs have failed."""
        for job in list(self._waiting.values()):
            missing = next((self._failures[need] for need in job.needs if need in self._failures), None)
            if missing is not None:
                del self._waiting[job.directory]
                self._end(job, _for_want_of(job, missing))
            elif len(self._running) < self._workers and self._is_ready(job):
                del self._waiting[job.directory]
                self._tries[job.directory] = self._tries.get(job.directory, 0) + 1
                self._running[self._pool.submit(_in_worker, job)] = job

    def _is_ready(self, job: Job) -> bool:
        unfinished = {*self._waiting, *(each.directory for each in self._running.values())}
        return not any(before in unfinished for before in (*job.needs, *job.waits))

    def _collect(self) -> None:
        ended, _ = wait(self._running, return_when=FIRST_COMPLETED)
        broken = False
        for future in ended:
            job = self._running.pop(future)
            try:
                self._end(job, future.result())
            except BrokenProcessPool:
                broken = True
                self._retry(job)
        if broken:  # all that were running have died with the one that did
            for job in self._running.values():
                self._retry(job)
            self._running.clear()
            self._pool.shutdown(wait=False)
            self._pool = self._new_pool()

    def _retry(self, job: Job) -> None:
        if self._tries[job.directory] < TRIES:
            self._waiting = {job.directory: job, **self._waiting}
        else:
            self._end(job, Failure(job, "its process died, maybe for want of memory; try --jobs 1"))

    def _end(self, job: Job, failure: Failure | None) -> None:
        if failure is not None:
            self._failures[job.directory] = failure
        self._on_end(job)

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(self._bench,)
        )


_worker: tuple[Components, Observe] | None = None


def _start_worker(bench: Bench) -> None:
    global _worker
    end_with_parent()
    _worker = bench()


def end_with_parent() -> None:
    """Ends this process once the one that began it is gone: a killed suite leaves nobody behind in its runs."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()


def _in_worker(job: Job) -> Failure | None:
    assert _worker is not None
    components, observe = _worker
    return _done(job, components, Observed(observe))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes begun within it compute with one thread, unless somebody has chosen another number."""
    if any(os.environ.get(name) for name in OWN):
        yield
        return
    os.environ[OWN[0]] = "1"
    try:
        yield
    finally:
        del os.environ[OWN[0]]


def in_order(jobs: Sequence[Job]) -> Iterator[Job]:
    """Yields jobs, each behind those that it needs or waits for; their order is kept where it can be."""
    known = {job.directory: job for job in jobs}
    seen: set[Path] = set()

    def visit(job: Job) -> Iterator[Job]:
        if job.directory in seen:
            return
        seen.add(job.directory)
        for before in (*job.needs, *job.waits):
            if before in known:
                yield from visit(known[before])
        yield job

    for job in jobs:
        yield from visit(job)
