"""What a run would take: calls of teachers, steps, answers; found without asking anybody or loading a model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from magdi.core.components import Components
from magdi.core.config.levels import chosen
from magdi.core.config.models import RunConfig, Training
from magdi.core.corpus.files import mag_file
from magdi.core.errors import MagFileError
from magdi.core.mag import Question
from magdi.core.run.roles import preferring
from magdi.core.run.run import Stage, up_to
from magdi.core.run.seats import check_able, check_count, seats
from magdi.plugins.runs.discussion_plan import Amount, Plan, Planner
from magdi.plugins.runs.drives import Talk
from magdi.plugins.runs.earlier import Earlier
from magdi.plugins.runs.model_size import ModelSize
from magdi.plugins.runs.stage_costs import (
    Lessons,
    Range,
    Took,
    answering,
    disk,
    gpu_memory,
    learning,
    making_base,
    talking,
)
from magdi.plugins.runs.stand_in import tokens

SAMPLED = 64  # lines of a MAG file that are looked at
BYTES_OF_A_TOKEN = 12.0  # in a MAG file, where a turn's words stand twice, with keys around them


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


@dataclass(frozen=True, slots=True)
class Talked:
    """What a run's discussions take, and what they leave for a student to read.

    Attributes:
        shown: Of the plan: ``questions``, ``agents``, ``unpriced``.
        mags: How many there will be, at most.
        tokens: Of a MAG, as a student reads it.
        took: The seconds.
        expected: Calls, tokens, dollars, bytes, about.
        most: The same at most.
    """

    shown: dict[str, Any]
    mags: int
    tokens: Range
    took: Took | None = None
    expected: Amount = Amount()
    most: Amount = Amount()


def talked(config: RunConfig, components: Components, earlier: Earlier) -> Talked:
    """Returns what the discussions of a run take.

    Raises:
        ConfigError: Nobody is there to discuss.
        DataError: The questions cannot be had, or the MAG file cannot be read.
    """
    return _imported(config) if config.discussion.mag_files else _discussions(config, components, earlier)


def _imported(config: RunConfig) -> Talked:
    """Returns what taking over MAGs takes: nothing but reading them."""
    files = [mag_file(Path(file)) for file in config.discussion.mag_files]
    there = sum(map(_lines, files))
    disk = Amount(bytes=float(sum(file.stat().st_size for file in files)))
    return Talked({}, min(there, config.discussion.questions or there), _read_tokens(files), None, disk, disk)


def _discussions(config: RunConfig, components: Components, earlier: Earlier) -> Talked:
    given = config.discussion
    task = components.task(config.task, config.seed)
    protocol, taking_part = components.protocol(config.protocol), seats(config, task, components)
    check_count(protocol, config.protocol.name, len(taking_part))
    questions = task.first(given.split, given.questions)
    check_able(taking_part, questions)
    rule = components.decision(given.decision) if given.decision else None
    if rule is not None:
        rule.check([seat.agent.name for seat in taking_part])
    teachers = {seat.teacher.identity for seat in taking_part}
    planner = Planner(
        Talk(protocol, taking_part, rule), given, earlier.characters(teachers), earlier.a_discussion(teachers, config)
    )
    made = planner.plan(questions)
    agents = [
        {
            "agent": agent.agent,
            "teacher": agent.teacher,
            "priced": agent.priced,
            "expected": figures(agent.expected),
            "most": figures(agent.most),
        }
        for agent in made.agents
    ]
    shown = {"questions": made.questions, "agents": agents, "unpriced": made.unpriced}
    took = talking(made, taking_part, config, earlier)
    return Talked(shown, made.questions, _tokens(made, questions, config), took, made.expected, made.most)


def _tokens(made: Plan, questions: Sequence[Question], config: RunConfig) -> Range:
    """Returns the tokens of a MAG: its question, and every turn once."""
    count = max(1, made.questions)
    asked = sum(tokens(question.prompt) for question in questions) / count
    turns = made.most.calls / (config.discussion.reasks + 1) / count
    longest = made.most.completion_tokens / (made.most.calls or 1)
    return Range(
        asked + made.expected.completion_tokens / count, 4 * asked + turns * min(config.student.max_length, longest)
    )


def _read_tokens(files: Sequence[Path]) -> Range:
    """Returns the tokens of a MAG in some files, by the first of each."""
    lengths = [len(line) for file in files for line in _first(file)]
    usual = sum(lengths) / max(1, len(lengths)) / BYTES_OF_A_TOKEN
    return Range(usual, 4 * max(lengths, default=0) / BYTES_OF_A_TOKEN)


def _first(file: Path) -> list[bytes]:
    with file.open("rb") as lines:
        return [line for line in islice(lines, SAMPLED) if line.strip()]


def _whole(figure: float | None) -> int | None:
    return None if figure is None or not math.isfinite(figure) else round(figure)


def figures(amount: Amount) -> dict[str, float | None]:
    """Returns figures as a document has them: whole, but for dollars, and None for what is not limited."""
    counts = {name: _whole(each) for name, each in amount._asdict().items() if name != "bytes"}
    return counts | {"cost": amount.cost if math.isfinite(amount.cost) else None}


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
        whole: dict[str, float | None] = {key: _whole(each) for key, each in besides.items()}
        bounds[name] = figures(amount) | whole
    return bounds | {"by": {stage: each.by for stage, each in took.items()}}


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
