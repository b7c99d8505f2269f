"""Student, heads and objectives as one module: from a batch to weighted losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from magdi.core.distill.batch import MagBatch
from magdi.core.distill.blame import blaming, called
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import Layout
from magdi.core.distill.objective_batch import ForwardPass, ObjectiveBatch, Ranked
from magdi.core.distill.student import DistillStudent
from magdi.core.errors import TrainingError
from magdi.core.objective import Objective

Result = TypeVar("Result")
Scales = Mapping[str, float]
"""By an objective's name, what its sums over an optimizer step are multiplied by."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How the student reads a batch, as the start-up probe found it to be exact.

    Attributes:
        layout: How turns share a forward pass.
        direct_head: Whether the logits are the projected last states and nothing else.
    """

    layout: Layout
    direct_head: bool = True


class Losses(NamedTuple):
    """What the objectives make of a batch.

    Attributes:
        weighted: By objective, its weighted loss; those of scale 0 are absent.
        logged: By objective, further sums by the name that they are logged under.
    """

    weighted: dict[str, Tensor]
    logged: dict[str, dict[str, Tensor]]

    @property
    def total(self) -> Tensor:
        """The sum that is minimised."""
        return torch.stack(list(self.weighted.values())).sum()

    def times(self, factor: float) -> Losses:
        """Returns all of it times a factor."""
        logged = {of: {name: factor * each for name, each in told.items()} for of, told in self.logged.items()}
        return Losses({name: factor * each for name, each in self.weighted.items()}, logged)


class MagLosses(nn.Module):
    """The weighted losses of a batch.

    Args:
        student: What learns.
        objectives: What it is trained by, by name.
        heads: What they train beside it.
        reader: How the student reads.
        ranked: Told scores and labels of what objectives rank.
    """

    def __init__(
        self,
        student: DistillStudent,
        objectives: Mapping[str, Objective],
        heads: Heads,
        reader: Reader,
        ranked: Ranked | None = None,
    ) -> None:
        super().__init__()
        self.model = student.model
        self.before = student.before and student.before.model
        self.heads = heads
        self.student, self.objectives, self.reader = student, dict(objectives), reader
        self.ranked = ranked

    def forward(self, batch: MagBatch, scales: Scales) -> Losses:
        """Returns each objective's loss; only the student computes in autocast's precision."""
        found, heads = Losses({}, {}), dict(self.heads.items())
        read = ForwardPass(self.student, batch, self.reader.layout, direct_head=self.reader.direct_head)
        with torch.autocast(read.device.type, enabled=False):
            for name, objective in self.objectives.items():
                if scale := scales.get(name, 0.0):
                    logged = found.logged.setdefault(name, {})
                    seen = ObjectiveBatch(read, name, heads.get(name), logged.__setitem__, self.ranked)
                    with blaming(name, objective, "loss"):
                        loss = objective.weighted_loss(seen, scale)
                    found.weighted[name] = _scalar(name, objective, loss)
        if not found.weighted:
            found.weighted["none"] = 0.0 * read.exact.sum()
        return found

    def calling(self, function: Callable[[], Result]) -> Result:
        """Calls what reads the student outside of `forward`, but as within it: what is sharded is gathered."""
        return function()

    def tie_weights(self) -> None:
        """Makes one again what is one weight under several names, after weights were replaced."""
        for student in (self.student, self.student.before):
            if student is not None:
                student.base.tie_weights()


def _scalar(name: str, objective: Objective, loss: object) -> Tensor:
    if isinstance(loss, Tensor) and loss.dim() == 0 and loss.is_floating_point():
        return loss
    given = f"a tensor of {list(loss.shape)}, {loss.dtype}" if isinstance(loss, Tensor) else repr(loss)[:60]
    raise TrainingError(f"{called(name, objective)}: loss gives {given}, no scalar tensor of floats")
