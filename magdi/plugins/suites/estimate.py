"""What is left of a suite, in calls, dollars and time, before it is begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magdi.core.components import Components
from magdi.core.run.directory import RunDirectory
from magdi.core.run.run import STAGES
from magdi.core.run.seats import seats
from magdi.plugins.runs.discussion_plan import Plan, make_plan
from magdi.plugins.suites.jobs import Job

PER_STEP = 0.065
"""Seconds an optimiser step of the embedded default takes on one core, and"""

PER_ANSWER = 0.003
"""a greedy answer, and"""

PER_QUESTION = 0.012
"""a discussion of simulated teachers, and"""

PER_BASE = 60.0
"""making the tiny base; all of them about, on one idle core of a Xeon."""

PER_JOB = 3.0
"""Loading a model, reading MAGs, diagnostics."""


def estimate(jobs: Sequence[Job], left: Sequence[Job], components: Components) -> dict[str, Any]:
    """Returns what is left to do.

    Keys: ``runs`` (cells left), ``discussions`` (files of MAGs to be made), ``calls`` (of teachers, at most; replies
    that the suite has paid for already are not taken off), ``cost`` in US dollars (None where a price is not known),
    ``seconds`` of one worker (None where nothing is known: no cell is done yet, and the student is not tiny), and
    ``from``, what the time is estimated from.
    """
    talks = [job for job in left if job.kind == "discussions" and job.config.discussion.mags is None]
    plans = [_plan(job, components) for job in talks]
    costs = [plan.cost for plan in plans]
    seconds, origin = _seconds(jobs, left)
    return {
        "runs": sum(job.kind == "cell" for job in left),
        "discussions": len(talks),
        "calls": sum(plan.calls for plan in plans),
        "cost": None if None in costs else sum(cost for cost in costs if cost is not None),
        "seconds": None if seconds is None else round(seconds),
        "from": origin,
    }


def _plan(job: Job, components: Components) -> Plan:
    config = job.config
    task = components.task(config.task, config.seed)
    questions = task.questions(config.discussion.split)[: config.discussion.questions]
    protocol = components.protocol(config.protocol)
    return make_plan(questions, protocol=protocol, seats=seats(config, task, components))


def _seconds(jobs: Sequence[Job], left: Sequence[Job]) -> tuple[float | None, str]:
    """Returns the time that is left: as long as what is done took, or by what the embedded default takes."""
    took = [seconds for job in jobs if job.kind == "cell" and job.done and (seconds := _taken(job))]
    runs = sum(job.kind == "cell" for job in left)
    if took:
        return runs * sum(took) / len(took), f"{len(took)} runs that are done"
    if all(job.config.student.model == "tiny" for job in left if job.kind == "cell"):
        return sum(map(_guess, left)) + PER_BASE, "what the embedded default takes on one idle core"
    return None, "nothing: no run is done yet"


def _taken(job: Job) -> float:
    records = map(RunDirectory(job.directory).stage, STAGES)
    return sum(record.get("seconds", 0.0) for record in records if "taken_from" not in record)


def _guess(job: Job) -> float:
    config = job.config
    if job.kind == "discussions":
        return PER_QUESTION * (config.discussion.questions or 0)
    answers = (config.evaluation.questions or 1000) * config.evaluation.samples
    trained = job.kind == "cell" and job.measure == "student" and job.student is None
    return PER_JOB + PER_ANSWER * answers + (PER_STEP * (config.training.steps or 0) if trained else 0.0)
