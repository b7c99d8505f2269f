"""What a tiny base model learns before it is distilled into: short problems, and which calculations are right."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from magdi.core.task import Document, Primer
from magdi.plugins.tasks.word_problems import (
    AMOUNTS,
    LARGEST,
    NAMES,
    PHRASES,
    THINGS,
    Problem,
    Step,
    calculate,
    draw_problem,
    words_of,
    worked,
)

CHECKS_A_ROW = 8
OFF_BY = (-10, -2, -1, 1, 2, 10)
"""By how much a wrong result is off: of a calculation to judge, of a teacher's slip."""

MOST_STEPS = 4
"""Most steps of a problem to be read; those to be solved have one or two."""

WHAT = "What happens?"
"""The question of a problem to be read."""

WRONG = 0.0
"""Share of calculations to judge whose result is wrong."""

SPEECH = (
    WHAT,
    "So the answer is 3. yes no",
    "1 + 2 - 3 * 4 / 5 = 6.",
    "We start with 1. Adding 2: Taking away 2: Multiplying by 2: Dividing by 2:",
    "First, 1 is 2. Then, 2 is 3.",
    "I agree with the others. I disagree with the answer 3. I checked it and get 3 too.",
    "I disagree with step 2. It should be 3. I cannot work this out. 2 say 3: APPROVE",
)
"""What solutions and comments are worded in: the rest of the vocabulary."""


def make_primer(
    seed: int,
    *,
    problems: int,
    reading: float,
    checks: int,
    belongs: Callable[[Problem], bool],
    posed: Callable[[random.Random, Problem], Problem | None] = lambda _, problem: problem,
    words: Sequence[str] = (),
) -> Primer:
    """Returns the primer of an embedded task.

    Documents are written as a tiny base's chat template writes them: the question, a line break, the answer; the loss
    is on the answer. A check is a calculation and ``yes`` or ``no``; the loss is on right results and on verdicts,
    never on operands, which nothing could predict.

    Args:
        seed: Seed of the documents.
        problems: How many problems.
        reading: Share of them that are told again and not solved, of one to four steps; half of the others have one
            step, half two.
        checks: How many rows of calculations.
        belongs: Whether a problem may be used.
        posed: Turns a problem into one to be solved; None where it is not fit for that.
        words: Further words and signs of the vocabulary.
    """
    rng = random.Random(f"arithmetic/primer/{seed}")
    told = round(problems * reading)
    documents = [_solved(_posed(rng, 1 + number % 2, belongs, posed)) for number in range(problems - told)]
    documents += [_told(draw_belonging(rng, 1 + number % MOST_STEPS, belongs)) for number in range(told)]
    documents += [_row(rng) for _ in range(checks)]
    return Primer(documents=documents, words=tuple(dict.fromkeys([*vocabulary(), *words])), numbers=LARGEST + 1)


def vocabulary() -> tuple[str, ...]:
    """Returns every number, word and sign that questions and solutions are made of."""
    told = [
        Problem(1, tuple(Step(kind, 2) for kind in PHRASES), name, thing).text
        for name, thing in zip(NAMES, THINGS, strict=True)
    ]
    numbers = [str(number) for number in range(LARGEST + 1)]
    return tuple(dict.fromkeys([*numbers, *words_of([*told, *SPEECH])]))


def draw_belonging(rng: random.Random, steps: int, belongs: Callable[[Problem], bool]) -> Problem:
    """Draws a problem that may be used."""
    problem = draw_problem(rng, steps)
    while not belongs(problem):
        problem = draw_problem(rng, steps)
    return problem


def _posed(
    rng: random.Random,
    steps: int,
    belongs: Callable[[Problem], bool],
    posed: Callable[[random.Random, Problem], Problem | None],
) -> Problem:
    while (problem := posed(rng, draw_belonging(rng, steps, belongs))) is None:
        pass
    return problem


def _solved(problem: Problem) -> Document:
    return _answered(problem.text, worked(problem))


def _told(problem: Problem) -> Document:
    """Returns an exercise in reading: what happens, step by step, without any calculation."""
    return _answered(f"{problem.story} {WHAT}", retold(problem))


def retold(problem: Problem) -> str:
    """Returns what happens in a problem, step by step, without any calculation: ``+ 12. / 3.``."""
    return " ".join(f"{step.operation} {step.amount}." for step in problem.steps)


def _answered(question: str, answer: str) -> Document:
    text = f"{question}\n{answer}"
    return Document(text, learn=((len(question) + 1, len(text)),))


def _row(rng: random.Random) -> Document:
    text = ""
    learn: list[tuple[int, int]] = []
    for _ in range(CHECKS_A_ROW):
        calculation, result, right = _check(rng)
        text += calculation
        if right:
            learn.append((len(text), len(text) + len(result)))
        text += result + " "
        verdict = "yes" if right else "no"
        learn.append((len(text), len(text) + len(verdict)))
        text += verdict + ". "
    return Document(text.rstrip(), learn=tuple(learn))


def _check(rng: random.Random) -> tuple[str, str, bool]:
    """Returns a calculation up to its equals sign, a result, and whether the result is right."""
    while True:
        operation = rng.choice(list(AMOUNTS))
        value, amount = rng.randint(1, LARGEST), rng.choice(AMOUNTS[operation])
        result = calculate(operation, value, amount)
        if not 1 <= result <= LARGEST or (operation == "/" and value % amount):
            continue
        right = rng.random() >= WRONG
        wrong = [result + off for off in OFF_BY if 1 <= result + off <= LARGEST]
        shown = result if right else rng.choice(wrong)
        return f"{value} {operation} {amount} = ", str(shown), right
