"""Training curves from metrics.jsonl: plots by what the measurements are called, so that new ones are drawn too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from statistics import fmean
from typing import Any

from magdi.plugins.report.blocks import Block, Curves, Series

MOST_POINTS = 2000  # of a line; more cannot be told apart on a screen
LEAST_POINTS = 50  # of a line among many
MOST_THIN = 60  # runs of a plot that are drawn behind their means
TITLES = {
    "loss": ("Losses", "each a mean over what it counts: tokens, pairs, nodes (Eq. 1-3)"),
    "weighted": ("Weighted losses", "as they are added up (Eq. 4)"),
    "grad_norm": ("Gradient norms at the student", "of each weighted loss, measured on its own"),
    "accuracy": ("Accuracies of the heads", "on the MAGs that are trained on"),
}
NAMES = {"positive": "L+ next token", "margin": "L− margin", "node": "L_I node"}
SINGLE = {
    "eval_loss": "Loss on held-out MAGs",
    "learning_rate": "Learning rate",
    "tokens_per_second": "Tokens a second",
    "mags_per_second": "MAGs a second",
    "memory_mib": "Memory, MiB",
}
TOTALS = {"loss": ("weighted", "sum"), "grad_norm": ("grad_norm", "all, before clipping")}
UNSHOWN = {"step", "epoch", "passes", "progress", "threads"}


Lines = Sequence[Mapping[str, Any]]
"""The measurements of a run, one a step."""


def curves(lines: Lines) -> Iterator[Block]:
    """Yields a plot for each group of measurements."""
    lines = _thinned(lines, MOST_POINTS)
    for group, named in _groups(lines):
        series = tuple(_series(lines, name, label) for name, label in named)
        title, note = TITLES.get(group, (SINGLE.get(group, group), ""))
        yield Curves(title, "step", series, note=note, percent=group == "accuracy", half=True, group="training")


def overlaid(runs: Mapping[str, Sequence[Lines]]) -> Iterator[Block]:
    """Yields a plot for each measurement, with a line for each name: of its run, or the mean of several.

    Behind a mean each of its runs is a thin line, unless there are too many to be told apart.
    """
    each = max(LEAST_POINTS, MOST_POINTS // max(1, sum(map(len, runs.values()))))
    thin = sum(map(len, runs.values())) <= MOST_THIN
    runs = {name: [_thinned(lines, each) for lines in some if lines] for name, some in runs.items()}
    for group, named in _groups([line for some in runs.values() for lines in some for line in lines]):
        title, note = TITLES.get(group, (SINGLE.get(group, group), ""))
        for name, label in named:
            plot = f"{title}: {label}" if group in TITLES else title
            found = (_of_name(at, *item, name) for at, item in enumerate(runs.items()))
            series = tuple(line for line in chain.from_iterable(found) if thin or not line.thin)
            yield Curves(plot, "step", series, note=note, percent=group == "accuracy", half=True, group="training")


def _of_name(hue: int, name: str, runs: Sequence[Lines], measurement: str) -> Iterator[Series]:
    found = [series for lines in runs if (series := _series(lines, measurement, name)).x]
    if len(found) > 1:
        yield from (replace(series, hue=hue, thin=True) for series in found)
        by_step: dict[float, list[float]] = {}
        for step, value in chain.from_iterable(zip(series.x, series.y, strict=True) for series in found):
            by_step.setdefault(step, []).append(value if value is not None else math.nan)
        common = {step: fmean(values) for step, values in sorted(by_step.items()) if len(values) == len(found)}
        yield Series(f"{name}, mean of {len(found)}", tuple(common), tuple(common.values()), hue=hue)
    elif found:
        yield replace(found[0], hue=hue)


def _thinned(lines: Lines, most: int) -> Lines:
    return lines[:: max(1, -(-len(lines) // most))]


def _groups(lines: Lines) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yields groups of measurements, each with its (name, label) pairs, known ones first."""
    names = dict.fromkeys(name for line in lines for name in line if name not in UNSHOWN)
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        group, slash, rest = name.partition("/")
        if not slash:
            group, rest = TOTALS.get(name, (name, SINGLE.get(name, name)))
        groups.setdefault(group, []).append((name, NAMES.get(rest, rest)))
    known = [*TITLES, *SINGLE]
    for group in sorted(groups, key=lambda each: known.index(each) if each in known else len(known)):
        yield group, sorted(groups[group], key=_order)


def _order(named: tuple[str, str]) -> int:
    """The paper's losses first, in its order, sums last, so that a loss has one colour in all plots."""
    labels = list(NAMES.values())
    if named[1] in labels:
        return labels.index(named[1])
    return len(labels) + (named[1] in dict(TOTALS.values()).values())


def _series(lines: Lines, name: str, label: str) -> Series:
    having = [line for line in lines if isinstance(line.get(name), int | float)]
    return Series(label, tuple(float(line["step"]) for line in having), tuple(float(line[name]) for line in having))
