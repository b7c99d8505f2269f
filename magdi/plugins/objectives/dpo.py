"""Direct preference optimisation on right and wrong reasoning (Rafailov et al., 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from magdi.core.objective import PAIRS, Chain, Objective, ObjectiveConfig, Selecting, Taken

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.distill.objective_batch import ObjectiveBatch


class Dpo(Objective):
    r"""Prefers a right turn to a wrong one after the same prompt, measured from the student before training.

    .. math:: L = -\sum_{(x_+, x_-)} \log \sigma\left(\beta \log \frac{p(x_+ | q)}{p_0(x_+ | q)}
              - \beta \log \frac{p(x_- | q)}{p_0(x_- | q)}\right)

    p_0 is the student as it was given: without the adapter's updates, or before the weights were trained.
    """

    columns = {"pairs": PAIRS}
    unit = "preferences"
    lacking = "no right turn beside a wrong one"
    needs_reference = True

    class Config(ObjectiveConfig):
        """How far the student may go from where it was."""

        beta: float = Field(0.1, gt=0, description="beta of the paper: the smaller, the farther.")

    def select(self, given: Selecting) -> Taken:
        """Pairs every right turn that can be written after a prompt with every wrong one."""
        return {"pairs": [(Chain(plus.step), Chain(minus.step)) for plus, minus in given.preferences]}

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns the loss; logs how often the right turn is preferred, and by how much."""
        from torch.nn.functional import logsigmoid

        reward = self.config.beta * (batch.logprobs("pairs") - batch.reference_logprobs("pairs"))
        margin = reward[0] - reward[1]
        batch.log("accuracy/preferences", (margin > 0).sum())
        batch.log("reward/margin", margin.sum())
        return -logsigmoid(margin).sum()
