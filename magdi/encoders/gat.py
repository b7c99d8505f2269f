"""Graph attention: a turn weighs what it was shown."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel
from torch import nn
from torch_geometric.nn import GATv2Conv

from magdi.encoders.settings import HeadsConfig
from magdi.encoders.stack import Stack, head_width


class Gat(Stack):
    r"""Graph attention in its second, dynamic form (GATv2), heads concatenated.

    .. math:: h_v^{(l+1)} = \mathrm{ReLU}(\sum_{u \in seen(v) \cup \{v\}} \alpha_{uv} W_1 h_u^{(l)} + b), \quad
              \alpha_{uv} = \mathrm{softmax}_u(a^\top \mathrm{LeakyReLU}(W_1 h_u^{(l)} + W_2 h_v^{(l)}))

    Paper: https://arxiv.org/abs/2105.14491 (Brody et al., 2022), after https://arxiv.org/abs/1710.10903.

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    Config: ClassVar[type[BaseModel]] = HeadsConfig

    def layer(self, before: int, after: int) -> nn.Module:
        """Returns PyG's ``GATv2Conv``, self-loops added."""
        heads = self.config.heads
        layer: nn.Module = GATv2Conv(before, head_width(after, heads), heads=heads, add_self_loops=True)
        return layer
