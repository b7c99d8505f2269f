"""Ray: jobs as tasks of a cluster that is there, or of one that is made on this machine."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from magdi.core.errors import ConfigError, first_line
from magdi.core.extras import need
from magdi.plugins.suites.executors.executor import Executor
from magdi.plugins.suites.executors.resources import Resources
from magdi.plugins.suites.jobs import Job
from magdi.plugins.suites.worker import JobFailure, Work, WorkerSetup, do_in_worker


def check() -> None:
    """Raises ComponentError where Ray is not installed."""
    need("ray", "ray", "--on ray")


class Ray(Executor):
    """Tasks of Ray; its nodes share the suite's folder, and have magdi installed.

    Args:
        setup: Makes what a job needs.
        resources: What a job is given, and where the cluster is.
        work: Does a job.

    Raises:
        ComponentError: Ray is not installed.
        ConfigError: There is no such cluster.
    """

    def __init__(self, setup: WorkerSetup, resources: Resources, work: Work = do_in_worker) -> None:
        check()
        import ray

        self.places = resources.jobs or 1_000_000  # Ray queues what there is no room for
        self._ray: Any = ray
        self._began = not ray.is_initialized()
        if self._began:
            self._join(resources.address)
        environment = {"env_vars": {"OMP_NUM_THREADS": str(resources.cpus)}}
        options = {"num_cpus": resources.cpus, "num_gpus": resources.gpus, "max_retries": 0, "runtime_env": environment}
        self._task = ray.remote(work).options(**options)
        self._setup = ray.put(pickle.dumps(setup))
        self._running: list[Any] = []

    def _join(self, address: str) -> None:
        quietly = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": None if address else False}
        try:
            self._ray.init(address=address or None, **{key: each for key, each in quietly.items() if each is not None})
        except (ConnectionError, ValueError, RuntimeError) as error:
            hint = "ray start --head, then its address"
            raise ConfigError(f"--address {address}: {first_line(error)}", hint=hint) from error

    def begin(self, jobs: Sequence[Job]) -> list[Future[JobFailure | None]]:
        """Hands jobs to the cluster."""
        found = [self._task.remote(self._setup, os.getcwd(), job) for job in jobs]
        self._running += found
        return [each.future() for each in found]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            for each in self._running:
                self._ray.cancel(each, force=True)
        if self._began:
            self._ray.shutdown()
