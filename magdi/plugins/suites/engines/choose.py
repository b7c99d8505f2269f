"""The engine that was asked for."""

from __future__ import annotations

from pathlib import Path

from magdi.plugins.suites.engines.engine import Engine
from magdi.plugins.suites.engines.resources import On, Resources
from magdi.plugins.suites.worker import Bench


def engine(on: On, bench: Bench, resources: Resources, folder: Path) -> Engine | None:
    """Returns where jobs are done; None for this process.

    Raises:
        ComponentError: What it needs is not installed.
    """
    if on == "slurm":
        from magdi.plugins.suites.engines.slurm import Slurm

        return Slurm(bench, resources, folder)
    if on == "ray":
        from magdi.plugins.suites.engines.ray import Ray

        return Ray(bench, resources)
    from magdi.plugins.suites.engines.local import Local

    return None if resources.jobs in (None, 1) else Local(bench, resources.jobs)
