"""Word problems of a few steps, made up as they are needed: the embedded default task."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

from pydantic import BaseModel, Field, model_validator

from magdi.core.mag import Question
from magdi.core.task import Document, Primer, Split, Task
from magdi.plugins.answers import extract
from magdi.plugins.tasks.arithmetic_primer import MOST_STEPS, draw_belonging, make_primer
from magdi.plugins.tasks.procedures import work
from magdi.plugins.tasks.role_speech import SOUND, Chain, slipped
from magdi.plugins.tasks.word_problems import Problem, draw_problem

SHARES: dict[str, range] = {"test": range(10), "validation": range(10, 16), "primer": range(16, 50)}
"""Hundredths of all calculations that each split draws from; what is left is for training.

Which hundredth a calculation belongs to is a matter of its hash alone, so that splits cannot overlap, whatever their
sizes and seeds.
"""


MOST = 1_000_000
"""Of anything that is drawn here."""


class Drawn(BaseModel, extra="forbid"):
    """Settings of tasks whose questions are drawn here."""

    seed: int = Field(0, ge=0, description="Seed of the training questions; validation and test are the same for all.")
    train: int = Field(1000, ge=1, le=MOST, description="Training questions.")
    validation: int = Field(500, ge=1, le=MOST, description="Validation questions.")
    test: int = Field(1000, ge=1, le=MOST, description="Test questions.")


class ArithmeticConfig(Drawn):
    """Settings of the arithmetic task."""

    min_steps: int = Field(2, ge=1, description="Fewest steps of a question.")
    max_steps: int = Field(4, ge=1, le=100, description="Most steps of a question.")
    primer_problems: int = Field(3000, ge=0, le=MOST, description="Problems that a tiny base is trained on.")
    primer_reading: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Share of them that it learns to tell again, of one to four steps; it learns to solve the others, "
        "of one or two.",
    )
    primer_checks: int = Field(
        600, ge=0, le=MOST, description="Rows of eight calculations that a tiny base is trained on."
    )

    @model_validator(mode="after")
    def _some_steps(self) -> ArithmeticConfig:
        if self.max_steps < self.min_steps:
            raise ValueError(f"max_steps ({self.max_steps}) is below min_steps ({self.min_steps})")
        return self


class Arithmetic(Task):
    """Procedural word problems: a start value and 2-4 steps in nine kinds of phrase, all values 1..60.

    Splits are disjoint in the calculation (start and operations, whatever the wording), also from the primer. The
    training questions are fresh for each seed, validation and test are fixed.
    """

    Config = ArithmeticConfig
    teachers = ("careful=simulated:careful", "chatty=simulated:chatty", "hasty=simulated:hasty")

    config: ArithmeticConfig

    def questions(self, split: Split) -> Sequence[Question]:
        """Returns a split; a larger split begins with the questions of a smaller one."""
        config = self.config
        size = {"train": config.train, "validation": config.validation, "test": config.test}[split]
        seed = config.seed if split == "train" else 0
        return _questions(split, seed, size, config.min_steps, config.max_steps)

    def extract(self, text: str, question: Question) -> str | None:
        """Returns the number that the text gives as its answer, or else the last one in it."""
        return extract(text, question)

    def primer(self, seed: int) -> Primer:
        """Returns short problems with plain solutions, problems to tell again, and rows of calculations."""
        return make_primer(
            seed,
            problems=self.config.primer_problems,
            reading=self.config.primer_reading,
            checks=self.config.primer_checks,
            belongs=lambda problem: belongs(problem, "primer"),
        )

    def role_speech(self, seed: int) -> Sequence[Document]:
        """Returns generators', verifiers' and refiners' speech, a chain of the three for every six problems."""
        rng = random.Random(f"arithmetic/roles/{seed}")
        chains = (_chain(rng, 1 + number % MOST_STEPS) for number in range(self.config.primer_problems // 6))
        return [document for chain in chains for document in chain.documents]


def _chain(rng: random.Random, steps: int) -> Chain:
    problem = draw_belonging(rng, steps, lambda problem: belongs(problem, "primer"))
    right = work(problem)
    return Chain(problem, right if rng.random() < SOUND else slipped(rng, right), right)


def share_of(problem: Problem) -> int:
    """Returns which hundredth of all calculations a problem belongs to, 0..99."""
    return int.from_bytes(hashlib.blake2b(problem.signature.encode(), digest_size=4).digest()) % 100


def belongs(problem: Problem, split: str) -> bool:
    """Returns whether a problem's calculation is one of a split's, or of the ``primer``'s."""
    share = share_of(problem)
    taken = SHARES.get(split)
    return share in taken if taken is not None else not any(share in other for other in SHARES.values())


@cache
def _questions(split: Split, seed: int, size: int, fewest: int, most: int) -> tuple[Question, ...]:
    problems = islice(_problems(split, seed, fewest, most), size)
    where = f"train-{seed}" if split == "train" else split
    return tuple(
        Question(
            id=f"{where}-{number:05d}",
            text=problem.text,
            gold=str(problem.values[-1]),
            answer_type="number",
            task="arithmetic",
            metadata={"steps": len(problem.steps)},
        )
        for number, problem in enumerate(problems)
    )


def _problems(split: Split, seed: int, fewest: int, most: int) -> Iterator[Problem]:
    """Yields the problems of a split, no calculation twice."""
    rng = random.Random(f"arithmetic/{split}/{seed}")
    done: set[str] = set()
    while True:
        problem = draw_problem(rng, rng.randint(fewest, most))
        if problem.signature not in done and belongs(problem, split):
            done.add(problem.signature)
            yield problem
