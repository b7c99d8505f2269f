"""One question to one model, with what it writes shown while it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from magdi.core.components import Components
from magdi.core.config.models import Evaluation
from magdi.core.distill.prompt import PromptStyle
from magdi.core.evaluation.answering import predicted
from magdi.core.evaluation.engine import Engine, Job
from magdi.core.evaluation.prediction import Prediction
from magdi.core.evaluation.voting import elected
from magdi.core.mag import Question, Turn
from magdi.core.task import Task
from magdi.plugins.evaluating.candidates import EngineName, find_candidates
from magdi.plugins.evaluating.request import chosen_task, settings_for_asking
from magdi.plugins.generation.engine import OnText


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question.

    Attributes:
        name: The model.
        answer: The answer, elected where several were drawn.
        votes: How many samples gave each answer.
        predictions: The samples.
        chains: Of a team, what was said on the way to each sample.
    """

    name: str
    answer: str | None
    votes: dict[str, int]
    predictions: tuple[Prediction, ...]
    chains: tuple[tuple[Turn, ...], ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for JSON."""
        outputs = [prediction.output for prediction in self.predictions]
        said = [[{"role": turn.role, "text": turn.text} for turn in chain] for chain in self.chains]
        found = {"model": self.name, "answer": self.answer, "votes": self.votes, "outputs": outputs}
        return found | ({"chains": said} if said else {})


def ask(
    model: str,
    question: str | Question,
    components: Components,
    *,
    task: str | None = None,
    task_settings: Mapping[str, object] | None = None,
    base: bool = False,
    engine: EngineName = "auto",
    prompt_style: PromptStyle = "auto",
    samples: int | None = None,
    max_new_tokens: int | None = None,
    seed: int | None = None,
    told: Callable[[str], AbstractContextManager[OnText]] | None = None,
) -> list[Asked]:
    """Has a model answer a question, ``samples`` times, and elects an answer by majority.

    Args:
        model: See `find_candidates`, also for ``base``, ``engine`` and ``prompt_style``.
        question: One of the user's own; a text is of the form that the task's questions have.
        components: Makes task and teachers.
        task: Reads the answer; the run's when left out, and numbers are looked for where there is no run either.
        task_settings: Settings of it.
        base: Ask the student as it was before distillation, too, and first.
        engine: What makes the model answer.
        prompt_style: The prompt's form, for what comes from no run.
        samples: Answers to draw; one when left out, of a team as many as it was trained for.
        max_new_tokens: Longest answer; as the run has it when left out.
        seed: Seed of sampled answers.
        told: From a model's name to what is held while a single answer of it grows, and yields who is told of it.

    Raises:
        DataError: The model cannot be loaded.
        TeacherError: A served model did not answer.
    """
    models = find_candidates([model], components, base=base, engine=engine, prompt_style=prompt_style, seed=seed)
    origin = models[-1].run
    settings = settings_for_asking(models[-1], samples, max_new_tokens)
    named = "arithmetic" if origin is None and task is None else task
    reader = components.task(chosen_task(origin, named, task_settings or {}), seed or 0)
    asked = free_question(question, reader.first("test")) if isinstance(question, str) else question
    found = []
    for each in models:
        with told(each.name) if told and settings.samples == 1 else nullcontext() as on_text:
            found.append(_answers(each.name, each.engine(on_text), each.asked([asked])[0], reader, settings, seed or 0))
    return found


def _answers(name: str, engine: Engine, question: Question, task: Task, settings: Evaluation, seed: int) -> Asked:
    engine.task = task
    jobs = [Job(question, sample, seed) for sample in range(settings.samples)]
    had = sorted(
        ((job, output) for batch in engine.answers(jobs, settings) for job, output in batch),
        key=lambda each: each[0].sample,
    )
    found = [predicted(task, job, output) for job, output in had]
    votes = Counter(prediction.answer for prediction in found if prediction.answer is not None)
    chains = tuple(output.turns for _, output in had if output.turns)
    return Asked(name, elected(found).answer, dict(votes), tuple(found), chains)


def free_question(text: str, like: Sequence[Question]) -> Question:
    """Returns a question of the user's own, its answer of the form that a task's questions have.

    Options, where it has some, stand in its text.
    """
    if not like:
        return Question(id="asked", text=text)
    return Question(id="asked", text=text, answer_type=like[0].answer_type, task=like[0].task)
