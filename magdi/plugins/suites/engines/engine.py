"""What an engine is: it begins jobs somewhere, and gives a future of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Self

from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.worker import Failure


class Engine(ABC):
    """Begins jobs; within ``with``, which on leaving gives back all that it took.

    Attributes:
        places: Most jobs that are begun at once.
    """

    places: int

    @abstractmethod
    def begin(self, jobs: Sequence[Job]) -> list[Future[Failure | None]]:
        """Begins jobs that are ready, and returns a future of each.

        A future's exception says that the job's process, node or engine died: the job may be begun again. What a job
        itself raised is a `Failure`, and a result.
        """

    def said_of(self, death: BaseException) -> str:
        """Returns what is said of a job whose process died again and again."""
        said = str(death).strip().splitlines()
        return f"its process died: {said[-1] if said else type(death).__name__}"

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None: ...
