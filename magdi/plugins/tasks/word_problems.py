"""The little language of the embedded tasks: word problems that are drawn, written, read back and solved.

A problem is a start value and some steps; nine kinds of phrase stand for four operations, and every value on the way
is a whole number from 1 to `LARGEST`. Writing and reading are inverse: what solves problems from their text alone
(`magdi.plugins.teachers.simulated`) reads them with `read_problem`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

LARGEST = 60
"""No value of a problem is larger; tokenizers have one token for each number from 0 to this one."""

NAMES = {"Mia": "she", "Ana": "she", "Zoe": "she", "Eva": "she", "Ben": "he", "Leo": "he", "Max": "he", "Tom": "he"}
"""Who problems are about, with the pronoun to use."""

THINGS = ("marbles", "coins", "cards", "shells", "stamps", "beads", "stones", "stickers")

AMOUNTS = {"+": range(2, 21), "-": range(2, 21), "*": range(2, 6), "/": range(2, 6)}
"""By operation, the amounts that a step may have."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One of the kinds of sentence that a step is told in.

    Attributes:
        kind: Its name.
        operation: ``+``, ``-``, ``*`` or ``/``.
        template: The sentence, with ``{Sub}`` for the pronoun, ``{n}`` for the amount and ``{thing}``.
    """

    kind: str
    operation: str
    template: str


PHRASES = {
    phrase.kind: phrase
    for phrase in (
        Phrase("find", "+", "{Sub} finds {n} more {thing}."),
        Phrase("buy", "+", "{Sub} buys {n} more {thing}."),
        Phrase("gift", "+", "Friends bring {n} more {thing}."),
        Phrase("lose", "-", "{Sub} loses {n} of them."),
        Phrase("sell", "-", "{Sub} sells {n} of them."),
        Phrase("donate", "-", "{Sub} donates {n} of them."),
        Phrase("trade", "*", "{Sub} gets {n} for each."),
        Phrase("copy", "*", "{Sub} makes {n} of each."),
        Phrase("share", "/", "{Sub} shares {n} equal ways."),
    )
}
"""All are six tokens long with the amount in the third place: a student of two layers finds the steps by position.

With phrases of five to eleven tokens the same student, trained alike, gets half as many problems right.
"""


def calculate(operation: str, value: int, amount: int) -> int:
    """Returns ``value operation amount``; division is rounded down (it has no remainder in a problem as drawn)."""
    match operation:
        case "+":
            return value + amount
        case "-":
            return value - amount
        case "*":
            return value * amount
        case _:
            return value // amount


@dataclass(frozen=True, slots=True)
class Line:
    """One calculation of a solution, as it was written down: ``left operation amount = right``."""

    left: int
    operation: str
    amount: int
    right: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a problem: a kind of phrase and its amount."""

    kind: str
    amount: int

    @property
    def operation(self) -> str:
        """``+``, ``-``, ``*`` or ``/``."""
        return PHRASES[self.kind].operation


@dataclass(frozen=True, slots=True)
class Problem:
    """A word problem.

    Attributes:
        start: The value at the start.
        steps: What happens, in order.
        name: Whom it is about.
        thing: What is counted.
        limit: The question is whether there are more than so many; how many there are, where it is None.
    """

    start: int
    steps: tuple[Step, ...]
    name: str
    thing: str
    limit: int | None = None

    @property
    def values(self) -> tuple[int, ...]:
        """The value at the start and after each step."""
        values = [self.start]
        for step in self.steps:
            values.append(calculate(step.operation, values[-1], step.amount))
        return tuple(values)

    @property
    def signature(self) -> str:
        """The calculation without its wording, e.g. ``12 +5 *2``; splits are disjoint in it."""
        return " ".join([str(self.start), *(f"{step.operation}{step.amount}" for step in self.steps)])

    @property
    def text(self) -> str:
        """The problem in words."""
        if self.limit is not None:
            return f"{self.story} Does {NAMES[self.name]} have more than {self.limit} {self.thing} now?"
        return f"{self.story} How many {self.thing} does {NAMES[self.name]} have now?"

    def answer(self, value: int) -> str:
        """Returns what answers the question if so many are left."""
        return str(value) if self.limit is None else "yes" if value > self.limit else "no"

    @property
    def story(self) -> str:
        """The problem in words, without its question."""
        sub = NAMES[self.name]
        told = (
            PHRASES[step.kind].template.format(Sub=sub.capitalize(), n=step.amount, thing=self.thing)
            for step in self.steps
        )
        return " ".join([f"{self.name} starts with {self.start} {self.thing}.", *told])


