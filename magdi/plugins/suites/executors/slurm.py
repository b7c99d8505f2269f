"""Slurm, by submitit: jobs that are ready together are one array; one that is preempted or out of time is requeued."""

from __future__ import annotations

import getpass
import hashlib
import os
import pickle
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from magdi.core.errors import ComponentError
from magdi.core.extras import need
from magdi.plugins.suites.executors.executor import Executor
from magdi.plugins.suites.executors.resources import Resources, minutes
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.worker import JobFailure, Work, WorkerSetup, do_in_worker

PAUSE = 2.0
"""Seconds between looks at the queue."""
GRACE = 20.0
"""Seconds that a job which has left the queue is waited for: a shared file system may be late."""


class Requeued:
    """A job's work as submitit sends it; begun again, it goes on where it was."""

    def __init__(self, work: Work, setup: bytes, folder: str) -> None:
        self._work, self._setup, self._folder = work, setup, folder

    def __call__(self, job: Job) -> JobFailure | None:
        """Does the job."""
        return self._work(self._setup, self._folder, job)

    def checkpoint(self, job: Job) -> Any:
        """Returns what is queued again when time is up, or the node is wanted by somebody else."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, job)


def check() -> None:
    """Raises ComponentError where submitit is not installed, or there is no Slurm."""
    need("submitit", "slurm", "--on slurm")
    if shutil.which("sbatch") is None:
        raise ComponentError("--on slurm: there is no sbatch on this machine", hint="start it where Slurm's are")


class Slurm(Executor):
    """Jobs of Slurm; its nodes share the suite's folder, and find the same Python.

    Jobs of the same suite that an earlier command left in the queue are cancelled first, for two would want one run.

    Args:
        setup: Makes what a job needs.
        resources: What a job is given.
        folder: The suite's directory; scripts, pickles and logs go into ``slurm/`` below it.
        work: Does a job.

    Raises:
        ComponentError: submitit is not installed, or there is no Slurm.
    """

    def __init__(self, setup: WorkerSetup, resources: Resources, folder: Path, work: Work = do_in_worker) -> None:
        check()
        from submitit import SlurmExecutor

        self.places = resources.jobs or 1_000_000  # Slurm queues what there is no room for
        self._name = f"magdi-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"
        self._executor = SlurmExecutor(folder=folder / "slurm", max_num_timeout=1000)
        self._executor.update_parameters(
            job_name=self._name,
            time=minutes(resources.time),
            cpus_per_task=resources.cpus,
            array_parallelism=resources.jobs or 1000,
            **({"gpus_per_node": resources.gpus} if resources.gpus else {}),
            **({"partition": resources.partition} if resources.partition else {}),
            setup=[f"export OMP_NUM_THREADS={resources.cpus}"],
            stderr_to_stdout=True,
        )
        self._work = Requeued(work, pickle.dumps(setup), os.getcwd())
        self._left: dict[Any, Future[JobFailure | None]] = {}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="slurm", daemon=True)
        self._cancel()
        self._watcher.start()

    def begin(self, jobs: Sequence[Job]) -> list[Future[JobFailure | None]]:
        """Queues jobs as one array; raises ComponentError where Slurm doesn't take them."""
        from submitit.core.utils import FailedJobError

        try:
            found = self._executor.map_array(self._work, list(jobs))
        except FailedJobError as error:
            said = (str(error).strip() or "nothing").splitlines()[-1]
            hint = "does sinfo answer here? are --partition, --gpus and --time allowed?"
            raise ComponentError(f"--on slurm: Slurm did not take the jobs: {said}", hint=hint) from error
        futures: list[Future[JobFailure | None]] = [Future() for _ in found]
        with self._lock:
            self._left |= dict(zip(found, futures, strict=True))
        return futures

    def _watch(self) -> None:
        gone: dict[Any, float] = {}
        while not self._over.wait(PAUSE):
            with self._lock:
                left = dict(self._left)
            queued = self._queued() if left else set()
            for job, future in left.items():
                if job.paths.result_pickle.exists():
                    self._ended(job, future)
                elif queued is None or str(job.job_id) in queued:
                    gone.pop(job, None)
                elif time.monotonic() - gone.setdefault(job, time.monotonic()) > GRACE:
                    with self._lock:
                        del self._left[job]
                    future.set_exception(RuntimeError(f"Slurm's job {job.job_id} is gone; its log: {job.paths.stdout}"))

    def _ended(self, job: Any, future: Future[JobFailure | None]) -> None:
        with self._lock:
            del self._left[job]
        try:
            future.set_result(job.result())
        except Exception as error:
            future.set_exception(error)

    def _queued(self) -> set[str] | None:
        """Returns the ids of our jobs that are queued or run, place by place; None where Slurm says nothing."""
        command = ["squeue", "--noheader", "--array", "--name", self._name, "--format", "%F_%K"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.returncode:
            return None
        return {line.strip().removesuffix("_N/A") for line in asked.stdout.splitlines()}

    def _cancel(self) -> None:
        command = ["scancel", "--name", self._name, "--user", getpass.getuser()]
        subprocess.run(command, capture_output=True, check=False)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._over.set()
        self._watcher.join()
        if kind is not None:
            self._cancel()
