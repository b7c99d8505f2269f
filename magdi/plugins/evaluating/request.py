"""What an evaluation asks, and how: as it was asked for, and where nothing was said as the first run has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from magdi.core.components import Components
from magdi.core.config.models import ComponentChoice, Evaluation, RunConfig
from magdi.core.config.problems import validate
from magdi.core.errors import ConfigError
from magdi.core.shard import Shard, sharded
from magdi.plugins.evaluating.candidates import Candidate, common_run
from magdi.plugins.evaluating.evaluate import EvaluationPlan
from magdi.plugins.teams.engine import TeamEngine

Sampling = Literal["greedy", "paper", "malt"]

SAMPLING: Mapping[Sampling, Mapping[str, object]] = {
    "greedy": {"temperature": 0.0, "top_p": 1.0, "top_k": 0},
    "paper": {"temperature": 0.7, "top_p": 0.9, "top_k": 50},
    "malt": {"temperature": 0.3, "top_p": 1.0, "top_k": 0},
}
"""Named settings. The authors' code samples as ``paper`` does, with 300 new tokens, 700 for MATH; the paper evaluates
one answer a question. Teams are sampled as ``malt``: MALT's paper, Appendix A.9."""


def make_plan(
    candidates: Sequence[Candidate],
    components: Components,
    *,
    folder: Path,
    task: str | None = None,
    task_settings: Mapping[str, object] | None = None,
    settings: Mapping[str, object] | None = None,
    sampling: Sampling | None = None,
    seed: int | None = None,
    fresh: bool = False,
    shard: str | None = None,
) -> EvaluationPlan:
    """Returns what is asked of some models.

    Args:
        candidates: The models; task, settings and seed are those of the first run among them where none are given.
        components: Makes the task.
        folder: Where predictions are kept.
        task: Name of the task.
        task_settings: Its settings.
        settings: Fields of `Evaluation`; None is not given.
        sampling: Named settings, which ``settings`` override.
        seed: Seed of the task's questions and of sampled answers.
        fresh: Throw away the predictions that are kept.
        shard: ``2/8``, one of eight jobs that share the questions.

    Raises:
        ConfigError: No task is named and there is no run among the models, or a setting is wrong.
    """
    origin = common_run(candidates)
    drawn_with = seed if seed is not None else (origin.seed if origin else 0)
    choice = chosen_task(origin, task, task_settings or {})
    chosen = chosen_settings(origin, settings or {}, sampling)
    made = components.task(choice, drawn_with)
    return EvaluationPlan(
        task=made,
        task_name=choice.name,
        questions=sharded(made.first(chosen.split, chosen.questions), shard),
        settings=chosen,
        seed=drawn_with,
        folder=folder,
        fresh=fresh,
        shard=Shard.read(shard) if shard else None,
    )


def chosen_settings(
    origin: RunConfig | None, given: Mapping[str, object], sampling: Sampling | None = None
) -> Evaluation:
    """Returns a run's settings (the defaults without a run), under named ones, under what was given.

    Several samples are drawn as the paper's are where sampling is greedy, and all would be the same; chains of a team
    as MALT's are.

    Raises:
        ConfigError: A setting is wrong.
    """
    settings = (origin.evaluation if origin else Evaluation()).model_dump()
    settings |= SAMPLING[sampling] if sampling else {}
    settings |= {key: value for key, value in given.items() if value is not None}
    chosen, problems = validate(Evaluation, settings, ("evaluation",))
    if chosen is None:
        raise ConfigError("\n".join(map(str, problems)))
    if chosen.samples > 1 and not chosen.temperature:
        team = origin is not None and origin.training.method == "malt"
        return chosen.model_copy(update=dict(SAMPLING["malt" if team else "paper"]))
    return chosen


def settings_for_asking(candidate: Candidate, samples: int | None, max_new_tokens: int | None) -> Evaluation:
    """Returns how one question is asked: once unless told otherwise; of a team as often as it votes."""
    votes = isinstance(candidate.model, TeamEngine)
    drawn = samples or (None if votes else 1)
    return chosen_settings(candidate.run, {"samples": drawn, "max_new_tokens": max_new_tokens})


def chosen_task(origin: RunConfig | None, name: str | None, settings: Mapping[str, object]) -> ComponentChoice:
    """Returns the task that was named, or the run's, with settings of it.

    Raises:
        ConfigError: Neither is there.
    """
    if name is not None:
        return ComponentChoice(name=name, **settings)
    if origin is None:
        raise ConfigError("no task was named", hint="name one, as in --task gsm8k; a run brings its own")
    own = origin.evaluation.task or origin.task
    return ComponentChoice(name=own.name, **{**own.settings, **settings})
