"""What an evaluation would ask, and what that comes to: found without asking anybody or loading a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from magdi.core.config.models import Limits
from magdi.core.evaluation.prediction import read_predictions, with_shards
from magdi.plugins.evaluating.candidates import Candidate, require_questions
from magdi.plugins.evaluating.evaluate import EvaluationPlan
from magdi.plugins.evaluating.teacher_engine import TeacherEngine
from magdi.plugins.runs.discussion_costs import TeacherFigures, figures
from magdi.plugins.runs.discussion_plan import Amount
from magdi.plugins.suites.executors.plan import PlannedJobs


class PlannedAnswers(TypedDict):
    """What one model would be asked.

    ``answers`` in all, of which ``kept`` are there already, in the file ``predictions``; ``served`` says whether
    somebody else answers, and may charge for it, and ``priced`` whether it is known how much.
    """

    name: str
    predictions: str
    answers: int
    kept: int
    served: bool
    priced: bool
    expected: TeacherFigures
    most: TeacherFigures


class EvaluationPlanDocument(TypedDict):
    """What an evaluation would take, about and at most; ``limits`` are those of the options; ``jobs`` as of a run."""

    task: str
    split: str
    questions: int
    samples: int
    models: list[PlannedAnswers]
    unpriced: list[str]
    expected: TeacherFigures
    most: TeacherFigures
    limits: dict[str, float]
    jobs: NotRequired[PlannedJobs]


def plan_evaluation(candidates: Sequence[Candidate], plan: EvaluationPlan, limits: Limits) -> EvaluationPlanDocument:
    """Returns what an evaluation would ask of each model, and what those that are served would take for it.

    Raises:
        DataError: There are no questions.
    """
    require_questions(plan.questions, plan.settings.split)
    planned = [_planned(candidate, plan) for candidate in candidates]
    models = [model for model, *_ in planned]
    return {
        "task": plan.task_name,
        "split": plan.settings.split,
        "questions": len(plan.questions),
        "samples": plan.settings.samples,
        "models": models,
        "unpriced": [model["name"] for model in models if not model["priced"]],
        "expected": figures(Amount.sum(expected for _, expected, _ in planned)),
        "most": figures(Amount.sum(most for *_, most in planned)),
        "limits": limits.amounts,
    }


def _planned(candidate: Candidate, plan: EvaluationPlan) -> tuple[PlannedAnswers, Amount, Amount]:
    file, samples, engine = plan.file(candidate), range(plan.settings.samples), candidate.model
    files = [each for each in with_shards(file) if each.exists() and (candidate.kept or not plan.fresh)]
    had = {prediction.key for each in files for prediction in read_predictions(each, drop_torn=True)}
    asked = {question.id: question for question in candidate.asked(plan.questions)}
    wanted = [(name, sample) for name in asked for sample in samples]
    left = [asked[name] for name, sample in wanted if not candidate.kept and (name, sample) not in had]
    served = isinstance(engine, TeacherEngine)
    expected, most = engine.amounts(left, plan.settings) if isinstance(engine, TeacherEngine) else (Amount(), Amount())
    model: PlannedAnswers = {
        "name": candidate.name,
        "predictions": str(file),
        "answers": len(wanted),
        "kept": len(had.intersection(wanted)),
        "served": served,
        "priced": engine.priced if isinstance(engine, TeacherEngine) else True,
        "expected": figures(expected),
        "most": figures(most),
    }
    return model, expected, most
