"""A run's directory as it is when a run begins."""

from pathlib import Path

from magdi.core.config.models import RunConfig
from magdi.core.run.directory import RunDirectory


def opened_run(path: Path, config: RunConfig) -> RunDirectory:
    """Makes a run's directory, or finds it again, and lets go of it."""
    directory = RunDirectory(path)
    with directory.claimed(config):
        return directory
