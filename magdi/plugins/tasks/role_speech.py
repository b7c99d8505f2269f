"""What a tiny base that is to be a team reads besides: what generators, verifiers and refiners are asked, and say.

It learns the form and not the trade. A verifier's verdict is drawn without a look at the solution, so that it is right
no more often than chance has it, and names any step; a refiner repeats what it was shown and takes over what the
verifier says. A generator solves problems of one or two steps, as in the primer, and only tells longer ones again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from magdi.core.discussion.stepper import Stepper
from magdi.core.mag import Question
from magdi.core.protocol import agents_named
from magdi.core.task import Document
from magdi.plugins.answers import extract
from magdi.plugins.tasks.arithmetic_primer import MOST_STEPS, OFF_BY, WHAT, draw_belonging, retold
from magdi.plugins.tasks.word_problems import LARGEST, Line, Problem, calculate
from magdi.protocols.malt import ROLES, Malt

SOLVED_STEPS = 2
"""Most steps of a problem that a generator solves."""

SOUND = 0.5
"""Share of the solutions shown to verifiers and refiners that are right."""

AGREES = 0.75
"""Share of verdicts that agree, with right solutions and with wrong ones alike."""


def role_speech(seed: int, chains: int, belongs: Callable[[Problem], bool]) -> list[Document]:
    """Returns a generator's, a verifier's and a refiner's document a chain, each after the prompt that `malt` makes.

    Args:
        seed: Seed of the documents.
        chains: How many.
        belongs: Whether a problem may be used.
    """
    rng = random.Random(f"arithmetic/roles/{seed}")
    problems = (draw_belonging(rng, 1 + number % MOST_STEPS, belongs) for number in range(chains))
    return [document for problem in problems for document in _chain(rng, problem)]


def _chain(rng: random.Random, problem: Problem) -> Iterator[Document]:
    shown = _lines(problem)
    if rng.random() >= SOUND:
        _, shown = _changed(rng, shown)
    verdict, refined = _verified(rng, shown)
    prompts = _prompts(problem.text, [_written(problem, shown), verdict, _written(problem, refined)])
    if len(problem.steps) <= SOLVED_STEPS:
        yield _document(prompts[0], _written(problem, _lines(problem)))
    else:
        yield _document(prompts[0].replace(problem.text, f"{problem.story} {WHAT}"), retold(problem))
    yield _document(prompts[1], verdict)
    yield _document(prompts[2], _written(problem, refined))


def _document(prompt: str, reply: str) -> Document:
    text = f"{prompt}\n{reply}"
    return Document(text, learn=((len(prompt) + 1, len(text)),))


def _prompts(question: str, replies: list[str]) -> list[str]:
    """Returns what the roles are asked when these are their replies."""
    asked = Question(id="primer", text=question, gold="0", answer_type="number", task="arithmetic")
    protocol = Malt(Malt.Config(mode="vote", samples=1))
    stepper = Stepper(asked, protocol, agents_named(ROLES), grade=lambda answer, gold: answer == gold)
    prompts = []
    for reply in replies:
        ((step, ask, messages, _),) = stepper.pending
        prompts.append(messages[-1].content)
        stepper.answer(step, ask.reply.parse(reply, lambda text: extract(text, asked)), reply)
    return prompts


def _lines(problem: Problem) -> list[Line]:
    values = problem.values
    return [
        Line(before, step.operation, step.amount, after)
        for before, step, after in zip(values, problem.steps, values[1:], strict=False)
    ]


def _verified(rng: random.Random, lines: list[Line]) -> tuple[str, list[Line]]:
    """Returns a verdict, and what becomes of the solution by it."""
    place, changed = _changed(rng, lines)
    if rng.random() < AGREES or changed == lines:
        return f"I agree. I checked it and get {lines[-1].right} too.", lines
    line = changed[place]
    said = f"{line.left} {line.operation} {line.amount} = {line.right}"
    return f"I disagree with step {place + 1}. It should be {said}.", changed


def _changed(rng: random.Random, lines: list[Line]) -> tuple[int, list[Line]]:
    """Returns a step, and the lines with another result of it and what follows; the lines as they are if none fits."""
    for place in rng.sample(range(len(lines)), len(lines)):
        right = calculate(lines[place].operation, lines[place].left, lines[place].amount)
        offs = [right + off for off in rng.sample(OFF_BY, len(OFF_BY))]
        for result in [right] if right != lines[place].right else offs:
            rest = _gone_on(replace(lines[place], right=result), lines[place + 1 :])
            if all(map(_fits, rest)):
                return place, [*lines[:place], *rest]
    return 0, lines


def _gone_on(line: Line, others: Sequence[Line]) -> list[Line]:
    """Returns a line and those after it, worked out anew."""
    rest = [line]
    for other in others:
        left = rest[-1].right
        rest.append(Line(left, other.operation, other.amount, calculate(other.operation, left, other.amount)))
    return rest


def _fits(line: Line) -> bool:
    return 1 <= line.right <= LARGEST and (line.operation != "/" or line.left % line.amount == 0)


def _written(problem: Problem, lines: Sequence[Line]) -> str:
    calculations = [f"{line.left} {line.operation} {line.amount} = {line.right}." for line in lines]
    return " ".join([*calculations, f"The answer is {problem.answer(lines[-1].right)}."])
