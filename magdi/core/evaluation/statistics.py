"""What a difference is worth: intervals and paired tests, in closed form where there is one, else from scipy.

"Better" is said of two models on the same questions only with one of these beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from magdi.core.errors import DataError
from magdi.core.evaluation.prediction import Prediction
from magdi.core.evaluation.voting import correct_by_question

LEVEL = 0.95
RESAMPLES = 9999

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same questions.

    Attributes:
        difference: Accuracy of the second less that of the first, in [-1, 1].
        interval: 95 % interval of the difference, paired bootstrap over questions.
        p: Of McNemar's exact test: how likely so uneven a split of the questions that only one got right would be,
            were both equally good.
        only_first: Questions that only the first got right.
        only_second: Questions that only the second got right.
        count: Questions.
    """

    difference: float
    interval: Interval
    p: float
    only_first: int
    only_second: int
    count: int

    @property
    def verdict(self) -> str:
        """Says "better" or "worse" where p < 0.05, and "no difference shown" elsewhere."""
        if self.p >= 1 - LEVEL:
            return "no difference shown"
        return "better" if self.difference > 0 else "worse"


def wilson(right: float, count: int) -> Interval:
    """Returns the Wilson 95 % interval of a share, (0, 1) of nothing; ``right`` may be a mean over seeds."""
    if count == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share, less = right / count, 1 + z * z / count
    middle = (share + z * z / (2 * count)) / less
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / less
    return max(0.0, middle - half), min(1.0, middle + half)


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Returns p of McNemar's exact test: are the questions that only one got right split evenly? A sign test of them.

    Args:
        first: Which questions one model got right.
        second: Which of the same questions, in the same order, the other got right.
    """
    sides = [a for a, b in zip(first, second, strict=True) if a != b]
    count, splits, so_uneven = len(sides), 1, 1
    for k in range(min(sum(sides), count - sum(sides))):
        splits = splits * (count - k) // (k + 1)
        so_uneven += splits
    return min(1.0, 2 * so_uneven / (1 << count))


def paired_bootstrap(first: Sequence[float], second: Sequence[float], *, seed: int = 0) -> Interval:
    """Returns a 95 % interval of the mean difference, second less first, over questions drawn with replacement."""
    import numpy as np
    from scipy.stats import bootstrap

    differences = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    if len(differences) < 2 or np.ptp(differences) == 0:
        mean = float(differences.mean()) if len(differences) else 0.0
        return mean, mean
    found = bootstrap(
        (differences,), np.mean, n_resamples=RESAMPLES, batch=500, method="percentile", confidence_level=LEVEL, rng=seed
    ).confidence_interval
    return float(found.low), float(found.high)


def compare(first: Sequence[bool], second: Sequence[bool], *, seed: int = 0) -> Comparison:
    """Compares two models by which of the same questions, in the same order, they got right."""
    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    count = len(first)
    return Comparison(
        difference=(only_second - only_first) / count if count else 0.0,
        interval=paired_bootstrap(first, second, seed=seed),
        p=mcnemar(first, second) if count else 1.0,
        only_first=only_first,
        only_second=only_second,
        count=count,
    )


def paired_difference(first: Iterable[Prediction], second: Iterable[Prediction], *, seed: int = 0) -> Comparison:
    """Compares two models on the questions that both have answered.

    Raises:
        DataError: They have no question in common.
    """
    left, right = correct_by_question(first), correct_by_question(second)
    common = [name for name in left if name in right]
    if not common:
        raise DataError("the two have no question in common, so they cannot be compared")
    return compare([left[name] for name in common], [right[name] for name in common], seed=seed)
