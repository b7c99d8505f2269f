"""Right and wrong reasoning told apart by the student's own log-probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from magdi.core.objective import CHAINS, NUMBERS, Chain, Objective, ObjectiveConfig, Selecting, Taken
from magdi.plugins.objectives.node import NO_LABEL

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.distill.objective_batch import ObjectiveBatch


class ClassificationConfig(ObjectiveConfig):
    """The logistic."""

    weight: float = Field(0.3, ge=0, description="Weight beside L+.")
    slope: float = Field(4.0, gt=0, description="kappa, how steep the logistic is.")
    border: float = Field(-0.5, le=0, description="b, where right and wrong meet, in nats a token.")


class Classification(Objective):
    r"""Wants a turn to be likely, token by token, if it is right, and unlikely if it is wrong.

    .. math:: L = -\sum_x \log \sigma(\pm \kappa (\ell(x) - b)), \quad \ell(x) = \frac{1}{|x|} \log p(x \mid q)

    with + for right turns and - for wrong ones. L_I of MAGDi (Eq. 3) without a graph, and with the student's own
    length-normalised log-probability for the logit of a head.
    """

    Config = ClassificationConfig
    columns = {"nodes": CHAINS, "labels": NUMBERS}
    unit = "nodes"
    lacking = "no turn with a label"

    def select(self, given: Selecting) -> Taken:
        """Takes all turns that have a label."""
        labelled = [turn for turn in given.mag.turns if turn.label is not None]
        return {
            "nodes": [Chain(turn.step) for turn in labelled],
            "labels": [int(bool(turn.label)) for turn in labelled],
        }

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns the loss; logs how many turns are on their side of the border."""
        return logistic(
            batch, self.config.slope * (batch.logprobs("nodes") / batch.lengths("nodes") - self.config.border)
        )


def logistic(batch: ObjectiveBatch, logits: Tensor) -> Tensor:
    """Returns the sum of -log sigma(+-z) over the turns that have a label, from the logits z of all nodes, [N]."""
    from torch.nn.functional import softplus

    known = batch["labels"] != NO_LABEL
    towards = (2 * batch["labels"] - 1)[known] * logits[known]
    batch.log("accuracy/nodes", (towards > 0).sum())
    return softplus(-towards).sum()
