"""What a difference between two cells is worth: paired by seed and by question, corrected for how many there are.

A claim about a method has to hold over seeds (other training questions, other first weights) and over questions (other
test questions). So both are tested, and a difference counts as shown only where both tests show it: the p that is told
is the larger one, which is a valid p for "both" (an intersection-union test), and the interval is the wider on each
side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import TypedDict

from magdi.core.evaluation.statistics import LEVEL, Interval, paired_bootstrap, wilson

NO_DIFFERENCE = "no difference shown"

Answers = Mapping[int, Mapping[str, bool]]
"""By seed, by question: whether the answer is right."""


@dataclass(frozen=True, slots=True)
class OverSeeds:
    """One figure over several seeds.

    Attributes:
        mean: Its mean.
        interval: 95 % t interval of the mean; None for one seed.
        p: Of the two-sided t test against 0; None for one seed or where all values are the same.
        values: The figure of each seed.
    """

    mean: float
    interval: Interval | None
    p: float | None
    values: tuple[float, ...]


class Mean(TypedDict):
    """A cell's accuracy.

    Attributes:
        mean: Over seeds, in [0, 1].
        interval: 95 %, the wider of t over seeds and Wilson's over questions, on each side.
        sd: Standard deviation between seeds; None for one seed.
        seeds: Accuracy by seed.
    """

    mean: float
    interval: Sequence[float]
    sd: float | None
    seeds: Mapping[str, float]


class Paired(TypedDict):
    """A cell against another, on the same seeds and questions.

    Attributes:
        difference: Accuracy less the other's, in [-1, 1]; of two gains in [-2, 2].
        interval: 95 %, the wider of t over seeds and bootstrap over questions, on each side.
        p: The larger of the two below.
        p_seeds: Two-sided paired t test over seeds; None with one seed, or where all differences are the same.
        p_questions: Exact: how likely so large a difference would be, were each question's outcomes as likely the
            other way round (seeds of a question turned together; McNemar's exact test where there is one seed).
        seeds: The difference by seed.
        questions: Questions that both have answered.
        gained: Share of them, over all seeds, that the other got wrong and it gets right; None of two gains.
        lost: Likewise right there and wrong here.
        p_holm: ``p`` corrected for all comparisons of the suite (Holm); None before it is.
    """

    difference: float
    interval: Sequence[float]
    p: float
    p_seeds: float | None
    p_questions: float
    seeds: Mapping[str, float]
    questions: int
    gained: float | None
    lost: float | None
    p_holm: float | None


def verdict(found: Paired) -> str:
    """Returns better or worse where the corrected p is below 0.05, and "no difference shown" elsewhere."""
    if (found["p"] if found["p_holm"] is None else found["p_holm"]) >= 1 - LEVEL:
        return NO_DIFFERENCE
    return "better" if found["difference"] > 0 else "worse"


def moves(found: Paired) -> str:
    """Returns how often a wrong answer has become right, and a right one wrong; empty of two gains."""
    if found["gained"] is None or found["lost"] is None:
        return ""
    return f"{100 * found['gained']:.1f} % wrong to right, {100 * found['lost']:.1f} % right to wrong"


def sentence(found: Paired, what: str) -> str:
    """Returns the verdict in words, e.g. "a against b: no difference shown: +0.4 points, -1.9 to +2.7"."""
    low, high = (100 * end for end in found["interval"])
    if not (low or high):
        return f"{what}: {verdict(found)}: as many right on every question"
    p, holm = found["p"], found["p_holm"]
    alone = f" (p {p:.2g} alone, {holm:.2g} among all comparisons)" if holm and p < 1 - LEVEL <= holm else ""
    return f"{what}: {verdict(found)}: {100 * found['difference']:+.1f} points, {low:+.1f} to {high:+.1f}{alone}"


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """Returns mean, t interval and t test of one figure over seeds.

    Give it differences between two arms, seed by seed, and it is the paired test: between seeds of the embedded
    default accuracy differs by 6-8 points, a paired difference by 1-4.
    """
    import numpy as np
    from scipy.stats import ttest_1samp

    array = np.asarray(values, dtype=float)
    mean = float(array.mean()) if len(array) else float("nan")
    if len(array) < 2:
        return OverSeeds(mean, None, None, tuple(values))
    if np.ptp(array) == 0:
        return OverSeeds(mean, (mean, mean), None, tuple(values))
    test = ttest_1samp(array, 0.0)
    low, high = test.confidence_interval(LEVEL)
    return OverSeeds(mean, (float(low), float(high)), float(test.pvalue), tuple(values))


def mean_of(answers: Answers) -> Mean:
    """Returns a cell's accuracy over its seeds; it needs one at least."""
    seeds = {seed: sum(right.values()) / len(right) for seed, right in sorted(answers.items())}
    found = over_seeds(list(seeds.values()))
    questions = min(map(len, answers.values()))
    interval = _wider(wilson(found.mean * questions, questions), found.interval)
    sd = stdev(found.values) if len(seeds) > 1 else None
    named = {str(seed): value for seed, value in seeds.items()}
    return {"mean": found.mean, "interval": _within(interval, 0.0, 1.0), "sd": sd, "seeds": named}


def paired(plus: Sequence[Answers], minus: Sequence[Answers]) -> Paired | None:
    """Returns what some cells are more than as many others; None where they share no seed and question.

    One cell against one is their difference; two against two is the difference of two gains.
    """
    gains = _gains(plus, minus)
    if not gains:
        return None
    seeds = {seed: sum(gain.values()) / len(gain) for seed, gain in gains.items()}
    by_question: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for gain in gains.values():
        by_question.update(gain)
        times.update(gain.keys())
    over = over_seeds(list(seeds.values()))
    drawn = paired_bootstrap([0.0] * len(times), [by_question[q] / times[q] for q in times])
    interval = _wider(drawn, over.interval)
    p_questions = flip_test(list(by_question.values()))
    each = [value for gain in gains.values() for value in gain.values()]
    gained, lost = (each.count(sign) / len(each) if len(plus) == 1 else None for sign in (1, -1))
    return {
        "difference": over.mean,
        "interval": _within(interval, -float(len(plus)), float(len(plus))),
        "p": max(p_questions, over.p or 0.0),
        "p_seeds": over.p,
        "p_questions": p_questions,
        "seeds": {str(seed): value for seed, value in seeds.items()},
        "questions": len(times),
        "gained": gained,
        "lost": lost,
        "p_holm": None,
    }


def _gains(plus: Sequence[Answers], minus: Sequence[Answers]) -> dict[int, dict[str, int]]:
    """Returns by seed and by question that all have, how many of ``plus`` are right less those of ``minus``."""
    everyone = [*plus, *minus]
    found: dict[int, dict[str, int]] = {}
    for seed in sorted(set.intersection(*(set(answers) for answers in everyone))):
        names = [name for name in everyone[0][seed] if all(name in answers[seed] for answers in everyone)]
        if names:
            found[seed] = {
                name: sum(each[seed][name] for each in plus) - sum(each[seed][name] for each in minus) for name in names
            }
    return found


def flip_test(sums: Sequence[int]) -> float:
    """Returns the exact two-sided p of a sum of whole numbers under random signs.

    All 2^n ways of giving each number a sign are counted, by multiplying out the distributions of the numbers of each
    size, so that thousands of questions are no more work than ten.

    Args:
        sums: By question, what one is ahead of the other, over all seeds.
    """
    import numpy as np
    from scipy.stats import binom

    chances = np.ones(1)  # of the sum -reach, -reach + 1, ..., reach
    for size, count in sorted(Counter(abs(value) for value in sums if value).items()):
        part = np.zeros(2 * size * count + 1)
        part[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, part)
    reach = len(chances) // 2
    seen = abs(sum(sums))
    if not seen:
        return 1.0
    return float(min(1.0, chances[: reach - seen + 1].sum() + chances[reach + seen :].sum()))


def corrected(found: Sequence[Paired | None]) -> list[float | None]:
    """Returns p corrected for the number of comparisons (Holm), in their order; those that there are not stay None."""
    values = iter(holm([each["p"] for each in found if each is not None]))
    return [None if each is None else next(values) for each in found]


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p values corrected for their number (Holm), for a family of comparisons."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, least = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        least = max(least, min(1.0, (len(order) - place) * p_values[index]))
        corrected[index] = least
    return corrected


def _wider(interval: Interval, other: Interval | None) -> Interval:
    return interval if other is None else (min(interval[0], other[0]), max(interval[1], other[1]))


def _within(interval: Interval, low: float, high: float) -> Interval:
    return max(low, interval[0]), min(high, interval[1])
