"""What a tiny base that is to be a team reads besides: what generators, verifiers and refiners are asked, and say.

Short problems it learns to solve, to verify and to put right, as in the primer it learns to solve them. Of longer ones
it learns to tell them again, to copy, and what follows from what stands there: results, verdicts on what it has
written itself, answers. Which step comes next, and so how to verify a longer solution, it does not learn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from magdi.core.discussion.stepper import Stepper
from magdi.core.mag import Question
from magdi.core.protocol import agents_named
from magdi.core.task import Document
from magdi.plugins.answers import extract
from magdi.plugins.tasks.arithmetic_primer import OFF_BY, WHAT, retold
from magdi.plugins.tasks.word_problems import LARGEST, Line, Problem, calculate, verified, written
from magdi.protocols.malt import ROLES, Malt

SHORT = 2
"""Most steps of a problem that is solved, verified and put right."""

SOUND = 0.5
"""Share of the solutions shown to verifiers and refiners that are right."""

FOLLOWS = re.compile(r"\d+(?= [-+*/])|(?<== )\d+(?:\.| (?:yes|no))|I (?:dis)?agree\.|The answer is \w+\.")
"""What in a reply follows from what stands before it, whichever step was taken."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A problem, and what two make of it.

    Attributes:
        problem: The problem.
        shown: The solution that is shown to the verifier.
        own: The verifier's own, and what comes of it in the end.
    """

    problem: Problem
    shown: Sequence[Line]
    own: Sequence[Line]

    @property
    def documents(self) -> Iterator[Document]:
        """A generator's, a verifier's and a refiner's, each after the prompt that `malt` makes."""
        problem, verdict, final = self.problem, verified(self.shown, self.own), self._written(self.own)
        prompts = _prompts(problem, [self._written(self.shown), verdict, final])
        short = len(problem.steps) <= SHORT
        if not short:
            yield _document(prompts[0].replace(problem.text, f"{problem.story} {WHAT}"), retold(problem), whole=True)
        yield _document(prompts[0], final, whole=short)
        yield _document(prompts[1], verdict, whole=short)
        yield _document(prompts[2], final, whole=True)  # all of it stands in the verification

    def _written(self, lines: Sequence[Line]) -> str:
        return f"{written(lines)} The answer is {self.problem.answer(lines[-1].right)}."


def _document(prompt: str, reply: str, *, whole: bool) -> Document:
    """Returns a document of which the reply is learned, or only what follows in it."""
    start = len(prompt) + 1
    spans = [(0, len(reply))] if whole else [found.span() for found in FOLLOWS.finditer(reply)]
    return Document(f"{prompt}\n{reply}", learn=tuple((start + first, start + last) for first, last in spans))


def _prompts(problem: Problem, replies: Sequence[str]) -> list[str]:
    """Returns what the roles are asked when these are their replies."""
    kind = "number" if problem.limit is None else "boolean"
    asked = Question(id="primer", text=problem.text, gold=problem.answer(0), answer_type=kind, task="primer")
    protocol = Malt(Malt.Config(mode="vote", samples=1))
    stepper = Stepper(asked, protocol, agents_named(ROLES), grade=lambda answer, gold: answer == gold)
    prompts = []
    for reply in replies:
        ((step, ask, messages, _),) = stepper.pending
        prompts.append(messages[-1].content)
        stepper.answer(step, ask.reply.parse(reply, lambda text: extract(text, asked)), reply)
    return prompts


def slipped(rng: random.Random, lines: Sequence[Line]) -> Sequence[Line]:
    """Returns a solution with another operation or result in one step, and what follows; as it is where none fits."""
    for place in rng.sample(range(len(lines)), len(lines)):
        for wrong in rng.sample(others := _others(lines[place]), len(others)):
            rest = _gone_on(wrong, lines[place + 1 :])
            if all(map(_fits, rest)):
                return [*lines[:place], *rest]
    return lines


def _others(line: Line) -> list[Line]:
    misread = [replace(line, operation=each) for each in "+-*/" if each != line.operation]
    misread = [replace(each, right=calculate(each.operation, each.left, each.amount)) for each in misread]
    return misread + [replace(line, right=line.right + off) for off in OFF_BY]


def _gone_on(line: Line, others: Sequence[Line]) -> list[Line]:
    """Returns a line and those after it, worked out anew."""
    rest = [line]
    for other in others:
        left = rest[-1].right
        rest.append(Line(left, other.operation, other.amount, calculate(other.operation, left, other.amount)))
    return rest


def _fits(line: Line) -> bool:
    return 1 <= line.right <= LARGEST and (line.operation != "/" or line.left % line.amount == 0)
