"""What would be begun where: jobs of a command or a suite, as ``-n`` shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from magdi.core.config.models import Limits
from magdi.core.errors import ComponentError
from magdi.core.run.locations import FILE
from magdi.plugins.suites.executors.command import shares_of
from magdi.plugins.suites.executors.resources import On, Resources


class PlannedJobs(TypedDict):
    """Jobs that would be begun.

    Attributes:
        on: The engine.
        lacking: What keeps it from being used on this machine; empty where nothing does.
        waves: How many jobs of each kind wait for no other, how many for those alone, and so on.
        at_once: Most of them at once; None for all that are ready.
        given: What each is given there.
        notes: What they share, and what becomes of what they leave.
    """

    on: On
    lacking: str
    waves: Sequence[Mapping[str, int]]
    at_once: int | None
    given: Mapping[str, str | int]
    notes: Sequence[str]


def planned(on: On, resources: Resources, waves: Sequence[Mapping[str, int]], notes: Sequence[str] = ()) -> PlannedJobs:
    """Returns what would be begun; begins nothing."""
    at_once, given = resources.jobs, resources.of_a_job(on)
    return {"on": on, "lacking": _lacking(on), "waves": waves, "at_once": at_once, "given": given, "notes": notes}


def planned_shards(
    on: On, resources: Resources, directory: Path, count: int, questions: int, limits: Limits
) -> PlannedJobs:
    """Returns the jobs that would hold a run's discussions; begins nothing.

    Raises:
        ConfigError: There are fewer calls or tokens than jobs.
    """
    has = f"each has {_share(questions, count)} of the questions, and a run with a journal"
    notes = [
        f"{has}: {directory}/shard-I-of-{count}",
        *_limits(limits, count),
        f"merged once all are done: {directory / FILE}; the time is that of one which does all",
    ]
    return planned(on, resources, [{"shards": count}], notes)


def planned_answers(
    on: On, resources: Resources, folder: Path, count: int, questions: int, limits: Limits
) -> PlannedJobs:
    """Returns the jobs that would answer an evaluation's questions; begins nothing.

    Raises:
        ConfigError: There are fewer calls or tokens than jobs.
    """
    has = f"each has {_share(questions, count)} of the questions, and keeps its answers beside the others' in {folder}"
    return planned(on, resources, [{"shards": count}], [has, *_limits(limits, count)])


def _share(questions: int, count: int) -> str:
    fewest, more = divmod(questions, count)
    return f"{fewest:,} or {fewest + 1:,}" if more else f"{fewest:,}"


def _limits(limits: Limits, count: int) -> list[str]:
    return [
        f"of --{name.replace('_', '-')} {limits.amounts[name]:g} each may take {share:g}"
        for name, share in shares_of(limits, count).items()
    ]


def _lacking(on: On) -> str:
    from magdi.plugins.suites.executors import ray, slurm

    try:
        {"local": lambda: None, "slurm": slurm.check, "ray": ray.check}[on]()
    except ComponentError as error:
        return f"{error.message}: {error.hint}"
    return ""
