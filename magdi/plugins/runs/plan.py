"""What a run would take: calls of teachers, steps, answers; found without asking anybody or loading a model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import NotRequired, TypedDict, cast, get_args

from magdi.core.components import Components
from magdi.core.config.models import RunConfig, Training
from magdi.core.run.run import up_to
from magdi.core.run.state import StageName
from magdi.core.task import Split, Task
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.runs.discussion_costs import DiscussionCosts, TeacherFigures, discussion_costs, figures, whole
from magdi.plugins.runs.discussion_plan import AgentPlan, Amount
from magdi.plugins.runs.earlier import Earlier
from magdi.plugins.runs.model_size import ModelSize
from magdi.plugins.runs.named_roles import check_roles
from magdi.plugins.runs.stage_costs import Range, TrainingLoad, answering, disk, gpu_memory, learning, making_base
from magdi.plugins.suites.executors.plan import PlannedJobs
from magdi.plugins.teams.training import preferring


class PlannedAgent(TypedDict):
    """What an agent takes; ``priced`` says whether it is known what its tokens cost."""

    agent: str
    teacher: str
    priced: bool
    expected: TeacherFigures
    most: TeacherFigures


class ByStage(TypedDict):
    """Steps of either stage of method malt."""

    sft: int
    dpo: int


class PlannedTraining(TypedDict):
    """What training takes.

    ``steps`` are at most, where passes are set, and 0 where nothing is trained; ``encoder`` is None where no objective
    needs one. Of method malt ``by_role`` has the steps of either stage, and ``preferring`` the roles that have the
    second one; ``processes`` and ``sharding`` are there where several train.
    """

    steps: int
    mags_per_step: int
    level: str
    objectives: list[str]
    encoder: str | None
    student: str
    processes: NotRequired[int]
    sharding: NotRequired[str]
    by_role: NotRequired[ByStage]
    preferring: NotRequired[Sequence[str]]


class PlannedEvaluation(TypedDict):
    """What is asked: how many ``questions``, ``samples`` answers to each, by which ``models``; ``answers`` in all."""

    questions: int
    task: str
    split: str
    samples: int
    models: list[str]
    answers: int


class Bound(TeacherFigures):
    """What all stages take: ``disk`` and ``gpu_memory`` (were it trained on a GPU) in bytes, None where not known."""

    disk: int | None
    seconds: int | None
    gpu_memory: int | None


class PlanDocument(TypedDict):
    """What a run would take, about and at most.

    ``questions`` are to be discussed, ``unpriced`` are teachers whose price is not known, ``mags`` how many there will
    be at most, ``by`` whence the seconds of each stage are known, ``splits`` how many questions the task has in each
    where some are to be discussed, ``limits`` what discussions may take (US dollars, calls, tokens); ``training`` and
    ``evaluation`` are there where the run comes so far. `magdi.api.plan` adds ``run``, the directory, and a team's
    training its ``rounds``; ``jobs`` are there where it would be done in some.
    """

    questions: int
    agents: list[PlannedAgent]
    unpriced: list[str]
    mags: int
    expected: Bound
    most: Bound
    by: dict[str, str]
    splits: dict[str, int]
    limits: dict[str, float]
    training: NotRequired[PlannedTraining]
    evaluation: NotRequired[PlannedEvaluation]
    run: NotRequired[str]
    rounds: NotRequired[int]
    jobs: NotRequired[PlannedJobs]


def plan_run(
    config: RunConfig, components: Components, until: StageName = "evaluation", earlier: Earlier | None = None
) -> PlanDocument:
    """Returns what a run would take.

    Raises:
        ConfigError: Nobody is there to discuss, a limit cannot be kept, or there is no role of a name.
        DataError: The questions cannot be had, or the MAG file cannot be read.
    """
    earlier, stages = earlier or Earlier(()), up_to(until)
    if "distillation" in stages:
        check_roles(config, components)
    talk = discussion_costs(config, components, earlier)
    training = training_plan(config, components, talk.mags) if "distillation" in stages else None
    evaluation = evaluation_plan(config, components) if "evaluation" in stages else None
    expected, most, by = _together(training, evaluation, talk, config, earlier)
    found: PlanDocument = {
        "questions": talk.questions,
        "agents": [_agent(each) for each in talk.agents],
        "unpriced": list(talk.unpriced),
        "mags": talk.mags,
        "expected": expected,
        "most": most,
        "by": by,
        "splits": _splits(talk.task) if talk.task else {},
        "limits": config.discussion.amounts,
    }
    if training is not None:
        found["training"] = training
    if evaluation is not None:
        found["evaluation"] = evaluation
    return found


def _splits(task: Task) -> dict[str, int]:
    """Returns how many questions a task has in each split; none of one that cannot be had, which is no matter here."""
    found = {}
    for split in get_args(Split):
        with suppress(Exception):
            found[split] = len(task.questions(split))
    return found


def _agent(plan: AgentPlan) -> PlannedAgent:
    bounds = {"expected": figures(plan.expected), "most": figures(plan.most)}
    return cast(PlannedAgent, {**asdict(plan), **bounds})


def _together(
    training: PlannedTraining | None,
    evaluation: PlannedEvaluation | None,
    talk: DiscussionCosts,
    config: RunConfig,
    earlier: Earlier,
) -> tuple[Bound, Bound, dict[str, str]]:
    """Returns what all stages take together, about and at most, and by what the seconds of each are known."""
    size, asked = ModelSize.of(config.student), evaluation["answers"] if evaluation else 0
    steps, per_step = (training["steps"], training["mags_per_step"]) if training else (0, 0)
    lessons = TrainingLoad(steps, per_step, talk.tokens)
    took = {"discussion": talk.took} if talk.took else {}
    if lessons.steps:
        took["distillation"] = learning(lessons, config, size, earlier)
    if asked:
        took["evaluation"] = answering(asked, config, size, earlier)
    base = making_base(config, earlier) if lessons.steps or asked else Range(0.0, 0.0)
    seconds = Range.sum(base, *(each.seconds for each in took.values()))
    memory = gpu_memory(lessons, config, size, earlier) if lessons.steps else Range(0.0, 0.0)
    kept = Range.sum(disk(lessons, config, size, asked), Range(talk.expected.bytes, talk.most.bytes))

    def bound(amount: Amount, place: int) -> Bound:
        besides = {"disk": kept[place], "seconds": seconds[place], "gpu_memory": memory[place]}
        return cast(Bound, {**figures(amount), **{name: whole(each) for name, each in besides.items()}})

    return bound(talk.expected, 0), bound(talk.most, 1), {stage: each.by for stage, each in took.items()}


def _uses_encoder(config: RunConfig, components: Components) -> bool:
    return any(components.objective(choice).uses_encoder for choice in objectives_of(config).values())


def training_plan(config: RunConfig, components: Components, mags: int) -> PlannedTraining:
    """Returns what training takes."""
    training, objectives = config.training, objectives_of(config)
    found: PlannedTraining = {
        "steps": _steps(training, mags, config.seed) if objectives else 0,
        "mags_per_step": min(training.mags_per_step, mags),
        "level": training.level_name,
        "objectives": list(objectives),
        "encoder": config.encoder.name if _uses_encoder(config, components) else None,
        "student": f"{config.student.model} ({config.student.adaptation})",
    }
    if training.method == "malt":
        after = _steps(preferring(training), mags, config.seed)
        found["by_role"] = {"sft": _steps(training, mags, config.seed), "dpo": after}
        found |= {"level": "malt", "preferring": training.dpo.roles}
    return found


def _steps(training: Training, mags: int, seed: int) -> int:
    if training.steps is not None:
        return training.steps
    from magdi.core.distill.schedule import Schedule

    return Schedule.plan(mags, training.mags_per_step, steps=None, epochs=training.epochs, seed=seed).total


def evaluation_plan(config: RunConfig, components: Components) -> PlannedEvaluation:
    """Returns what is asked."""
    settings = config.evaluation
    choice = settings.task or config.task
    questions = components.task(choice, config.seed).first(settings.split, settings.questions)
    trained = bool(objectives_of(config))
    models = ["base"] * (settings.base or not trained) + ["student"] * trained
    return {
        "questions": len(questions),
        "task": choice.name,
        "split": settings.split,
        "samples": settings.samples,
        "models": models,
        "answers": len(questions) * settings.samples * len(models),
    }
