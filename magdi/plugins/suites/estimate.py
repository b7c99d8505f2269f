"""What is left of a suite, in calls, dollars and time, before it is begun."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypedDict

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.run.directory import RunDirectory
from magdi.core.run.state import STAGES
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.runs.discussion_costs import DiscussionCosts, TeacherFigures, discussion_costs, figures
from magdi.plugins.runs.discussion_plan import Amount
from magdi.plugins.runs.earlier import Earlier
from magdi.plugins.runs.finding import RUNS
from magdi.plugins.runs.model_size import ModelSize
from magdi.plugins.runs.plan import training_plan
from magdi.plugins.runs.stage_costs import (
    LONGEST,
    Range,
    TrainingLoad,
    answering,
    learning,
    making_base,
    reading,
    stated,
)
from magdi.plugins.suites.information import reads
from magdi.plugins.suites.jobs import Job, asks_student

Talks = Callable[[RunConfig], DiscussionCosts]


class Side(TeacherFigures):
    """What is left, in calls of teachers, and in ``seconds`` of one worker, None where nothing is known.

    Replies that the suite has paid for already are not taken off.
    """

    seconds: int | None


class Estimate(TypedDict):
    """``runs`` are cells left, ``discussions`` files of MAGs to be made; ``unpriced`` are teachers without a price.

    ``by`` is what the time is known by.
    """

    runs: int
    discussions: int
    expected: Side
    most: Side
    unpriced: list[str]
    by: str


def estimate(jobs: Sequence[Job], left: Sequence[Job], components: Components) -> Estimate:
    """Returns what is left to do."""
    talks = _talks(components, Earlier.find(RUNS))
    held = [talks(job.config) for job in left if job.kind == "discussions" and job.config.discussion.mags is None]
    seconds, by = _seconds(jobs, left, talks, components)
    return {
        "runs": sum(job.kind == "cell" for job in left),
        "discussions": len(held),
        "expected": _side(Amount.sum(talk.expected for talk in held), seconds[0]),
        "most": _side(Amount.sum(talk.most for talk in held), seconds[1]),
        "unpriced": list(dict.fromkeys(teacher for talk in held for teacher in talk.unpriced)),
        "by": by,
    }


def _side(amount: Amount, seconds: float | None) -> Side:
    return {**figures(amount), "seconds": None if seconds is None else round(seconds)}


def _talks(components: Components, earlier: Earlier) -> Talks:
    """Returns what plans discussions, those that differ in their seeds alone once."""
    known: dict[str, DiscussionCosts] = {}

    def find(config: RunConfig) -> DiscussionCosts:
        parts = (config.task, config.protocol, config.discussion, *config.teachers)
        key = json.dumps([part.model_dump(mode="json") for part in parts], sort_keys=True)
        return known.get(key) or known.setdefault(key, discussion_costs(config, components, earlier))

    return find


def _seconds(jobs: Sequence[Job], left: Sequence[Job], talks: Talks, components: Components) -> tuple[Range, str]:
    """Returns the time that is left: as long as what is done took, else by the usual speed of machines."""
    ended = [job for job in jobs if job.kind in ("student", "cell") and job.done]
    took = [seconds for job in ended if (seconds := _taken(job))]
    runs, read = sum(job.kind in ("student", "cell") for job in left), _reading(ended, left, talks)
    if took:
        done = "a run that is done" if len(took) == 1 else f"{len(took)} runs that are done"
        return Range.sum(Range(runs * sum(took) / len(took), LONGEST * runs * max(took)), *read), done
    bases = {
        job.config.student.model_dump_json(): making_base(job.config, Earlier(()))
        for job in left
        if job.kind != "discussions" and (job.measure == "student" or reads(job.measure))
    }
    return Range.sum(*bases.values(), *read, *(_guess(job, talks, components) for job in left)), stated()


def _taken(job: Job) -> float:
    records = map(RunDirectory(job.directory).stage, STAGES)
    return sum(record.get("seconds", 0.0) for record in records if "taken_from" not in record)


def _reading(ended: Sequence[Job], left: Sequence[Job], talks: Talks) -> list[Range]:
    """Returns the time of reading what cells ask a student about without its answering: each student reads it once."""
    known = {reader for job in ended if (reader := _reader(job))}
    ahead = {reader: job for job in left if (reader := _reader(job)) and reader not in known}
    found = []
    for job in ahead.values():
        talk, size = talks(job.config), ModelSize.of(job.config.student)
        found.append(reading(None if talk.tokens.expected is None else talk.mags * talk.tokens.expected, size))
    return found


def _reader(job: Job) -> tuple[str, str] | None:
    """Returns what tells a student, and the turns that it reads for a cell; None where the cell asks for no reading."""
    if job.kind != "cell" or not reads(job.measure):
        return None
    config = job.config
    own = str(job.student or job.directory) if objectives_of(config) else config.student.model_dump_json()
    return own, str(config.discussion.mags or job.talk)


def _guess(job: Job, talks: Talks, components: Components) -> Range:
    config, size, none = job.config, ModelSize.of(job.config.student), Earlier(())
    if job.kind == "discussions":
        took = talks(config).took
        return took.seconds if took else Range(0.0, 0.0)
    found = Range(0.0, 0.0)
    if job.kind != "student" and job.measure == "student":
        answers = (config.evaluation.questions or 1000) * config.evaluation.samples
        found = answering(answers, config, size, none).seconds
    if job.kind == "base" or not asks_student(job.measure) or job.student is not None or not objectives_of(config):
        return found
    talk = talks(config)
    plan = training_plan(config, components, talk.mags)
    lessons = TrainingLoad(plan["steps"], plan["mags_per_step"], talk.tokens)
    return Range.sum(found, learning(lessons, config, size, none).seconds)
