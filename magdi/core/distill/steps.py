"""Optimizer steps as the Trainer's batches: their forward passes, what is counted of them, what they are scaled by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch.utils.data import Dataset

from magdi.core.config.models import Reduction
from magdi.core.distill.batch import MagBatch, collate
from magdi.core.distill.corpus import Corpus
from magdi.core.distill.encoded import Size
from magdi.core.distill.layouts import Layout
from magdi.core.distill.schedule import Schedule, forwards, shares
from magdi.core.objective import Objective


@dataclass(frozen=True, slots=True)
class Step:
    """An optimizer step's share of one process.

    Attributes:
        number: The step, from 0.
        batches: Forward passes, at least one.
        size: What is counted of the whole step, all processes together.
        mags: MAGs of the whole step.
        idle: How many of them, the last ones, are made for company alone: other processes make more.
    """

    number: int
    batches: tuple[MagBatch, ...]
    size: Size
    mags: int
    idle: int = 0


@dataclass(slots=True)
class Steps(Dataset[Step]):
    """All optimizer steps of a run, made when they are asked for.

    Attributes:
        corpus: The MAGs.
        schedule: Which of them a step takes.
        layout: How they share forward passes.
        budget: Most tokens of a forward pass.
        rank: This process.
        processes: How many there are.
        even: Whether all processes have to make equally many forward passes.
        every: Passes after which the MAGs are renewed; None for never.
        renewed: Returns the MAGs after so many renewals.
    """

    corpus: Corpus
    schedule: Schedule
    layout: Layout
    budget: int
    rank: int = 0
    processes: int = 1
    even: bool = False
    every: int | None = None
    renewed: Callable[[int], Corpus] | None = None

    def __len__(self) -> int:
        return self.schedule.total

    def __getitem__(self, number: int) -> Step:
        chosen, corpus = self.schedule.step(number), self.corpus_at(number)
        sizes = corpus.sizes
        groups, idle = self.passes(shares(chosen, sizes, self.layout, self.processes), sizes)
        batches = [collate(corpus[group], self.layout) for group in groups or [chosen[:1].tolist()]]
        batches += (len(groups) + idle - len(batches)) * batches[-1:]
        return Step(number, tuple(batches), summed([sizes[index] for index in chosen.tolist()]), len(chosen), idle)

    def passes(self, parts: Sequence[Sequence[int]], sizes: Sequence[Size]) -> tuple[list[list[int]], int]:
        """Returns this process's forward passes over its part, and how many more other processes make."""
        own = forwards(parts[self.rank], sizes, self.layout, self.budget)
        others = [forwards(each, sizes, self.layout, self.budget) for each in parts] if self.even else []
        return own, max(1, *map(len, others), len(own)) - len(own)

    def corpus_at(self, number: int) -> Corpus:
        """Returns what a step takes MAGs from; they are renewed when the first step after a renewal is asked for."""
        renewals = self.renewals(number)
        return self.renewed(renewals) if renewals and self.renewed is not None else self.corpus

    def renewals(self, number: int) -> int:
        """Returns how often the MAGs were renewed before a step."""
        return self.schedule.renewals(number, self.every)


def summed(sizes: Sequence[Size]) -> Size:
    """Returns the counts of some MAGs together."""
    return Size.from_row([sum(column) for column in zip(*(size.row() for size in sizes), strict=True)])


def scales(
    objectives: Mapping[str, Objective], weights: Mapping[str, float], size: Size, reduction: Reduction, processes: int
) -> dict[str, float]:
    """Returns what each objective's sums over a step are multiplied by.

    Means are over the whole step, so that neither the number of forward passes nor that of processes changes them;
    gradients are averaged over processes, hence their number.
    """

    def over(count: int) -> float:
        return processes / max(1, count) if reduction == "mean" else float(processes)

    return {name: weights[name] * over(count) for name, count in zip(objectives, size.counts, strict=True)}
