"""Solving a word problem step by step, now and then with a slip."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from magdi.plugins.tasks.arithmetic_primer import OFF_BY
from magdi.plugins.tasks.procedures import result, taken
from magdi.plugins.tasks.word_problems import LARGEST, Line, Problem, Step, calculate
from magdi.plugins.teachers.simulated.profiles import SimulatedConfig

MOST_LIKELY = 0.9
"""No slip is more likely than this, however hard the problem."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A solution that somebody has come to.

    Attributes:
        lines: Its calculations; empty where none could be read.
        answer: Its answer, as text.
        slipped: Whether there is a slip in it that its author made just now (the author may feel it).
        expected: How likely the author thinks itself to be right on such a problem, before any doubt.
    """

    lines: tuple[Line, ...]
    answer: str
    slipped: bool = False
    expected: float = 0.5


def hardness(problem: Problem, levels: Sequence[float]) -> float:
    """Returns how hard a problem is: one of the levels by its hash, so that it is as hard for everybody."""
    digest = hashlib.blake2b(f"hardness {problem.signature}".encode(), digest_size=4).digest()
    return levels[int.from_bytes(digest) % len(levels)]


def solve(
    problem: Problem, config: SimulatedConfig, rng: random.Random, care: float = 1.0, begun: Sequence[Line] = ()
) -> Solution:
    """Solves a problem from its text alone.

    Args:
        problem: What was read.
        config: How likely slips are.
        rng: Decides on them.
        care: What the chance of a slip is multiplied by.
        begun: Steps that have been taken already.
    """
    factor = care * hardness(problem, config.hardness)
    slipped, expected = False, 1.0
    lines = list(begun)
    bugs = believed(problem, config)
    steps = _left(taken(problem.steps, bugs), begun)
    value = begun[-1].right if begun else problem.start
    for place, step in enumerate(steps):
        usual = config.weak.get(step.kind, config.slip)
        expected *= 1 - usual
        line = Line(value, step.operation, step.amount, result(step.operation, value, step.amount, bugs))
        if rng.random() < min(usual * factor, MOST_LIKELY):
            wrong = _slip(line, steps[place + 1 :], config.misread, rng)
            slipped, line = slipped or wrong != line, wrong
        lines.append(line)
        value = line.right
    return Solution(tuple(lines), problem.answer(value), slipped, expected)


def _left(steps: Sequence[Step], begun: Sequence[Line]) -> Sequence[Step]:
    """Returns the steps still to be taken; a line that is none of them stands for the first that is left."""
    left = list(steps)
    for line in begun[: len(steps)]:
        same = [step for step in left if (step.operation, step.amount) == (line.operation, line.amount)]
        left.remove((same or left)[0])
    return left


def believed(problem: Problem, config: SimulatedConfig) -> frozenset[str]:
    """Returns the bugs that a teacher solves a problem with: a matter of its mind, not of the moment."""
    mind = f"{config.seed} {config.profile} {problem.signature}"
    return frozenset(bug for bug, share in config.bugs.items() if random.Random(f"{bug} {mind}").random() < share)


def _slip(line: Line, rest: Sequence[Step], misread: float, rng: random.Random) -> Line:
    """Returns a line gone wrong from which the rest of the problem can still be worked out; the line itself if none."""
    misreadings = [
        Line(line.left, operation, line.amount, calculate(operation, line.left, line.amount))
        for operation in "+-*/"
        if operation != line.operation and (operation != "/" or line.left % max(line.amount, 1) == 0)
    ]
    mistakes = [Line(line.left, line.operation, line.amount, line.right + off) for off in OFF_BY]
    first, second = (misreadings, mistakes) if rng.random() < misread else (mistakes, misreadings)
    for candidates in (first, second):
        possible = [wrong for wrong in candidates if wrong.right != line.right and _goes_on(wrong.right, rest)]
        if possible:
            return rng.choice(possible)
    return line


def _goes_on(value: int, rest: Sequence[Step]) -> bool:
    """Returns whether the steps to come keep a value within 1..LARGEST."""
    for step in rest:
        if not 1 <= value <= LARGEST:
            return False
        value = calculate(step.operation, value, step.amount)
    return 1 <= value <= LARGEST
