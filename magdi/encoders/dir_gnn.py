"""Dir-GNN: what a turn was shown, and who was shown the turn, apart."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel
from torch import nn
from torch_geometric.nn import DirGNNConv, SAGEConv

from magdi.encoders.settings import DirGnnConfig
from magdi.encoders.stack import Stack


class DirGnn(Stack):
    r"""Mean aggregation over both directions of the edges, with weights for each.

    .. math:: h_v^{(l+1)} = \mathrm{ReLU}(W_0 h_v^{(l)} + b + (1 - a) W_1 \mathrm{mean}_{u \in seen(v)} h_u^{(l)}
              + a W_2 \mathrm{mean}_{w: v \in seen(w)} h_w^{(l)})

    A turn learns what became of it: whether those who read it were right in the end. The edge view ``undirected``
    lets other encoders do so too, but then they cannot tell the two directions apart.

    Paper: https://arxiv.org/abs/2305.10498 (Rossi et al., 2023).

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    Config: ClassVar[type[BaseModel]] = DirGnnConfig

    def layer(self, before: int, after: int) -> nn.Module:
        """Returns PyG's ``DirGNNConv`` around ``SAGEConv``."""
        one_way = SAGEConv(before, after, aggr="mean", root_weight=False)
        layer: nn.Module = DirGNNConv(one_way, alpha=self.config.backward, root_weight=True)
        return layer
