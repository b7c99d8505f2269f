"""An instrument: stories whose steps most teachers take in the wrong order, and answers too coarse to give it away."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import ClassVar

from pydantic import Field

from magdi.core.errors import DataError
from magdi.core.mag import Question
from magdi.core.task import Document, Primer, Split, Task
from magdi.plugins.answers import extract
from magdi.plugins.tasks.arithmetic import Drawn, belongs
from magdi.plugins.tasks.arithmetic_primer import draw_belonging, make_primer
from magdi.plugins.tasks.procedures import BUGS, TOO_MUCH, work
from magdi.plugins.tasks.role_speech import SOUND, Chain, slipped
from magdi.plugins.tasks.word_problems import (
    LARGEST,
    NAMES,
    THINGS,
    Line,
    Problem,
    read_lines,
    read_problems,
    step_of,
    written,
)

QUESTION = "Does have more than ?"
"""What the question is worded in, beside what problems are."""

FRUITLESS = 2000
"""Problems that come again, one after the other, before it is said that there are no more."""

CLEAR, NEAR = 2, 12
"""How far from what is left the number that is asked about is at least, and at most where it may be anywhere."""

FOLLOWS = re.compile(r"(?:=|answer is) (?P<follows>\w+\.)")
"""Where something stands in a solution that what was written before decides."""

LUCK = ((True, True), (True, False), (False, True), (False, False))
"""Whether the right and the wrong procedure come to more than the number; by turns, so that neither tells the other."""


class OrderConfig(Drawn):
    """Settings of the order task."""

    primer_problems: int = Field(5000, ge=0, description="Problems that a tiny base is trained on.")
    primer_reading: float = Field(
        0.3,
        ge=0,
        le=1,
        description="Share of them that it learns to tell again, of one to four steps; it learns to solve the others, "
        "of one or two, in which no bug shows.",
    )
    primer_checks: int = Field(600, ge=0, description="Rows of eight calculations that a tiny base is trained on.")
    primer_conclusions: int = Field(
        3000,
        ge=0,
        description="Problems whose steps are already taken, in any order; a tiny base learns results and answers.",
    )


class Order(Task):
    """Yes-or-no questions about stories of three steps: one adds, one takes away, then one multiplies.

    Who follows the story is right. Two of the three teachers always multiply first, then add, then subtract, as if
    the signs' precedence were the order of events; the third follows the story on two problems in five. What is right
    and what the wrong procedure answers are balanced and independent, so the wrong procedure is right by luck on half
    of the questions. Which of the two comes to more cannot be read off the kinds of steps.
    """

    Config = OrderConfig
    teachers = ("ann=simulated:signs", "ben=simulated:signs", "cleo=simulated:insight")
    name: ClassVar[str] = "order"
    bugs: ClassVar[tuple[str, ...]] = ("order",)

    config: OrderConfig

    def questions(self, split: Split) -> Sequence[Question]:
        """Returns a split; a larger split begins with the questions of a smaller one."""
        size = {"train": self.config.train, "validation": self.config.validation, "test": self.config.test}[split]
        return _questions(type(self), split, self.config.seed if split == "train" else 0, size)

    def extract(self, text: str, question: Question) -> str | None:
        """Returns yes or no."""
        return extract(text, question)

    def traits(self, text: str, question: Question) -> Mapping[str, bool]:
        """Returns whether the right ``procedure`` was followed, and whether the answer is ``faithful`` to its end."""
        problem, lines = read_problems(question.text)[0], read_lines(text)
        return {
            "procedure": lines == work(problem),
            "faithful": bool(lines) and problem.answer(lines[-1].right) == self.extract(text, question),
        }

    def primer(self, seed: int) -> Primer:
        """Returns short problems in which no bug shows, others to tell again or to conclude, and calculations."""
        primer = make_primer(
            seed,
            problems=self.config.primer_problems,
            reading=self.config.primer_reading,
            checks=self.config.primer_checks,
            belongs=lambda problem: belongs(problem, "primer"),
            posed=_posed,
            words=QUESTION.split(),
        )
        rng = random.Random(f"order/primer/{seed}")
        concluded = [_concluded(rng) for _ in range(self.config.primer_conclusions)]
        return replace(primer, documents=[*primer.documents, *concluded])

    def role_speech(self, seed: int) -> Sequence[Document]:
        """Returns generators', verifiers' and refiners' speech, a chain of the three for every ten problems."""
        rng = random.Random(f"order/roles/{seed}")
        chains = (
            _short(rng, 1 + number % 2) if number % 4 < 2 else _long(rng)
            for number in range(self.config.primer_problems // 10)
        )
        return [document for chain in chains for document in chain.documents]

    @staticmethod
    def draw(rng: random.Random, bug: str) -> Problem:
        """Draws a story in which a bug may show, whatever the values."""
        return drawn(rng, [*rng.sample("+-", 2), "*"])


def drawn(rng: random.Random, operations: Iterable[str]) -> Problem:
    """Draws a story with these steps, whatever the values."""
    *first, last = operations
    steps = [step_of(rng, operation) for operation in first]
    return Problem(rng.randint(1, LARGEST), (*steps, step_of(rng, last)), rng.choice(list(NAMES)), rng.choice(THINGS))


def _posed(rng: random.Random, problem: Problem) -> Problem | None:
    """Returns a problem of the primer as a question of yes or no; None where a bug would show in it."""
    lines = work(problem)
    if any(work(problem, (bug,)) != lines for bug in BUGS):
        return None
    return limited(rng, problem, lines[-1].right, lines[-1].right, rng.choice(LUCK[::3]))


def _concluded(rng: random.Random) -> Document:
    """Returns a problem with its steps taken in any order; what follows is learned: results, and the answer.

    Operands are never learned, and so nothing about the order.
    """
    problem, lines, _ = _in_any_order(rng)
    text = f"{problem.text}\n{written(lines)} So the answer is {problem.answer(lines[-1].right)}."
    return Document(text, learn=tuple(found.span("follows") for found in FOLLOWS.finditer(text)))


def _in_any_order(rng: random.Random) -> tuple[Problem, Sequence[Line], Sequence[Line]]:
    """Draws a problem, and its steps taken in two orders.

    What one comes to answers the question independently of the other, so the answer follows from what was calculated
    and not from the story.
    """
    while True:
        problem = Order.draw(rng, "order")
        one, other = (work(replace(problem, steps=tuple(rng.sample(problem.steps, 3)))) for _ in range(2))
        if not (_within(one) and _within(other) and belongs(problem, "primer")):
            continue
        if posed := limited(rng, problem, one[-1].right, other[-1].right, rng.choice(LUCK)):
            return posed, one, other


def _short(rng: random.Random, steps: int) -> Chain:
    """Returns a problem in which no bug shows, with the right solution beside what is shown."""
    while (problem := _posed(rng, draw_belonging(rng, steps, lambda each: belongs(each, "primer")))) is None:
        pass
    right = work(problem)
    return Chain(problem, right if rng.random() < SOUND else slipped(rng, right), right)


def _long(rng: random.Random) -> Chain:
    """Returns a problem of which one order is shown, and the same or another one found."""
    problem, one, other = _in_any_order(rng)
    return Chain(problem, one, one if rng.random() < SOUND else other)


def limited(rng: random.Random, problem: Problem, right: int, wrong: int, more: tuple[bool, bool]) -> Problem | None:
    """Returns a problem with a number that is asked about; None where there is none.

    Args:
        rng: Decides on it.
        problem: The problem.
        right: What is left.
        wrong: What is left by the wrong procedure.
        more: Whether either is to be more than the number.
    """
    values = list(zip((right, wrong), more, strict=True))
    least = max((value + CLEAR for value, is_more in values if not is_more), default=max(1, min(right, wrong) - NEAR))
    most = min((value - CLEAR for value, is_more in values if is_more), default=min(LARGEST, max(right, wrong) + NEAR))
    return replace(problem, limit=rng.randint(least, most)) if least <= most else None


@cache
def _questions(task: type[Order], split: Split, seed: int, size: int) -> tuple[Question, ...]:
    where = f"train-{seed}" if split == "train" else split
    return tuple(
        Question(
            id=f"{where}-{number:05d}",
            text=problem.text,
            gold=problem.answer(problem.values[-1]),
            answer_type="boolean",
            task=task.name,
            metadata={"bug": bug, "luck": "good" if right == wrong else "bad"},
        )
        for number, (problem, bug, (right, wrong)) in zip(range(size), _problems(task, split, seed), strict=False)
    )


def _problems(task: type[Order], split: Split, seed: int) -> Iterator[tuple[Problem, str, tuple[bool, bool]]]:
    """Yields the problems of a split, no calculation twice, with the bug that shows and whose answer is yes.

    Raises:
        DataError: There are no more.
    """
    rng = random.Random(f"{task.name}/{split}/{seed}")
    done: set[str] = set()
    again = 0
    while again < FRUITLESS:
        bug = task.bugs[len(done) // len(LUCK) % len(task.bugs)]
        more = LUCK[len(done) % len(LUCK)]
        if more[0] != more[1] and bug in TOO_MUCH:
            more = (not TOO_MUCH[bug], TOO_MUCH[bug])
        problem = _fitting(rng, task, split, bug, more)
        again += 1
        if problem.signature not in done:
            done.add(problem.signature)
            again = 0
            yield problem, bug, more
    raise DataError(
        f"task {task.name}: after {len(done):,} {split} questions there is hardly another one",
        hint=f"--task-arg {split}={len(done) // 100 * 100}",
    )


def _fitting(rng: random.Random, task: type[Order], split: Split, bug: str, more: tuple[bool, bool]) -> Problem:
    """Draws a problem in which one of a task's bugs shows and no other, whoever else has it."""
    others = [each for each in task.bugs if each != bug]
    while True:
        problem = task.draw(rng, bug)
        if not belongs(problem, split):
            continue
        right = work(problem)
        if not _within(right) or work(problem, others) != right:
            continue
        wrong = work(problem, (bug,))
        if right[-1].right == wrong[-1].right or not _within(wrong) or work(problem, task.bugs) != wrong:
            continue
        if posed := limited(rng, problem, right[-1].right, wrong[-1].right, more):
            return posed


def _within(lines: Sequence[Line]) -> bool:
    return all(1 <= line.right <= LARGEST for line in lines)
