"""Evening cells out: as many optimiser steps, trained tokens or teacher calls as another cell has."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, TypeVar

from magdi.core.components import Components
from magdi.core.config.models import Kept, Preferring, RunConfig, Training
from magdi.core.files import cache_directory
from magdi.core.mag import Mag
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import calls, kept
from magdi.core.run.progress import Progress
from magdi.core.run.stages import Stages
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.suites.jobs import Job, Learner
from magdi.plugins.teams.training import examples, role_stages

if TYPE_CHECKING:
    from magdi.core.distill.schedule import Schedule

    Planned = tuple[Schedule, list[int]]
    """The order of a training's MAGs, and the tokens that each teaches, tokenised as the training would."""

T = TypeVar("T", Training, Preferring)


def evened_out(job: Job, components: Components, progress: Progress) -> RunConfig:
    """Returns a job's configuration with its steps or MAGs evened out, where they are to be.

    Tokens: the fewest steps after which as many tokens were taught. Calls: the first MAGs that took as many calls
    as the cheapest of the others' (a level that reads first answers alone needs no call of later rounds).
    """
    if job.by is None or job.talk is None:
        return job.config
    config = job.config
    if job.by == "calls":
        most = min(_calls(partner) for partner in job.partners)
        whole = _worth(config, Learner(config, job.talk), most)
        keep = config.discussion.keep.model_copy(update={"calls": whole})
        return config.model_copy(update={"discussion": config.discussion.model_copy(update={"keep": keep})})
    own = _planned(Learner(config, job.talk), components, progress)
    wanted = [_planned(partner, components, progress) for partner in job.partners]
    if job.by == "steps":
        steps = min(map(_steps, wanted))
    else:
        target = min(map(_taught, wanted))
        steps = steps_for(target, *own[0]) if len(own) == 1 else round(_steps(own) * target / _taught(own))
    return config.model_copy(update={"training": _lasting(config.training, steps, own)})


def _steps(trainings: Sequence[Planned]) -> int:
    return sum(schedule.total for schedule, _ in trainings)


def _taught(trainings: Sequence[Planned]) -> int:
    return sum(sum(tokens(schedule, taught, schedule.total)) for schedule, taught in trainings)


def _lasting(training: Training, steps: int, own: Sequence[Planned]) -> Training:
    """Returns settings that come to so many steps; several trainings become longer or shorter alike."""
    if len(own) == 1:
        return training.model_copy(update={"steps": steps})
    times = steps / _steps(own)
    return _stretched(training, times).model_copy(update={"dpo": _stretched(training.dpo, times)})


def _stretched(settings: T, times: float) -> T:
    steps = settings.steps and max(1, round(settings.steps * times))
    return settings.model_copy(update={"steps": steps, "epochs": settings.epochs and settings.epochs * times})


def tokens(schedule: Schedule, taught: Sequence[int], steps: int) -> list[int]:
    """Returns the tokens that a student is taught to write in each of the first steps; ``taught`` is by MAG."""
    return [sum(taught[index] for index in schedule.step(number).tolist()) for number in range(steps)]


def steps_for(target: int, schedule: Schedule, taught: Sequence[int]) -> int:
    """Returns the fewest steps that teach so many tokens; they may be more than the schedule has."""
    a_pass = sum(tokens(schedule, taught, schedule.per_epoch))
    if not a_pass:
        return schedule.total
    passes = max(0, math.ceil(target / a_pass) - 1)
    done, steps = passes * a_pass, passes * schedule.per_epoch
    while done < target:
        done += sum(taught[index] for index in schedule.step(steps).tolist())
        steps += 1
    return max(1, steps)


def _planned(learner: Learner, components: Components, progress: Progress) -> list[Planned]:
    """Returns what is planned of each training of a cell: of method malt, of each role's stages."""
    from magdi.core.distill.corpus import read_corpus
    from magdi.core.distill.schedule import Schedule
    from magdi.core.distill.student import load_student
    from magdi.core.distill.trainer import reading_of

    config, talk = learner.config, RunDirectory(learner.talk)
    stages = Stages(config, talk, components, progress)
    student = load_student(config.student, path=stages.base, seed=config.seed)
    keep = config.discussion.keep

    def planned(training: Training, stage: str) -> Planned:
        objectives = stages.objectives(stage)
        reading = reading_of(student, objectives, training, config.seed, stages.lessons(training))
        mags = talk.mags if keep == Kept() else kept(talk.mags, keep, config.seed)
        corpus, _ = read_corpus(mags, reading, cache_directory() / "corpora").split(training.validation, config.seed)
        schedule = Schedule.plan(
            len(corpus), training.mags_per_step, steps=training.steps, epochs=training.epochs, seed=config.seed
        )
        teaches = [each.teaches for each in objectives.values()]
        return schedule, [sum(compress(size.counts, teaches)) for size in corpus.sizes]

    if config.training.method != "malt":
        return [planned(config.training, "")]
    given = examples(kept(talk.mags, keep, config.seed), stages)
    return [planned(each.training, each.stage) for each in role_stages(config.training, given)]


def needed_calls(mag: Mag, objectives: Iterable[Mapping[str, object]]) -> int:
    """Returns the calls without which objectives of some settings could not have learned what they do from a MAG."""
    settings = list(objectives)
    if not all(each.get("first_round") for each in settings):
        return calls(mag)
    agents = {str(each.get("agent") or "").casefold() for each in settings}
    return sum(
        turn.attempts for turn in mag.turns if not turn.round and ("" in agents or turn.agent.casefold() in agents)
    ) * bool(settings)


def _calls(learner: Learner) -> int:
    config = learner.config
    settings = [each.settings for each in objectives_of(config).values()]
    mags = kept(RunDirectory(learner.talk).mags, config.discussion.keep, config.seed)
    return sum(needed_calls(mag, settings) for mag in mags)


def _worth(config: RunConfig, own: Learner, most: int) -> int:
    """Returns the calls of the first MAGs whose needed calls stay within ``most``; of one MAG at least."""
    settings = [each.settings for each in objectives_of(config).values()]
    whole = spent = 0
    for mag in kept(RunDirectory(own.talk).mags, config.discussion.keep, config.seed):
        spent += needed_calls(mag, settings)
        if spent > most and whole:
            break
        whole += calls(mag)
    return max(1, whole)
