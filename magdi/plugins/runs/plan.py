"""What a run would take: calls of teachers, steps, answers; found without asking anybody or loading a model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from magdi.core.components import Components
from magdi.core.config.levels import chosen
from magdi.core.config.models import RunConfig, Training
from magdi.core.corpus.files import mag_file
from magdi.core.errors import MagFileError
from magdi.core.run.run import Stage, up_to
from magdi.core.run.seats import check_able, check_count, seats
from magdi.plugins.runs.discussion_plan import make_plan
from magdi.plugins.teams.training import preferring


def plan_run(config: RunConfig, components: Components, until: Stage = "evaluation") -> dict[str, Any]:
    """Returns what a run would take.

    Keys: ``questions``, ``calls``, ``tokens``, ``cost`` in US dollars (None where a price is not known), ``disk`` in
    bytes, and ``agents``, each with the same figures: of the discussions, at most; ``mags``, at most; ``training`` and
    ``evaluation``, where the run comes so far: see `training_plan` and `evaluation_plan`.

    Raises:
        ConfigError: Nobody is there to discuss.
        DataError: The questions cannot be had, or the MAG file cannot be read.
    """
    found = _discussions(config, components)
    stages = up_to(until)
    if "distillation" in stages:
        found["training"] = training_plan(config, components, found["mags"])
    if "evaluation" in stages:
        found["evaluation"] = evaluation_plan(config, components)
    return found


def _discussions(config: RunConfig, components: Components) -> dict[str, Any]:
    given = config.discussion
    if given.mag_files:
        there = sum(_lines(mag_file(Path(file))) for file in given.mag_files)
        mags = min(there, given.questions or float("inf"))
        return {"questions": 0, "calls": 0, "tokens": 0, "cost": 0.0, "disk": 0, "agents": (), "mags": mags}
    task = components.task(config.task, config.seed)
    protocol, taking_part = components.protocol(config.protocol), seats(config, task, components)
    check_count(protocol, config.protocol.name, len(taking_part))
    questions = task.first(given.split, given.questions)
    check_able(taking_part, questions)
    made = make_plan(questions, protocol=protocol, seats=taking_part)
    totals = {"calls": made.calls, "tokens": made.tokens, "cost": made.cost, "mags": made.questions}
    return asdict(made) | totals


def _lines(file: Path) -> int:
    try:
        with file.open("rb") as lines:
            return sum(bool(line.strip()) for line in lines)
    except OSError as error:
        raise MagFileError(file, 0, f"cannot be read: {error.strerror}") from error


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

    Keys: ``questions`` (how many), ``task``, ``split``, ``samples`` (answers a question), ``models`` (who is asked).
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
    }
