"""The encoder of the authors' code: symmetric normalisation, dropout, a second layer that only propagates."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GCNConv, SimpleConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from magdi.core.encoder import Encoder, GraphBatch
from magdi.encoders.settings import GcnSymmetricConfig


class GcnSymmetric(Encoder):
    r"""Graph convolutions with symmetric normalisation, as the public MAGDi code has them.

    .. math:: h^{(1)} = \mathrm{dropout}(\mathrm{ReLU}(P h^{(0)} W^{(0)} + b^{(0)})), \quad h^{(2)} = P h^{(1)}, \quad
              P = D^{-1/2} M D^{-1/2}

    M has self-loops. In the authors' code the second convolution gives the logits, with no activation: P h^(1) W + b.
    Here its W and b are the distiller's classifier, so that the two together are the same function. Their dropout also
    acts in evaluation, which is a slip that this does not repeat.

    Paper: https://arxiv.org/abs/1609.02907 (Kipf and Welling, 2017); code: https://github.com/dinobby/MAGDi.

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    Config: ClassVar[type[BaseModel]] = GcnSymmetricConfig

    config: GcnSymmetricConfig

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.out_dim = self.config.hidden
        widths = [dim, *[self.out_dim] * (self.config.layers - 1)]
        self.convolutions = nn.ModuleList(
            GCNConv(before, after, normalize=False) for before, after in zip(widths, widths[1:], strict=False)
        )
        self.propagate = SimpleConv(aggr="sum")

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, hidden] states."""
        edges, weight = gcn_norm(batch.edge_index, None, batch.x.shape[0], dtype=batch.x.dtype)
        h = batch.x
        for convolution in self.convolutions:
            h = convolution(h, edges, weight).relu()
            h = functional.dropout(h, self.config.dropout, self.training)
        out: Tensor = self.propagate(h, edges, weight)
        return out
