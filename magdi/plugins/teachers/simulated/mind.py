"""What a simulated teacher comes to think: alone, and after having heard the others."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from magdi.plugins.tasks.word_problems import Problem
from magdi.plugins.teachers.simulated.profiles import SimulatedConfig
from magdi.plugins.teachers.simulated.solver import Solution, solve
from magdi.plugins.teachers.simulated.understanding import OPTION, Heard, Shown

SURE = 0.99
UNSURE = 0.05
DOUBTFUL = 0.35
"""How sure a teacher is of a solution whose slip it feels."""

SUPPORT = 0.5
"""How far the others move confidence from what is felt alone towards the share of them that agrees."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a teacher says.

    Attributes:
        solution: Its solution.
        confidence: What it states, 0..1, in steps of 0.01.
    """

    solution: Solution
    confidence: float


def opinion(heard: Heard, config: SimulatedConfig, rng: random.Random) -> Opinion:
    """Returns what a teacher thinks of a prompt's question; without a problem that it can read, it guesses."""
    if heard.problem is None:
        return _guess(heard, config, rng)
    given = [turn for turn in heard.others if turn.answer is not None]
    if given and heard.verdicts and not _insists(heard.problem, config):
        return _refined(heard.problem, given[-1], heard.verdicts, config, rng)
    own = _recalled(heard, config) or solve(heard.problem, config, rng)
    if not given:
        return Opinion(own, _stated(own, None, config, rng))
    mine = [heard.own] if heard.own and heard.own.answer is not None else []
    solution = _weigh(heard, own, leader([*mine, *given]), config, rng)
    support = sum(turn.answer == solution.answer for turn in given) / len(given)
    return Opinion(solution, _stated(solution, support, config, rng))


def _recalled(heard: Heard, config: SimulatedConfig) -> Solution | None:
    """Returns the solution that the teacher gave before, where the prompt shows it."""
    if heard.own is None or heard.own.answer is None:
        return None
    return Solution(heard.own.lines, heard.own.answer, expected=heard.own.confidence - config.confidence_bias)


def leader(turns: Sequence[Shown]) -> Shown:
    """Returns the most confident turn of the answer with the most confidence behind it; ties go to the first."""
    weights: dict[str | None, float] = {}
    for turn in turns:
        weights[turn.answer] = weights.get(turn.answer, 0.0) + turn.confidence
    answer = max(weights, key=lambda key: weights[key])
    return max((turn for turn in turns if turn.answer == answer), key=lambda turn: turn.confidence)


def _weigh(heard: Heard, own: Solution, leading: Shown, config: SimulatedConfig, rng: random.Random) -> Solution:
    """Returns a teacher's own solution, worked out again or not, or the leading one."""
    assert heard.problem is not None
    if leading.answer == own.answer:
        again = rng.random() >= config.keep
    elif _insists(heard.problem, config):
        return own
    else:
        again = rng.random() < config.recheck
        if not again:
            return Solution(leading.lines, str(leading.answer), expected=leading.confidence)
    return solve(heard.problem, config, rng, config.care) if again else own


def _refined(
    problem: Problem, shown: Shown, verdicts: Sequence[bool], config: SimulatedConfig, rng: random.Random
) -> Opinion:
    """Keeps what was found to hold of a solution, and works out the rest with care."""
    if all(verdicts):
        return Opinion(Solution(shown.lines, str(shown.answer), expected=shown.confidence), shown.confidence)
    solution = solve(problem, config, rng, config.care, begun=shown.lines[: verdicts.index(False)])
    return Opinion(solution, _stated(solution, None, config, rng))


def _insists(problem: Problem, config: SimulatedConfig) -> bool:
    """Returns whether a teacher is stubborn about a problem: a matter of its character, not of the moment."""
    mood = random.Random(f"{config.seed} {config.profile} {problem.signature}")
    return mood.random() < config.stubborn


def _stated(solution: Solution, support: float | None, config: SimulatedConfig, rng: random.Random) -> float:
    """Returns the confidence that is stated: felt, moved by support, biased, and noisy."""
    felt = solution.expected
    if solution.slipped and rng.random() < config.doubt:
        felt = min(felt, DOUBTFUL)
    if support is not None:
        felt += SUPPORT * (support - felt)
    stated = felt + config.confidence_bias + rng.gauss(0, config.noise)
    return round(min(max(stated, UNSURE), SURE), 2)


def _guess(heard: Heard, config: SimulatedConfig, rng: random.Random) -> Opinion:
    """Returns the leading answer of others, or else one of the options, with little confidence."""
    given = [turn for turn in heard.others if turn.answer is not None]
    if given:
        leading = leader(given)
        return Opinion(Solution(leading.lines, str(leading.answer)), UNSURE)
    options = OPTION.findall(heard.question)
    if not options:
        options = ["yes", "no"] if "yes or no" in heard.question else [str(number) for number in range(1, 61)]
    return Opinion(Solution((), rng.choice(options)), UNSURE)
