"""L-, a margin between right and wrong reasoning (MAGDi, Eq. 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, PositiveInt

from magdi.core.objective import PAIRS, Chain, Ints, Objective, ObjectiveConfig, Selecting, Taken

if TYPE_CHECKING:
    from torch import Tensor, nn

    from magdi.core.distill.objective_batch import ObjectiveBatch
    from magdi.core.encoder import Encoder

Pairs = Literal["all", "sampled"]


class Margin(Objective):
    r"""Wants a right turn's score to be above a wrong turn's by a margin.

    .. math:: L_- = \sum_{(x_+, x_-)} \max(0, \rho - s(x_+) + s(x_-)), \quad s(x) = \tanh(\mathrm{MLP}(h_x))
    """

    columns = {"pairs": PAIRS}
    unit = "pairs"
    sign = "L-"
    lacking = "no right turn beside a wrong one"

    class Config(ObjectiveConfig):
        """The margin, and which pairs there are."""

        weight: float = Field(0.1, ge=0, description="beta of Eq. 4.")
        rho: float = Field(1.0, gt=0, description="The margin.")
        pairs: Pairs = Field("all", description="All right-wrong pairs of a MAG (Eq. 2), or Appendix A's sampling.")
        hidden: PositiveInt | Literal["student"] | None = Field(
            None, description="Width of the score head's hidden layer; the student's, at most 1,024, when null."
        )
        states: Literal["live", "frozen"] = Field(
            "live", description="Whether it reaches the student, or trains its head only."
        )

    def select(self, given: Selecting) -> Taken:
        """Pairs every right turn with every wrong one."""
        return {"pairs": right_and_wrong(given, self.config.pairs)}

    def head(self, dim: int, encoder: Encoder | None) -> nn.Module:
        """Makes s of Eq. 2."""
        from torch import nn

        from magdi.core.encoder import hidden_width
        from magdi.plugins.objectives.score_head import ScoreHead

        hidden = dim if self.config.hidden == "student" else hidden_width(self.config.hidden, dim)
        return nn.ModuleDict({"score": ScoreHead(dim, hidden)})

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns L- of Eq. 2."""
        scores: Tensor = batch.head["score"](batch.pooled(frozen=self.config.states == "frozen"))
        right, wrong = (scores[side] for side in batch["pairs"])
        batch.log("accuracy/pairs", (right > wrong).sum())
        rho: float = self.config.rho
        return (rho - right + wrong).relu().sum()


def right_and_wrong(given: Selecting, which: Pairs) -> list[tuple[Chain, Chain]]:
    """Returns pairs of a right and a wrong turn of a MAG: all, or as many as Appendix A draws."""
    right = [turn.step for turn in given.mag.turns if turn.label is True]
    wrong = [turn.step for turn in given.mag.turns if turn.label is False]
    pairs = np.array([(plus, minus) for plus in right for minus in wrong], dtype=np.int64).reshape(-1, 2).T
    if which == "sampled" and pairs.size:
        pairs = sampled_pairs(pairs, given.rng)
    return [(Chain(plus), Chain(minus)) for plus, minus in pairs.T.tolist()]


def sampled_pairs(pairs: Ints, rng: np.random.Generator) -> Ints:
    """Returns Appendix A's pairs: each side in order, the smaller side's missing partners drawn at random.

    Args:
        pairs: [2, P] all pairs of one MAG.
        rng: Where partners are drawn from.
    """
    plus, minus = np.unique(pairs[0]), np.unique(pairs[1])
    count = max(len(plus), len(minus))

    def stretched(side: Ints) -> Ints:
        return np.concatenate([side, rng.choice(side, count - len(side))])

    return np.stack([stretched(plus), stretched(minus)])
