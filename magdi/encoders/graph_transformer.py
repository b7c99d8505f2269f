"""The graph transformer: dot-product attention along the edges."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel
from torch import nn
from torch_geometric.nn import TransformerConv

from magdi.encoders.settings import HeadsConfig
from magdi.encoders.stack import Stack, head_width


class GraphTransformer(Stack):
    r"""Multi-head dot-product attention of a turn over what it was shown, heads of width c concatenated.

    .. math:: h_v^{(l+1)} = \mathrm{ReLU}(W_1 h_v^{(l)} + \sum_{u \in seen(v)} \alpha_{uv} W_2 h_u^{(l)}), \quad
              \alpha_{uv} = \mathrm{softmax}_u((W_3 h_v^{(l)})^\top (W_4 h_u^{(l)}) / \sqrt{c})

    It is ``node-attention`` held to the edges: the two differ in what a turn can look at.

    Paper: https://arxiv.org/abs/2009.03509 (Shi et al., 2021), without the gate.

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    Config: ClassVar[type[BaseModel]] = HeadsConfig

    def layer(self, before: int, after: int) -> nn.Module:
        """Returns PyG's ``TransformerConv``."""
        heads = self.config.heads
        layer: nn.Module = TransformerConv(before, head_width(after, heads), heads=heads)
        return layer
