"""Attention over the turns of a MAG, whoever was shown what (the paper's Table 6)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.utils import to_dense_batch

from magdi.core.encoder import Encoder, GraphBatch, hidden_width
from magdi.encoders.attention import SelfAttention
from magdi.encoders.settings import HeadsConfig


class NodeAttention(Encoder):
    r"""Multi-head self-attention between all nodes of a MAG; the edges are not looked at.

    .. math:: h^{(l+1)} = \mathrm{LayerNorm}(h^{(l)} + \mathrm{MultiHead}(h^{(l)}, h^{(l)}, h^{(l)}))

    "Each node still represents a whole reasoning chain, but [...] any node can attend to any other node" (MAGDi,
    section 5.2, Table 6). Where ``hidden`` is not the student's width, a linear map comes first.

    Paper: https://arxiv.org/abs/2402.01620 (MAGDi).

    Shapes: ``batch.x`` [N, dim], ``batch.graph`` [N]; output [N, hidden].
    """

    Config: ClassVar[type[BaseModel]] = HeadsConfig
    uses_edges = False

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.out_dim = hidden_width(self.config.hidden, dim)
        self.enter = nn.Identity() if self.out_dim == dim else nn.Linear(dim, self.out_dim)
        layers = range(self.config.layers)
        self.layers = nn.ModuleList(SelfAttention(self.out_dim, self.config.heads) for _ in layers)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, hidden] states."""
        h, there = to_dense_batch(self.enter(batch.x), batch.graph, batch_size=batch.num_graphs)
        for layer in self.layers:
            h = functional.dropout(layer(h, there), self.config.dropout, self.training)
        out: Tensor = h[there]
        return out
