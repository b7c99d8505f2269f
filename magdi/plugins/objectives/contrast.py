"""A margin between right and wrong reasoning where the student writes it: in its own log-probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from magdi.core.objective import PAIRS, Objective, ObjectiveConfig, Selecting, Taken
from magdi.plugins.objectives.margin import Pairs, right_and_wrong

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.distill.objective_batch import ObjectiveBatch


class Contrast(Objective):
    r"""Wants a right turn to be likelier, token by token, than a wrong turn of the same question.

    .. math:: L = \sum_{(x_+, x_-)} \max(0, \rho - \ell(x_+) + \ell(x_-)), \quad
              \ell(x) = \frac{1}{|x|} \log p(x \mid q)

    L- of MAGDi (Eq. 2) over the same pairs, with the student's own length-normalised log-probability for the score of
    a head: there is nothing between the labels and what the student will write.
    """

    columns = {"pairs": PAIRS}
    unit = "pairs"
    lacking = "no right turn beside a wrong one"

    class Config(ObjectiveConfig):
        """The margin, and which pairs there are."""

        weight: float = Field(0.3, ge=0, description="Weight beside L+.")
        rho: float = Field(1.0, gt=0, description="The margin, in nats a token.")
        pairs: Pairs = Field("all", description="All right-wrong pairs of a MAG, or Appendix A's sampling.")

    def select(self, given: Selecting) -> Taken:
        """Takes the pairs of `margin`."""
        return {"pairs": right_and_wrong(given, self.config.pairs)}

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns the loss; logs how many pairs are in order."""
        right, wrong = batch.logprobs("pairs") / batch.lengths("pairs")
        batch.log("accuracy/pairs", (right > wrong).sum())
        loss: Tensor = (self.config.rho - right + wrong).relu().sum()
        return loss
