"""Evening cells out: as many optimiser steps, trained tokens or teacher calls as another cell has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from magdi.core.cache import cache_directory
from magdi.core.components import Components
from magdi.core.config.models import Kept, RunConfig
from magdi.core.distill.levels import Level, find_level
from magdi.core.experiment.directory import RunDirectory
from magdi.core.experiment.keep import calls, kept
from magdi.core.experiment.progress import Progress
from magdi.core.experiment.suite.jobs import Amount, Job
from magdi.core.mag import Mag

if TYPE_CHECKING:
    from magdi.core.distill.corpus import Corpus
    from magdi.core.distill.steps import Schedule


def evened_out(job: Job, components: Components, progress: Progress) -> RunConfig:
    """Returns a job's configuration with its steps or MAGs evened out, where they are to be.

    Tokens: the fewest steps after which L+ has predicted as many tokens. Calls: the first MAGs that took as many calls
    as the cheapest of the others' (a level that reads first answers alone needs no call of later rounds).
    """
    if job.by is None or job.talk is None:
        return job.config
    config = job.config
    if job.by == "calls":
        most = min(_calls(amount) for amount in job.amounts)
        whole = _worth(config, Amount(config, job.talk), most)
        keep = config.discussion.keep.model_copy(update={"calls": whole})
        return config.model_copy(update={"discussion": config.discussion.model_copy(update={"keep": keep})})
    wanted = [_planned(amount, components, progress) for amount in job.amounts]
    if job.by == "steps":
        steps = min(schedule.total for schedule, _ in wanted)
    else:
        target = min(sum(tokens(schedule, corpus, schedule.total)) for schedule, corpus in wanted)
        steps = steps_for(target, *_planned(Amount(config, job.talk), components, progress))
    return config.model_copy(update={"training": config.training.model_copy(update={"steps": steps})})


def tokens(schedule: Schedule, corpus: Corpus, steps: int) -> list[int]:
    """Returns the tokens that L+ predicts in each of the first steps."""
    sizes = [size.first + size.second for size in corpus.sizes]
    return [sum(sizes[index] for index in schedule.step(number).tolist()) for number in range(steps)]


def steps_for(target: int, schedule: Schedule, corpus: Corpus) -> int:
    """Returns the fewest steps that predict so many tokens; they may be more than the schedule has."""
    a_pass = sum(tokens(schedule, corpus, schedule.per_epoch))
    if not a_pass:
        return schedule.total
    passes = max(0, math.ceil(target / a_pass) - 1)
    done, steps = passes * a_pass, passes * schedule.per_epoch
    sizes = [size.first + size.second for size in corpus.sizes]
    while done < target:
        done += sum(sizes[index] for index in schedule.step(steps).tolist())
        steps += 1
    return max(1, steps)


def _planned(amount: Amount, components: Components, progress: Progress) -> tuple[Schedule, Corpus]:
    """Returns what a cell would train on, and in which order; its MAGs are tokenised as its training would."""
    from magdi.core.distill.corpus import read_corpus
    from magdi.core.distill.steps import Schedule
    from magdi.core.distill.student import load_student
    from magdi.core.distill.trainer import reading_of
    from magdi.core.experiment.stages import Workshop

    config, talk = amount.config, RunDirectory(amount.talk)
    base = Workshop(config, talk, components, progress).base
    student = load_student(config.student, path=base, seed=config.seed)
    level = find_level(config.training.level)
    keep, training = config.discussion.keep, config.training
    mags = talk.mags if keep == Kept() else kept(talk.mags, keep, config.seed)
    reading = reading_of(student, level, config.objective, training, config.seed)
    corpus, _ = read_corpus(mags, reading, cache_directory() / "corpora").split(training.validation, config.seed)
    return (
        Schedule.plan(
            len(corpus), training.mags_per_step, steps=training.steps, epochs=training.epochs, seed=config.seed
        ),
        corpus,
    )


def needed_calls(mag: Mag, level: Level) -> int:
    """Returns the calls without which a level could not have learned what it does from a MAG."""
    if level.learned == "none":
        return 0
    if not level.first_round:
        return calls(mag)
    return sum(
        turn.attempts
        for turn in mag.turns
        if not turn.round and (level.agent is None or turn.agent.casefold() == level.agent.casefold())
    )


def _calls(amount: Amount) -> int:
    config = amount.config
    level = find_level(config.training.level)
    mags = kept(RunDirectory(amount.talk).mags, config.discussion.keep, config.seed)
    return sum(needed_calls(mag, level) for mag in mags)


def _worth(config: RunConfig, own: Amount, most: int) -> int:
    """Returns the calls of the first MAGs whose needed calls stay within ``most``; of one MAG at least."""
    level = find_level(config.training.level)
    whole = spent = 0
    for mag in kept(RunDirectory(own.talk).mags, config.discussion.keep, config.seed):
        spent += needed_calls(mag, level)
        if spent > most and whole:
            break
        whole += calls(mag)
    return max(1, whole)
