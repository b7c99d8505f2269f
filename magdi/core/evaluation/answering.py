"""Has a model answer questions, keeps every answer, and goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from magdi.core.config.models import Evaluation
from magdi.core.errors import DataError
from magdi.core.evaluation.engine import Engine, Job, Output
from magdi.core.evaluation.prediction import Prediction, PredictionFile
from magdi.core.mag import Question
from magdi.core.task import Task

OnProgress = Callable[[int, int, int], None]
"""Called with the answers had, those to be had, and those of the former that are right."""


def answer_questions(
    engine: Engine,
    questions: Sequence[Question],
    *,
    task: Task,
    settings: Evaluation,
    seed: int = 0,
    out: Path | None = None,
    fresh: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Prediction]:
    """Has a model answer questions, and grades the answers.

    Args:
        engine: What makes the model answer; where nothing is left to ask, it need not load it.
        questions: What is asked; ids must differ.
        task: Reads and grades the answers.
        settings: Sampling, lengths and samples a question.
        seed: Seed of sampled answers.
        out: A file that keeps every answer as it comes; answers that are in it already are not asked for again.
        fresh: Throw away what is in that file.
        on_progress: Told how far it is.

    Returns:
        For each question in turn its ``settings.samples`` predictions.

    Raises:
        DataError: The model cannot be loaded, or the file is of another model or other settings.
        RunDirectoryError: Another process is at work on the file.
    """
    by_id = {question.id: question for question in questions}
    if len(by_id) < len(questions):
        raise DataError("two questions have the same id")
    engine.task = task
    answers = _Answers(by_id, task, settings, seed, on_progress)
    if out is None:
        return answers.complete(engine, [], lambda predictions: None)
    # Not how many questions there are, so that more can be asked later.
    made_by = {
        "model": engine.identity,
        "settings": settings.deciding(),
        "prompt": engine.prompt_style,
        "seed": seed,
    }
    with PredictionFile(out, made_by, fresh=fresh, asked=by_id) as file:
        engine.journal = file.journal
        predictions = answers.complete(engine, file.kept, file.add)
        asked = {prediction.key for prediction in predictions}
        # More may have been asked before, of more questions or with more samples: nothing that was paid for is lost.
        file.finish([*predictions, *(kept for kept in file.kept if kept.key not in asked)])
    return predictions


class _Answers:
    """The answers to a set of questions while they come in."""

    def __init__(
        self,
        questions: dict[str, Question],
        task: Task,
        settings: Evaluation,
        seed: int,
        on_progress: OnProgress | None,
    ) -> None:
        self._questions, self._task, self._settings, self._seed = questions, task, settings, seed
        self._on_progress = on_progress or (lambda done, total, right: None)

    def complete(
        self, engine: Engine, kept: Sequence[Prediction], keep: Callable[[Sequence[Prediction]], None]
    ) -> list[Prediction]:
        """Returns all predictions in order; the engine is asked for those that are not kept yet."""
        jobs = {
            (question.id, sample): Job(question, sample, self._seed)
            for question in self._questions.values()
            for sample in range(self._settings.samples)
        }
        had = {prediction.key: prediction for prediction in kept if prediction.key in jobs}
        left = [job for key, job in jobs.items() if key not in had]
        right = sum(bool(prediction.correct) for prediction in had.values())
        if had:
            self._on_progress(len(had), len(jobs), right)
        for batch in engine.answers(left, self._settings) if left else ():
            predictions = [predicted(self._task, job, output) for job, output in batch]
            keep(predictions)
            had |= {prediction.key: prediction for prediction in predictions}
            right += sum(bool(prediction.correct) for prediction in predictions)
            self._on_progress(len(had), len(jobs), right)
        return [had[key] for key in jobs]


def predicted(task: Task, job: Job, output: Output) -> Prediction:
    """Reads and grades an output."""
    question = job.question
    answer = task.read(output.text, question).answer
    return Prediction(
        id=question.id,
        sample=job.sample,
        task=question.task,
        prompt=output.prompt,
        output=output.text,
        answer=answer,
        gold=question.gold,
        correct=None if question.gold is None else task.graded(answer, question.gold),
        prompt_tokens=output.prompt_tokens,
        output_tokens=output.output_tokens,
        finish=output.finish,
        score=output.score,
    )