def draw_problem(rng: random.Random, steps: int) -> Problem:
    """Draws a problem: first the kind of each step among those that fit the value, then its amount."""
    value = start = rng.randint(1, LARGEST)
    told: list[Step] = []
    while len(told) < steps:
        fitting = _fitting(value)
        kind = rng.choice(list(fitting))
        step = Step(kind, rng.choice(fitting[kind]))
        told.append(step)
        value = calculate(step.operation, value, step.amount)
    return Problem(start, tuple(told), rng.choice(list(NAMES)), rng.choice(THINGS))


def step_of(rng: random.Random, operation: str) -> Step:
    """Draws a step of one operation, whatever comes of it."""
    return Step(rng.choice(_kinds(operation)), rng.choice(AMOUNTS[operation]))


@cache
def _kinds(operation: str) -> Sequence[str]:
    return [kind for kind, phrase in PHRASES.items() if phrase.operation == operation]


@cache
def _fitting(value: int) -> dict[str, list[int]]:
    """Returns the kinds of steps that fit a value, each with its amounts."""
    return {kind: amounts for kind in PHRASES if (amounts := _amounts(PHRASES[kind].operation, value))}


def _amounts(operation: str, value: int) -> list[int]:
    """Returns the amounts that keep the value whole and within 1..LARGEST."""
    return [
        amount
        for amount in AMOUNTS[operation]
        if 1 <= calculate(operation, value, amount) <= LARGEST and (operation != "/" or value % amount == 0)
    ]


def _pattern(phrase: Phrase) -> str:
    """Returns a regular expression of a phrase with a named group for its amount."""
    fields = {"Sub": "(?:She|He)", "n": rf"(?P<{phrase.kind}>\d+)", "thing": f"(?:{'|'.join(THINGS)})"}
    parts = re.split(r"\{(\w+)\}", phrase.template)
    return "".join(fields[part] if place % 2 else re.escape(part) for place, part in enumerate(parts))


_STEP = re.compile("|".join(_pattern(phrase) for phrase in PHRASES.values()))
_PROBLEM = re.compile(
    rf"(?P<name>{'|'.join(NAMES)}) starts with (?P<start>\d+) (?P<thing>{'|'.join(THINGS)})\."
    r"(?P<told>(?: [A-Z][^.?\n]*\.)+) (?:How many|Does (?:she|he) have more than (?P<limit>\d+))"
)


def read_problems(text: str) -> list[Problem]:
    """Returns all problems that stand in a text, in order; sentences that are no step of one are passed over."""
    return [
        Problem(
            int(found["start"]),
            read_steps(found["told"]),
            found["name"],
            found["thing"],
            int(found["limit"]) if found["limit"] else None,
        )
        for found in _PROBLEM.finditer(text)
    ]


def read_steps(told: str) -> tuple[Step, ...]:
    """Returns the steps that sentences tell."""
    return tuple(Step(str(found.lastgroup), int(found[str(found.lastgroup)])) for found in _STEP.finditer(told))


CALCULATION = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
"""A calculation, however the rest of a solution is worded."""


def read_lines(text: str) -> tuple[Line, ...]:
    """Returns the calculations that stand in a text."""
    return tuple(
        Line(int(left), operation, int(amount), int(right))
        for left, operation, amount, right in CALCULATION.findall(text)
    )


def written(lines: Iterable[Line]) -> str:
    """Returns calculations as `read_lines` reads them."""
    return " ".join(f"{line.left} {line.operation} {line.amount} = {line.right}." for line in lines)


VERDICT = re.compile(rf"{CALCULATION.pattern} (yes|no)\b")


def verified(shown: Sequence[Line], own: Sequence[Line]) -> str:
    """Returns a verification: what each step should be, and whether a solution has it so.

    A step takes six tokens, as in problems and solutions, so that a student of two layers finds its place in both.
    """
    holds = [tuple(shown[place : place + 1]) == (line,) for place, line in enumerate(own)]
    steps = (
        f"{line.left} {line.operation} {line.amount} = {line.right} {'yes' if held else 'no'}"
        for line, held in zip(own, holds, strict=True)
    )
    return " ".join([*steps, "I agree." if all(holds) else "I disagree."])


def read_verdicts(text: str) -> tuple[bool, ...]:
    """Returns which steps hold, as a verification says; empty for any other text."""
    return tuple(verdict == "yes" for *_, verdict in VERDICT.findall(text))


def worked(problem: Problem) -> str:
    """Returns a plain worked solution, ending in the sentence that students are trained to end with."""
    values = problem.values
    lines = (
        Line(before, step.operation, step.amount, after)
        for before, step, after in zip(values, problem.steps, values[1:], strict=False)
    )
    return f"{written(lines)} So the answer is {problem.answer(values[-1])}."


def words_of(texts: Sequence[str]) -> list[str]:
    """Returns the distinct words and signs of texts in the order in which they first occur."""
    return list(dict.fromkeys(word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)))
