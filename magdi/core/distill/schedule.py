"""Which MAGs an optimizer step takes, and how they share forward passes: a pure function of seed and step.

So a run that was killed goes on with exactly the batches that it would have had, without reading the ones before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from magdi.core.distill.encoded import Size
from magdi.core.distill.layouts import Layout
from magdi.core.objective import Ints


@dataclass(frozen=True, slots=True)
class Schedule:
    """The order of MAGs.

    Attributes:
        mags: MAGs that there are.
        per_step: MAGs an optimizer step.
        total: Optimizer steps in all.
        seed: What each pass's order is drawn from.
    """

    mags: int
    per_step: int
    total: int
    seed: int

    @classmethod
    def plan(cls, mags: int, per_step: int, *, steps: int | None, epochs: float, seed: int) -> Schedule:
        """Returns the schedule of a run of so many steps, or passes where steps is None."""
        probe = cls(mags, min(per_step, mags), 1, seed)
        return cls(mags, probe.per_step, steps or max(1, math.ceil(epochs * probe.per_epoch)), seed)

    @property
    def per_epoch(self) -> int:
        """Steps of one pass over all MAGs."""
        return math.ceil(self.mags / self.per_step)

    def epoch(self, step: int) -> float:
        """Returns the passes done before a step."""
        return step / self.per_epoch

    def renewals(self, step: int, every: int | None) -> int:
        """Returns how often the MAGs were renewed before a step, where they are after every so many passes."""
        return step // self.per_epoch // every if every else 0

    def step(self, number: int) -> Ints:
        """Returns the MAGs of a step, by index."""
        epoch, place = divmod(number, self.per_epoch)
        order = _order(self.seed, epoch, self.mags)
        return order[place * self.per_step : (place + 1) * self.per_step]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, mags: int) -> Ints:
    return np.random.default_rng([seed, epoch]).permutation(mags)


def shares(indices: Ints, sizes: Sequence[Size], layout: Layout, processes: int) -> list[list[int]]:
    """Returns each process's part of a step's MAGs, so that all have about as many tokens; none where too few."""
    parts: list[list[int]] = [[] for _ in range(processes)]
    loads = [0] * processes
    for index in sorted(indices.tolist(), key=lambda i: -layout.cost([sizes[i]])):
        least = min(range(processes), key=lambda part: (bool(parts[part]), loads[part]))
        parts[least].append(index)
        loads[least] += layout.cost([sizes[index]])
    return parts


def forwards(indices: Sequence[int], sizes: Sequence[Size], layout: Layout, budget: int) -> list[list[int]]:
    """Splits MAGs into forward passes of at most ``budget`` tokens, longest first; a larger MAG goes alone."""
    groups: list[list[int]] = []
    for index in sorted(indices, key=lambda i: (-sizes[i].longest, i)):
        if groups and layout.cost([sizes[i] for i in (*groups[-1], index)]) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
