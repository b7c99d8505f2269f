"""Wrong procedures that one can believe in: each is followed without a slip, and each can be corrected.

After Brown and Burton (1978), "Diagnostic models for procedural bugs in basic mathematical skills".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from magdi.plugins.tasks.word_problems import Line, Problem, Step, calculate

BUGS = {
    "order": "multiplies and divides first, then adds, then subtracts, whatever happened first",
    "carry": "forgets the ten that adding the ones gives",
    "borrow": "takes the smaller from the larger of the ones, and borrows nothing",
}
"""By name, what one who has it does."""

TOO_MUCH = {"carry": False, "borrow": True}
"""Whether what comes out of a bug is more than it should be; a matter of the problem where a bug is not named."""

PRECEDENCE = "*/+-"


def taken(steps: Sequence[Step], bugs: Collection[str]) -> Sequence[Step]:
    """Returns the steps in the order in which one with these bugs takes them."""
    return sorted(steps, key=lambda step: PRECEDENCE.index(step.operation)) if "order" in bugs else steps


def result(operation: str, value: int, amount: int, bugs: Collection[str]) -> int:
    """Returns what one with these bugs gets for ``value operation amount``."""
    right = calculate(operation, value, amount)
    ones, others = value % 10, amount % 10
    if operation == "+" and "carry" in bugs and ones + others >= 10:
        return right - 10
    if operation == "-" and "borrow" in bugs and ones < others:
        return value - ones - (amount - others) + others - ones
    return right


def work(problem: Problem, bugs: Collection[str] = ()) -> tuple[Line, ...]:
    """Returns the calculations of one with these bugs; of one without, the right ones."""
    value, lines = problem.start, []
    for step in taken(problem.steps, bugs):
        lines.append(Line(value, step.operation, step.amount, result(step.operation, value, step.amount, bugs)))
        value = lines[-1].right
    return tuple(lines)
