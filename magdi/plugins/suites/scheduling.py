"""Doing a suite's jobs: several at once, in order of what they need, whatever fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from magdi.plugins.suites.executors.executor import Executor
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.worker import JobFailure, WorkerSetup, done

TRIES = 2
"""How often a job is begun whose process dies, e.g. for want of memory."""

PULSE = 1.0  # seconds


def execute(
    jobs: Sequence[Job],
    worker_setup: WorkerSetup,
    *,
    executor: Executor | None,
    on_end: Callable[[Job], None],
    meanwhile: Callable[[], None] = lambda: None,
) -> list[JobFailure]:
    """Does jobs, and goes on when one fails; those that need it are not begun.

    Args:
        jobs: What there is to do, each behind those that it needs.
        worker_setup: Makes what a worker needs.
        executor: Where they are done; None for this process, one after the other.
        on_end: Told of every job that has ended, however it did.
        meanwhile: Called every `PULSE` seconds while an executor's jobs are waited for.

    Returns:
        What failed, in the order in which it did.
    """
    left = [job for job in jobs if not job.done]
    if not left:
        return []
    if executor is None:
        return _one_by_one(left, worker_setup, on_end)
    with executor:
        return _Scheduler(left, executor, on_end, meanwhile).run()


def _one_by_one(jobs: Sequence[Job], worker_setup: WorkerSetup, on_end: Callable[[Job], None]) -> list[JobFailure]:
    components, observe = worker_setup()
    failures: dict[Path, JobFailure] = {}
    for job in jobs:
        missing = next((failures[need] for need in job.needs if need in failures), None)
        failure = _for_want_of(job, missing) if missing else done(job, components, observe)
        if failure:
            failures[job.directory] = failure
        on_end(job)
    return list(failures.values())


def _for_want_of(job: Job, missing: JobFailure) -> JobFailure:
    kind = missing.kind if missing.kind == "stopped" else "not begun"
    return JobFailure(job, f"needs {missing.job.title}", kind)


class _Scheduler:
    """Jobs on an executor."""

    def __init__(
        self, jobs: Sequence[Job], executor: Executor, on_end: Callable[[Job], None], meanwhile: Callable[[], None]
    ) -> None:
        self._waiting = {job.directory: job for job in jobs}
        self._executor, self._on_end, self._meanwhile = executor, on_end, meanwhile
        self._failures: dict[Path, JobFailure] = {}
        self._tries: dict[Path, int] = {}
        self._running: dict[Future[JobFailure | None], Job] = {}

    def run(self) -> list[JobFailure]:
        while self._waiting or self._running:
            self._begin()
            if self._running:
                self._collect()
        return list(self._failures.values())

    def _begin(self) -> None:
        """Begins jobs as long as there are places; gives up those whose needs have failed."""
        ready: list[Job] = []
        for job in list(self._waiting.values()):
            missing = next((self._failures[need] for need in job.needs if need in self._failures), None)
            if missing is not None:
                del self._waiting[job.directory]
                self._end(job, _for_want_of(job, missing))
            elif len(self._running) + len(ready) < self._executor.places and self._is_ready(job):
                ready.append(job)
        for job, future in zip(ready, self._executor.begin(ready) if ready else (), strict=True):
            del self._waiting[job.directory]
            self._tries[job.directory] = self._tries.get(job.directory, 0) + 1
            self._running[future] = job

    def _is_ready(self, job: Job) -> bool:
        unfinished = {*self._waiting, *(each.directory for each in self._running.values())} - {job.directory}
        return not any(before in unfinished for before in (*job.needs, *job.waits))

    def _collect(self) -> None:
        ended, _ = wait(self._running, PULSE, FIRST_COMPLETED)
        if not ended:
            self._meanwhile()
        for future in ended:
            job = self._running.pop(future)
            death = future.exception()  # what a job raises is its failure, and a result: a process died
            if death is None:
                self._end(job, future.result())
            else:
                self._retry(job, death)

    def _retry(self, job: Job, death: BaseException) -> None:
        if self._tries[job.directory] < TRIES:
            self._waiting = {job.directory: job, **self._waiting}
        else:
            self._end(job, JobFailure(job, self._executor.said_of(death)))

    def _end(self, job: Job, failure: JobFailure | None) -> None:
        if failure is not None:
            self._failures[job.directory] = failure
        self._on_end(job)


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


def waves(jobs: Sequence[Job]) -> list[Counter[str]]:
    """Returns how many jobs of each kind wait for none of the others, how many for those alone, and so on.

    Args:
        jobs: Each behind those that it needs or waits for.
    """
    found, depths = list[Counter[str]](), dict[Path, int]()
    for job in jobs:
        depth = max((1 + depths[each] for each in (*job.needs, *job.waits) if each in depths), default=0)
        depths[job.directory] = depth
        found += [Counter() for _ in range(depth + 1 - len(found))]
        found[depth][job.kind] += 1
    return found
