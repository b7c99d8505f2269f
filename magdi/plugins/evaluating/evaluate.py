"""Evaluates several models on the same questions, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from magdi.core.config.models import Evaluation
from magdi.core.errors import DataError
from magdi.core.evaluation.answering import answer_questions
from magdi.core.evaluation.engine import Engine
from magdi.core.evaluation.prediction import Prediction, of_shard, read_predictions, regraded
from magdi.core.evaluation.scores import score
from magdi.core.evaluation.statistics import paired_difference
from magdi.core.evaluation.truncation import answers_cut_warning
from magdi.core.mag import Question, read_mags
from magdi.core.run.learned import count_known, warning
from magdi.core.run.progress import Progress, StageProgress
from magdi.core.shard import Shard
from magdi.core.task import Task
from magdi.core.threads import told as threads_told
from magdi.plugins.evaluating.candidates import Candidate, require_questions
from magdi.plugins.evaluating.result import EvaluationDocument, ModelsComparison
from magdi.plugins.runs.result import compared

_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """One evaluation.

    Attributes:
        task: Reads and grades the answers.
        task_name: What it is called in names of files.
        questions: What is asked.
        settings: Sampling, lengths, samples a question.
        seed: Seed of sampled answers.
        folder: Where predictions are kept.
        fresh: Throw away those that are there.
        shard: Which of several jobs this one is; its questions, and its files, are its own.
    """

    task: Task
    task_name: str
    questions: Sequence[Question]
    settings: Evaluation
    seed: int
    folder: Path
    fresh: bool = False
    shard: Shard | None = None

    def file(self, candidate: Candidate) -> Path:
        """Returns where a candidate's predictions are, or are kept."""
        if candidate.kept:
            return candidate.kept
        file = candidate.file(self.folder, self.task_name, self.settings.split, self.settings, self.seed)
        return of_shard(file, self.shard) if self.shard else file


def evaluate(candidates: Sequence[Candidate], plan: EvaluationPlan, progress: Progress) -> EvaluationDocument:
    """Has each candidate answer the questions, one after the other, and compares each with the first.

    Raises:
        DataError: There are no questions, or a model cannot be loaded.
    """
    require_questions(plan.questions, plan.settings.split)
    answers: list[list[Prediction]] = []
    models: list[dict[str, object]] = []
    for candidate in candidates:
        if unnamed := _no_task(candidate, plan):
            progress.note(unnamed)
        start = time.monotonic()
        file = plan.file(candidate)
        predictions = _regraded(candidate.kept, plan) if candidate.kept else _asked(candidate, plan, file, progress)
        answers.append(predictions)
        seconds = round(time.monotonic() - start, 3)
        told = {"predictions": str(file), "seconds": seconds, "trained_on": _known(candidate, plan, progress)}
        scores = score(predictions)
        models.append({"name": candidate.name, **told, **scores.to_dict()})
        most = plan.settings.max_new_tokens
        cut = answers_cut_warning(candidate.name, scores.cut_off, most, "--max-new-tokens N")
        if cut and not candidate.kept:
            progress.note(cut)
    names = [candidate.name for candidate in candidates]
    return {
        "task": plan.task_name,
        "split": plan.settings.split,
        "questions": len(plan.questions),
        "seed": plan.seed,
        "settings": plan.settings.model_dump(mode="json"),
        "models": models,
        "comparisons": [_compared(names, answers, other, plan.seed) for other in range(1, len(names))],
    }


def _asked(candidate: Candidate, plan: EvaluationPlan, file: Path, progress: Progress) -> list[Prediction]:
    total, elsewhere = len(plan.questions) * plan.settings.samples, isinstance(candidate.model, Engine)
    with StageProgress(progress, candidate.name, total, "answers") as clock:

        def told(done: int, of: int, right: int) -> None:
            clock.at(done, {"right %": 100 * right / done, **({} if elsewhere else threads_told())})

        return answer_questions(
            candidate.engine(),
            candidate.asked(plan.questions),
            task=plan.task,
            settings=plan.settings,
            seed=plan.seed,
            out=file,
            fresh=plan.fresh,
            on_progress=told,
        )


def _no_task(candidate: Candidate, plan: EvaluationPlan) -> str:
    """Returns a warning where the run's task is asked for want of one that its MAGs, taken from files, would name."""
    run = candidate.run
    if run is None or candidate.learned is None or not run.discussion.mag_files or plan.task_name != run.task.name:
        return ""
    if run.evaluation.task or any(
        mag.question.task for mag in islice(read_mags(candidate.learned, on_bad_line=[]), _LOOKED_AT)
    ):
        return ""
    return (
        f"the MAGs of {candidate.name} name no task; what is asked is {plan.task_name} (--task jsonl:FILE asks yours)"
    )


def _known(candidate: Candidate, plan: EvaluationPlan, progress: Progress) -> int | None:
    """Returns how many of the questions a candidate has learned from, and warns of them; None where it is not known."""
    if candidate.learned is None:
        return None
    known = count_known(plan.questions, candidate.learned)
    if known:
        progress.note(warning(known, len(plan.questions), candidate.name))
    return known


def _regraded(file: Path, plan: EvaluationPlan) -> list[Prediction]:
    """Reads kept outputs and grades them anew, with the task as it is now; nothing is generated.

    Raises:
        DataError: The file answers none of the questions.
    """
    questions = {question.id: question for question in plan.questions}
    kept = [prediction for prediction in read_predictions(file) if prediction.id in questions]
    if not kept:
        raise DataError(f"{file} answers none of the questions of this task and split")
    return [regraded(plan.task, questions[prediction.id], prediction) for prediction in kept]


def _compared(names: Sequence[str], answers: Sequence[list[Prediction]], other: int, seed: int) -> ModelsComparison:
    found = paired_difference(answers[0], answers[other], seed=seed)
    return {"first": names[0], "second": names[other], **compared(found)}
