"""The relational graph convolution: weights for every kind of edge."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch_geometric.nn import SimpleConv

from magdi.core.encoder import GraphBatch
from magdi.core.views import EDGE_KINDS
from magdi.encoders.stack import Stack


class Relational(nn.Module):
    """One layer of `Rgcn`, from width ``before`` to width ``after``."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.root = nn.Linear(before, after)
        self.kinds = nn.ModuleList(nn.Linear(before, after, bias=False) for _ in EDGE_KINDS)
        self.mean = SimpleConv(aggr="mean")

    def forward(self, h: Tensor, edge_index: Tensor, edge_kind: Tensor) -> Tensor:
        """Returns [N, after] for states h [N, before], edges [2, E] and their kinds [E]."""
        out: Tensor = self.root(h)
        for kind, weight in enumerate(self.kinds):
            out = out + weight(self.mean(h, edge_index[:, edge_kind == kind]))
        return out


class Rgcn(Stack):
    r"""Relational graph convolution with the kinds of edges (content, self, summary, critique, control) as relations.

    .. math:: h_v^{(l+1)} = \mathrm{ReLU}(W_0 h_v^{(l)} + b + \sum_k W_k \mathrm{mean}_{u: (u, v) \in E_k} h_u^{(l)})

    E_k are the edges of kind k; the mean over none is 0. A turn's own earlier solution and a critic's comment reach it
    through other weights than its peers' solutions. (PyG's ``RGCNConv`` is the same but leaves bfloat16 for float32.)

    Paper: https://arxiv.org/abs/1703.06103 (Schlichtkrull et al., 2018).

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E], ``batch.edge_kind`` [E]; output [N, hidden].
    """

    def layer(self, before: int, after: int) -> nn.Module:
        """Returns a `Relational` layer."""
        return Relational(before, after)

    def convolve(self, layer: Any, h: Tensor, batch: GraphBatch) -> Tensor:
        """Hands the kinds of the edges on too."""
        out: Tensor = layer(h, batch.edge_index, batch.edge_kind)
        return out
