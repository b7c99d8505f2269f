"""A job where it is done: in this process or another one, on this machine or another one."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import connection, parent_process

from magdi.core.components import Components
from magdi.core.errors import LimitReached, MagdiError, RunDirectoryError
from magdi.core.run.progress import Progress
from magdi.plugins.suites.job_run import do
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.warned import Heard, keep_warnings
from magdi.plugins.trackers.tracking import Tracked

TRACE = "error.txt"

Observe = Callable[..., None]
WorkerSetup = Callable[[], tuple[Components, Observe]]
"""Makes what a worker needs: components, and who is told of events. Called once in each process."""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """A job that failed.

    Attributes:
        job: The job.
        error: What ended it.
        kind: ``failed``, ``stopped`` (at a limit), or ``not begun`` (what it needs has failed).
    """

    job: Job
    error: str
    kind: str = "failed"


def done(job: Job, components: Components, observe: Observe) -> JobFailure | None:
    """Does a job, and keeps what it warns of; returns why it failed, where it did."""
    heard = Heard(observe)
    try:
        return _failure(job, components, Tracked(heard, components, warnings.warn))
    finally:
        keep_warnings(job.directory, heard.warnings)


def _failure(job: Job, components: Components, progress: Progress) -> JobFailure | None:
    try:
        do(job, components, progress)
    except LimitReached as error:
        return JobFailure(job, _words(error), "stopped")
    except MagdiError as error:
        return JobFailure(job, _words(error))
    except Exception as error:
        with suppress(OSError, RunDirectoryError):
            job.directory.mkdir(parents=True, exist_ok=True)
            (job.directory / TRACE).write_text(traceback.format_exc(), "utf-8")
        return JobFailure(job, f"{type(error).__name__}: {error} (see {job.directory / TRACE})")
    return None


def _words(error: MagdiError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


Work = Callable[[bytes, str, Job], JobFailure | None]
"""Does a job: see `do_in_worker`."""


@cache
def _made(worker_setup: bytes) -> tuple[Components, Observe]:
    """Returns what a pickled worker_setup makes; a process that is kept for many jobs makes it once."""
    import torch

    threads = os.environ.get("OMP_NUM_THREADS", "")
    torch.set_num_threads(int(threads) if threads.isdecimal() and int(threads) else 1)
    make: WorkerSetup = pickle.loads(worker_setup)
    return make()


def do_in_worker(worker_setup: bytes, folder: str, job: Job) -> JobFailure | None:
    """Does a job in a process of its own.

    Args:
        worker_setup: Makes what it needs; a `WorkerSetup`, pickled.
        folder: The working directory that the job's paths are relative to.
        job: The job.
    """
    os.chdir(folder)
    components, observe = _made(worker_setup)
    return done(job, components, observe)


def end_with_parent() -> None:
    """Ends this process once the one that began it is gone: a killed suite leaves nobody behind in its runs."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
