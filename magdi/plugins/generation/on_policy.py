"""The student's own answers to the questions that it is trained on, as nodes of their MAGs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from accelerate import PartialState
from accelerate.utils import gather_object

from magdi.core.config.models import Evaluation
from magdi.core.distill.renewal import AGENT
from magdi.core.distill.sharding import passes_together
from magdi.core.distill.student import DistillStudent
from magdi.core.evaluation.answering import answer_questions
from magdi.core.evaluation.prediction import Prediction
from magdi.core.mag import Mag, Turn, Usage
from magdi.core.reply import strip_answer_sentence
from magdi.core.task import Task
from magdi.plugins.generation.engine import TransformersEngine


@dataclass(frozen=True, slots=True)
class OnPolicy:
    """Asks a student that is being trained, and grades what it says.

    Attributes:
        task: Reads and grades the answers.
        settings: How it is sampled, and how often.
        seed: What its answers are drawn from, together with the question's place and the number of the renewal.
    """

    task: Task
    settings: Evaluation
    seed: int

    def __call__(self, student: DistillStudent, mags: list[Mag], number: int) -> Iterator[Mag]:
        """Yields MAGs with what the student says to their questions, which nobody is shown.

        Of several processes, which all have to call it, each asks its own student a share of the questions.
        """
        state = PartialState()
        questions = {mag.question.prompt: mag.question for mag in mags}
        numbered = [
            each.model_copy(update={"id": f"{place}/{number}"}) for place, each in enumerate(questions.values())
        ]
        with passes_together(student.base):
            answers = answer_questions(
                TransformersEngine((student.base, student.tokenizer), prompt_style=student.config.prompt),
                numbered[state.process_index :: state.num_processes],
                task=self.task,
                settings=self.settings,
                seed=self.seed,
            )
        said = defaultdict[str, list[Prediction]](list)
        for each in chain.from_iterable(gather_object([answers])):
            said[each.id].append(each)
        of = {prompt: said[each.id] for prompt, each in zip(questions, numbered, strict=True)}
        for mag in mags:
            own = [_turn(len(mag.turns) + k, each) for k, each in enumerate(of[mag.question.prompt])]
            yield mag.model_copy(update={"turns": (*mag.turns, *own)})


def _turn(step: int, said: Prediction) -> Turn:
    """Returns an answer as a turn; one that cannot be read has no label, as any other agent's."""
    label = said.correct if said.answer is not None else None
    return Turn(
        step=step,
        agent=AGENT,
        text=said.output,
        reasoning=strip_answer_sentence(said.output),
        answer=said.answer,
        correct=said.correct,
        label=label,
        label_source="none" if label is None else "gold",
        status="invalid" if said.answer is None else "ok",
        usage=Usage(prompt_tokens=said.prompt_tokens, completion_tokens=said.output_tokens),
    )
