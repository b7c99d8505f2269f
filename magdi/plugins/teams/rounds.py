"""Rounds of training: each holds its own discussions, between the roles that the round before has trained."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

from magdi.core.components import Components
from magdi.core.config.models import RunConfig, TeacherChoice
from magdi.core.errors import ConfigError
from magdi.core.run.directory import RunDirectory
from magdi.core.run.progress import Progress
from magdi.core.run.run import run
from magdi.core.teacher import Sampling
from magdi.plugins.teams.team import read_team


def run_rounds(
    config: RunConfig,
    out: Path,
    components: Components,
    rounds: int,
    *,
    fresh: bool = False,
    progress: Progress | None = None,
) -> RunDirectory:
    """Does a run several times, each time with the roles of the last one's team as teachers.

    Every round trains its roles from the same base, on a tree of its own, and is an ordinary run: ``out/round-1``,
    ``out/round-2``, ... The same call goes on where it was stopped.

    Returns:
        The last round's directory.

    Raises:
        ConfigError: A round has trained no team.
        MagdiError: As `magdi.core.run.run.run` raises it.
    """
    progress = progress or Progress()
    for number in range(1, rounds + 1):
        place = out / f"round-{number}"
        progress.note(f"round {number} of {rounds}: {place}")
        directory = run(config, place, components, fresh=fresh, progress=progress)
        config = config.model_copy(update={"teachers": roles_as_teachers(directory, config)})
    return directory


def roles_as_teachers(directory: RunDirectory, config: RunConfig) -> tuple[TeacherChoice, ...]:
    """Returns the roles of a run's team as teachers, sampled as those that they learned from.

    Raises:
        ConfigError: The run has no team.
    """
    team = read_team(directory.student)
    if team is None:
        raise ConfigError(
            f"{directory.path} has one student, and no roles that could search anew",
            hint="--method malt trains one adapter a role; --teacher local:RUN lets a single student discuss",
        )
    sampling = cycle([teacher.sampling for teacher in config.teachers] or [Sampling()])
    return tuple(
        TeacherChoice(name=role, teacher=f"local:{directory.path}#{role}", sampling=each)
        for role, each in zip(team.roles, sampling, strict=False)
    )
