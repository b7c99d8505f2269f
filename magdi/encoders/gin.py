"""The graph isomorphism network: sums, which count what means cannot."""

from __future__ import annotations

from torch import nn
from torch_geometric.nn import GINConv

from magdi.encoders.stack import Stack


class Gin(Stack):
    r"""Graph isomorphism network, with a learned epsilon.

    .. math:: h_v^{(l+1)} = \mathrm{ReLU}(\mathrm{MLP}^{(l)}((1 + \epsilon) h_v^{(l)} + \sum_{u \in seen(v)} h_u^{(l)}))

    The sum keeps how many solutions a turn was shown, and so how many of them agreed; MLP is Linear-ReLU-Linear.

    Paper: https://arxiv.org/abs/1810.00826 (Xu et al., 2019).

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    def layer(self, before: int, after: int) -> nn.Module:
        """Returns PyG's ``GINConv`` over a perceptron of one hidden layer."""
        perceptron = nn.Sequential(nn.Linear(before, after), nn.ReLU(), nn.Linear(after, after))
        layer: nn.Module = GINConv(perceptron, train_eps=True)
        return layer
