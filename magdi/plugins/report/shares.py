"""Shares and means that are None where there is nothing to be said."""

from __future__ import annotations

from collections.abc import Sequence

from magdi.core.evaluation.statistics import wilson


def mean(values: Sequence[float]) -> float | None:
    """Returns the mean; of truths the share that is true."""
    return sum(values) / len(values) if values else None


def wilson_of(values: Sequence[bool]) -> tuple[float, float]:
    """Returns Wilson's 95 % interval of the share that is true."""
    return wilson(sum(values), len(values))


def points(value: float) -> str:
    """Returns a difference of shares in percentage points, signed."""
    return f"{100 * value:+.1f}".replace("-", "−")
