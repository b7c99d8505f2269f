"""One question to one model, with what it writes shown while it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from magdi.core.config.models import Evaluation
from magdi.core.distill.prompt import PromptStyle
from magdi.core.evaluation.engine import Engine, Job
from magdi.core.evaluation.generate import predicted
from magdi.core.evaluation.prediction import Prediction
from magdi.core.evaluation.voting import elected
from magdi.core.mag import Question
from magdi.core.task import Task


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question.

    Attributes:
        name: The model.
        answer: The answer, elected where several were drawn.
        votes: How many samples gave each answer.
        predictions: The samples.
    """

    name: str
    answer: str | None
    votes: dict[str, int]
    predictions: tuple[Prediction, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data for JSON."""
        outputs = [prediction.output for prediction in self.predictions]
        return {"model": self.name, "answer": self.answer, "votes": self.votes, "outputs": outputs}


def ask(name: str, engine: Engine, question: Question, task: Task, settings: Evaluation, seed: int) -> Asked:
    """Has a model answer a question, ``settings.samples`` times, and elects an answer by majority.

    Raises:
        TeacherError: A served model did not answer.
    """
    jobs = [Job(question, sample, seed) for sample in range(settings.samples)]
    found = sorted(
        (predicted(task, job, output) for batch in engine.answers(jobs, settings) for job, output in batch),
        key=lambda prediction: prediction.sample,
    )
    votes: dict[str, int] = {}
    for prediction in found:
        if prediction.answer is not None:
            votes[prediction.answer] = votes.get(prediction.answer, 0) + 1
    return Asked(name, elected(found).answer, votes, tuple(found))


def engine_of(model: str | Engine, prompt_style: PromptStyle, on_text: Callable[[str], None] | None = None) -> Engine:
    """Returns what makes a model answer; ``on_text`` is called with what one answer has come to while it grows.

    Raises:
        DataError: The model cannot be loaded.
    """
    if isinstance(model, Engine):
        return model
    from magdi.core.evaluation.loading import load
    from magdi.core.evaluation.own_score import OwnScore
    from magdi.core.evaluation.transformers_engine import TransformersEngine

    loaded, tokenizer = load(model)
    return TransformersEngine(
        loaded, tokenizer, prompt_style=prompt_style, own_score=OwnScore.of(model), on_text=on_text
    )


def free_question(text: str, like: Sequence[Question]) -> Question:
    """Returns a question of the user's own, its answer of the form that a task's questions have.

    Options, where it has some, stand in its text.
    """
    if not like:
        return Question(id="asked", text=text)
    return Question(id="asked", text=text, answer_type=like[0].answer_type, task=like[0].task)
