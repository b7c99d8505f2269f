"""What a run would take: calls of teachers, steps, answers; found without asking anybody or loading a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from magdi.core.components import Components
from magdi.core.config.levels import chosen
from magdi.core.config.models import RunConfig, Training
from magdi.core.run.run import Stage, up_to
from magdi.plugins.runs.earlier import Earlier
from magdi.plugins.runs.model_size import ModelSize
from magdi.plugins.runs.stage_costs import Lessons, Range, answering, disk, gpu_memory, learning, making_base
from magdi.plugins.runs.talked import Talked, figures, talked, whole
from magdi.plugins.teams.training import preferring


def plan_run(
    config: RunConfig, components: Components, until: Stage = "evaluation", earlier: Earlier | None = None
) -> dict[str, Any]:
    """Returns what a run would take.

    Keys: ``expected`` and ``most``, each with ``calls``, ``prompt_tokens``, ``completion_tokens``, ``cost`` (in US
    dollars, of teachers whose price is known), ``disk`` (bytes), ``seconds`` and ``gpu_memory`` (bytes, were it trained
    on a GPU), None where something is not known or not limited; ``unpriced``, teachers whose price is not known;
    ``agents``, each with figures of the same names; ``questions`` to discuss; ``mags``, at most; ``by``, whence the
    seconds of each stage are known; ``training`` and ``evaluation``, where the run comes so far: see `training_plan`
    and `evaluation_plan`.

    Raises:
        ConfigError: Nobody is there to discuss.
        DataError: The questions cannot be had, or the MAG file cannot be read.
    """
    earlier, stages = earlier or Earlier(()), up_to(until)
    talk = talked(config, components, earlier)
    found: dict[str, Any] = {"questions": 0, "agents": [], "unpriced": [], **talk.shown, "mags": talk.mags}
    if "distillation" in stages:
        found["training"] = training_plan(config, components, talk.mags)
    if "evaluation" in stages:
        found["evaluation"] = evaluation_plan(config, components)
    return found | _together(found, talk, config, earlier)


def _together(found: Mapping[str, Any], talk: Talked, config: RunConfig, earlier: Earlier) -> dict[str, dict[str, Any]]:
    """Returns what all stages take together."""
    size, training = ModelSize.of(config.student), found.get("training", {})
    asked = found["evaluation"]["answers"] if "evaluation" in found else 0
    lessons = Lessons(training.get("steps", 0), training.get("mags_per_step", 0), talk.tokens)
    took = {"discussion": talk.took} if talk.took else {}
    if lessons.steps:
        took["distillation"] = learning(lessons, config, size, earlier)
    if asked:
        took["evaluation"] = answering(asked, config, size, earlier)
    base = making_base(config, earlier) if lessons.steps or asked else Range(0.0, 0.0)
    seconds = Range.sum(base, *(each.seconds for each in took.values()))
    memory = gpu_memory(lessons, config, size, earlier) if lessons.steps else Range(0.0, 0.0)
    kept = disk(lessons, config, size, asked)
    bounds = {}
    for name, amount, place in (("expected", talk.expected, 0), ("most", talk.most, 1)):
        besides = {"disk": Range.sum(kept, Range(talk.expected.bytes, talk.most.bytes))[place]}
        besides |= {"seconds": seconds[place], "gpu_memory": memory[place]}
        bounds[name] = figures(amount) | {key: whole(each) for key, each in besides.items()}
    return bounds | {"by": {stage: each.by for stage, each in took.items()}}


def _uses_encoder(config: RunConfig, components: Components) -> bool:
    return any(components.objective(choice).uses_encoder for choice in chosen(config).values())


def training_plan(config: RunConfig, components: Components, mags: int) -> dict[str, Any]:
    """Returns what training takes.

    Keys: ``steps`` (at most, where passes are set; 0 where nothing is trained), ``mags_per_step``, ``level``,
    ``objectives`` (names), ``encoder`` (None where none of them needs one), ``student``; of method malt ``by_role``,
    the steps of either stage, and ``preferring``, the roles that have the second one.
    """
    training, objectives = config.training, chosen(config)
    found: dict[str, Any] = {}
    if training.method == "malt":
        after = preferring(training)
        found = {"by_role": {"sft": _steps(training, mags, config.seed), "dpo": _steps(after, mags, config.seed)}}
        found |= {"level": "malt", "preferring": training.dpo.roles}
    return {
        "steps": _steps(training, mags, config.seed) if objectives else 0,
        "mags_per_step": min(training.mags_per_step, mags),
        "level": training.level_name,
        "objectives": list(objectives),
        "encoder": config.encoder.name if _uses_encoder(config, components) else None,
        "student": f"{config.student.model} ({config.student.adaptation})",
        **found,
    }


def _steps(training: Training, mags: int, seed: int) -> int:
    if training.steps is not None:
        return training.steps
    from magdi.core.distill.steps import Schedule

    return Schedule.plan(mags, training.mags_per_step, steps=None, epochs=training.epochs, seed=seed).total


def evaluation_plan(config: RunConfig, components: Components) -> dict[str, Any]:
    """Returns what is asked.

    Keys: ``questions`` (how many), ``task``, ``split``, ``samples`` (answers a question), ``models`` (who is asked),
    ``answers`` (of all of them).
    """
    settings = config.evaluation
    choice = settings.task or config.task
    questions = components.task(choice, config.seed).first(settings.split, settings.questions)
    trained = bool(chosen(config))
    models = ["base"] * (settings.base or not trained) + ["student"] * trained
    return {
        "questions": len(questions),
        "task": choice.name,
        "split": settings.split,
        "samples": settings.samples,
        "models": models,
        "answers": len(questions) * settings.samples * len(models),
    }
