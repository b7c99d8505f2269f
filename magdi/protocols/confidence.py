"""Recalibration of stated confidence: language models say 0.9 far too often (ReConcile, section 4).

The table of the paper: f(1) = 1, f(p) = 0.8 for 0.9 <= p < 1, 0.5 for 0.8 <= p < 0.9, 0.3 for 0.6 < p < 0.8, else 0.1.
A fitted calibration is, for each agent, a monotone curve from stated confidence to how often such turns were right.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from magdi.core.errors import ConfigError, DataError
from magdi.core.files import read_text
from magdi.core.mag import Mag, Turn, problems_of

Calibration = Literal["paper", "stated", "equal"] | Annotated[str, StringConstraints(pattern=r"\.json$")]

LEAST = 0.1
"""What the paper's table gives to the least confident; also for turns that stated no confidence."""


class Curve(BaseModel):
    """A monotone step curve: ``right[i]`` is the accuracy of turns with confidence from ``stated[i]`` on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stated: tuple[float, ...] = Field(min_length=1, description="Confidences, rising.")
    right: tuple[float, ...] = Field(min_length=1, description="Share of turns that were right, never falling.")
    turns: int = Field(0, ge=0, description="Turns that it was fitted on.")

    def __call__(self, confidence: float) -> float:
        """Returns the share of right turns at a stated confidence."""
        return self.right[max(bisect.bisect_right(self.stated, confidence) - 1, 0)]


class Fitted(BaseModel):
    """A fitted calibration: a curve for each agent, and one over all for agents that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agents: dict[str, Curve] = Field(description="By name of the agent.")
    everyone: Curve = Field(description="Over the turns of all agents.")


def table(confidence: float | None) -> float:
    """Returns the paper's f(p); for no stated confidence, its lowest value."""
    if confidence is None or confidence <= 0.6:
        return LEAST
    if confidence < 0.8:
        return 0.3
    if confidence < 0.9:
        return 0.5
    return 0.8 if confidence < 1 else 1.0


def recalibrate(calibration: Calibration) -> Callable[[Turn], float]:
    """Returns the weight of a turn's vote under a calibration.

    Raises:
        ConfigError: The path of a fitted calibration cannot be read.
    """
    if calibration == "paper":
        return lambda turn: table(turn.confidence)
    if calibration == "equal":
        return lambda turn: 1.0
    if calibration == "stated":
        return lambda turn: LEAST if turn.confidence is None else turn.confidence
    return _by_curve(load_fitted(calibration))


def _by_curve(fitted: Fitted) -> Callable[[Turn], float]:
    def weight(turn: Turn) -> float:
        curve = fitted.agents.get(turn.agent, fitted.everyone)
        return LEAST if turn.confidence is None else curve(turn.confidence)

    return weight


def load_fitted(path: str) -> Fitted:
    """Reads a fitted calibration.

    Raises:
        ConfigError: There is none at the path.
    """
    try:
        return Fitted.model_validate_json(read_text(Path(path)))
    except (DataError, ValidationError) as error:
        said = problems_of(error) if isinstance(error, ValidationError) else error.message
        raise ConfigError(f"{path} is no fitted calibration: {said}", hint="make one: magdi mags calibrate") from None


def fit(mags: Iterable[Mag]) -> Fitted:
    """Fits a calibration to graded turns by isotonic regression, for each agent and over all.

    Raises:
        DataError: No turn has both a grade and a stated confidence.
    """
    seen: dict[str, list[tuple[float, bool]]] = {}
    for mag in mags:
        for turn in mag.turns:
            if turn.confidence is not None and turn.correct is not None:
                seen.setdefault(turn.agent, []).append((turn.confidence, turn.correct))
    if not seen:
        raise DataError("no turn has both a grade and a stated confidence: there is nothing to calibrate on")
    everyone = [pair for pairs in seen.values() for pair in pairs]
    return Fitted(agents={agent: _curve(pairs) for agent, pairs in seen.items()}, everyone=_curve(everyone))


def _curve(pairs: list[tuple[float, bool]]) -> Curve:
    from scipy.optimize import isotonic_regression

    by_confidence: dict[float, list[bool]] = {}
    for stated, right in sorted(pairs):
        by_confidence.setdefault(stated, []).append(right)
    counts = [len(rights) for rights in by_confidence.values()]
    means = [sum(rights) / len(rights) for rights in by_confidence.values()]
    fitted = isotonic_regression(means, weights=counts).x
    return Curve(stated=tuple(by_confidence), right=tuple(float(right) for right in fitted), turns=len(pairs))
