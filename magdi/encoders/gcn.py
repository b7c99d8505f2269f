"""The paper's encoder: graph convolutions that average over what a turn was shown (MAGDi, section 3.4)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel
from torch import Tensor, nn
from torch_geometric.nn import Linear, SimpleConv

from magdi.core.encoder import Encoder, GraphBatch, hidden_width
from magdi.encoders.settings import GcnConfig


class Gcn(Encoder):
    r"""Two graph convolutions with one-sided normalisation, the L_I branch of MAGDi (section 3.4).

    .. math:: h^{(l+1)} = \mathrm{ReLU}(D^{-1} M h^{(l)} W^{(l)})

    M is the adjacency matrix with self-loops, with a 1 in row v and column u for every edge (u, v); D is the diagonal
    matrix of its row sums. A turn's new state is so the mean over itself and the turns that it was shown: messages
    flow from source to target. W^(l) has no bias, as in the formula.

    Paper: https://arxiv.org/abs/2402.01620 (MAGDi); the operator is the random-walk form of
    https://arxiv.org/abs/1609.02907 (Kipf and Welling, 2017).

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    Config: ClassVar[type[BaseModel]] = GcnConfig

    config: GcnConfig

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.out_dim = hidden_width(self.config.hidden, dim)
        widths = [dim, *[self.out_dim] * self.config.layers]
        self.weights = nn.ModuleList(
            Linear(before, after, bias=False, weight_initializer="glorot")
            for before, after in zip(widths, widths[1:], strict=False)
        )
        self.mean = SimpleConv(aggr="mean", combine_root="self_loop")

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, hidden] states."""
        h = batch.x
        for weight in self.weights:
            h = self.mean(weight(h), batch.edge_index).relu()
        return h
