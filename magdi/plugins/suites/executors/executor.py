"""What an executor is: it begins jobs somewhere, and gives a future of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Self

from magdi.plugins.suites.executors.resources import On, Resources
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.worker import JobFailure, Work, WorkerSetup, do_in_worker


class Executor(ABC):
    """Begins jobs; within ``with``, which on leaving gives back all that it took.

    Attributes:
        places: Most jobs that are begun at once.
    """

    places: int

    @abstractmethod
    def begin(self, jobs: Sequence[Job]) -> list[Future[JobFailure | None]]:
        """Begins jobs that are ready, and returns a future of each.

        A future's exception says that the job's process, node or executor died: the job may be begun again. What a job
        itself raised is a `JobFailure`, and a result.
        """

    def said_of(self, death: BaseException) -> str:
        """Returns what is said of a job whose process died again and again."""
        said = str(death).strip().splitlines()
        return f"its process died: {said[-1] if said else type(death).__name__}"

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None: ...


def executor(on: On, setup: WorkerSetup, resources: Resources, folder: Path, work: Work = do_in_worker) -> Executor:
    """Returns where jobs are done.

    Raises:
        ComponentError: What it needs is not installed.
    """
    if on == "slurm":
        from magdi.plugins.suites.executors.slurm import Slurm

        return Slurm(setup, resources, folder, work)
    if on == "ray":
        from magdi.plugins.suites.executors.ray import Ray

        return Ray(setup, resources, work)
    from magdi.plugins.suites.executors.local import Local

    return Local(setup, resources.jobs or 1, work)
