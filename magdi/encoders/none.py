"""No graph at all: what the node loss is worth without one."""

from __future__ import annotations

from torch import Tensor

from magdi.core.encoder import Encoder, GraphBatch


class NoEncoder(Encoder):
    """Hands every turn's own state on, so that the linear classifier sees h_x and nothing else.

    The control of MAGDi's Table 6: the node loss is still there, but no turn knows of another.

    Formula: h^(L) = h^(0).

    Shapes: ``batch.x`` [N, dim]; output [N, dim]. It has no parameters.
    """

    uses_edges = False

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns ``batch.x`` as it is."""
        return batch.x
