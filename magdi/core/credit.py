"""Credit: which turns were right to be said, by what came of them (MALT, section 4.2; arXiv 2412.01928).

A turn's value is the mean of the values of what grew from it; where a discussion ends, 1 for a right answer and 0 for
a wrong one. A label is made of it by a threshold, or by comparing it with what else was said after the same prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from pydantic import BaseModel, Field

from magdi.core.mag import Mag, Turn

Rule = Literal["recorded", "threshold", "interval"]


class Credit(BaseModel, extra="forbid", frozen=True):
    """How values become labels."""

    labels: Rule = Field(
        "recorded",
        description="Labels as the MAGs have them; or from values: right above theta; or right where it beats what "
        "was said after the same prompt by the gap and nothing beats it so (wrong the other way round).",
    )
    theta: float = Field(0.5, ge=0, le=1, description="Threshold of values.")
    gap: float = Field(0.5, gt=0, le=1, description="Least difference of values, for labels interval.")

    def label(self, value: float, siblings: Sequence[float]) -> bool | None:
        """Returns the label of a value among those of everything said after the same prompt, itself included."""
        if self.labels != "interval":
            return value > self.theta
        beats = value - min(siblings) >= self.gap
        beaten = max(siblings) - value >= self.gap
        return None if beats == beaten else beats


def credited(mag: Mag, prompts: Sequence[int], credit: Credit) -> Mag:
    """Returns a MAG in which labels say whether a turn did its own role's work well, not whether its answer is right.

    A turn that can be neither right nor wrong by itself (a critique, a summary) and has no value gets the mean of the
    turns that were shown it or, where nobody was, what the discussion's decision was worth.

    Args:
        mag: A MAG.
        prompts: By turn, the number of its prompt.
        credit: How values become labels.
    """
    values = _values(mag)
    siblings: dict[int, list[float]] = {}
    for step, value in values.items():
        siblings.setdefault(prompts[step], []).append(value)

    def labelled(turn: Turn) -> Turn:
        value = values.get(turn.step)
        if value is None or (credit.labels == "recorded" and (turn.label is not None or turn.value is not None)):
            return turn
        label = credit.label(value, siblings[prompts[turn.step]])
        source = "none" if label is None else "value"
        return turn.model_copy(update={"value": value, "label": label, "label_source": source})

    return mag.model_copy(update={"turns": tuple(map(labelled, mag.turns))})


def _values(mag: Mag) -> dict[int, float]:
    """Returns by step the values of all turns that have one, or from which one can be backed up."""
    shown_to: dict[int, list[int]] = {}
    for turn in mag.turns:
        for edge in turn.seen:
            if edge.kind != "control":
                shown_to.setdefault(edge.step, []).append(turn.step)
    values: dict[int, float] = {}
    for turn in reversed(mag.turns):
        value = turn.value if turn.label is None or turn.value is not None else float(turn.label)
        if value is None and turn.answer is None and turn.status != "invalid":
            after = [values.get(step) for step in shown_to.get(turn.step, ())] or [_worth(mag)]
            known = [each for each in after if each is not None]
            value = fmean(known) if known else None
        if value is not None:
            values[turn.step] = value
    return values


def _worth(mag: Mag) -> float | None:
    return None if mag.decision.correct is None else float(mag.decision.correct)


def of_own_answer(mag: Mag) -> Mag:
    """Returns a MAG in which labels say whether a turn's own answer is right: values of what followed say less."""
    if all(turn.label_source != "value" for turn in mag.turns):
        return mag

    def graded(turn: Turn) -> Turn:
        if turn.label_source != "value":
            return turn
        source = "none" if turn.correct is None else "gold"
        return turn.model_copy(update={"label": turn.correct, "label_source": source})

    return mag.model_copy(update={"turns": tuple(map(graded, mag.turns))})
