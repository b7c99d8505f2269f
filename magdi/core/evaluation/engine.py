"""Engines: what makes a model answer. One runs models of transformers here, others ask a server or vLLM."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from magdi.core.config.models import Evaluation
from magdi.core.distill.prompt import PromptStyle
from magdi.core.evaluation.prediction import Finish
from magdi.core.mag import Question, Turn
from magdi.core.task import Task


@dataclass(frozen=True, slots=True)
class Job:
    """One answer to be had.

    Attributes:
        question: What is asked.
        sample: The number of the draw.
        seed: What the draw depends on beside the model, the prompt and the settings.
    """

    question: Question
    sample: int
    seed: int


@dataclass(frozen=True, slots=True)
class Output:
    """What a model wrote; fields as in `magdi.core.evaluation.prediction.Prediction`.

    Attributes:
        turns: What was said on the way to it, itself included, where more than one spoke.
    """

    prompt: str
    text: str
    prompt_tokens: int
    output_tokens: int
    finish: Finish
    score: float | None = None
    turns: tuple[Turn, ...] = ()


class Engine(ABC):
    """Base of engines.

    Attributes:
        identity: What is written into a file of predictions to tell it from others.
        prompt_style: The form of the prompts that it makes of questions, which is written there as well.
        journal: Where one that pays for answers keeps each as it comes; None to keep nothing.
        task: Reads what is said on the way to an answer, where more than one speaks; set by who asks.
    """

    identity: str
    prompt_style: PromptStyle = "auto"
    journal: Path | None = None
    task: Task | None = None

    @abstractmethod
    def answers(self, jobs: Sequence[Job], settings: Evaluation) -> Iterator[list[tuple[Job, Output]]]:
        """Yields answers as they come, several at once, in any order.

        Greedy answers depend on the question alone; sampled ones on the question and the job's seed and sample. In
        what company a question is answered changes nothing.
        """
