"""GraphSAGE: a turn's own state and the mean of what it was shown, each with weights of its own."""

from __future__ import annotations

from torch import nn
from torch_geometric.nn import SAGEConv

from magdi.encoders.stack import Stack


class Sage(Stack):
    r"""GraphSAGE with mean aggregation.

    .. math:: h_v^{(l+1)} = \mathrm{ReLU}(W_1^{(l)} h_v^{(l)} + W_2^{(l)} \mathrm{mean}_{u \in seen(v)} h_u^{(l)} + b)

    Unlike ``gcn``, a turn can tell itself from what it was shown. The mean of nothing is 0.

    Paper: https://arxiv.org/abs/1706.02216 (Hamilton et al., 2017).

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    def layer(self, before: int, after: int) -> nn.Module:
        """Returns PyG's ``SAGEConv``."""
        layer: nn.Module = SAGEConv(before, after, aggr="mean")
        return layer
