"""Multi-head self-attention with a residual and a norm, for the encoders that have no edges."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional

from magdi.core.encoder import Encoder, hidden_width
from magdi.encoders.settings import HeadsConfig
from magdi.encoders.stack import head_width


class AttentionEncoder(Encoder):
    """Base of the encoders whose layers are `SelfAttention`; where ``hidden`` is not d, a linear map comes first."""

    Config: ClassVar[type[BaseModel]] = HeadsConfig
    uses_edges = False

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.out_dim = hidden_width(self.config.hidden, dim)
        self.enter = nn.Identity() if self.out_dim == dim else nn.Linear(dim, self.out_dim)
        layers = range(self.config.layers)
        self.layers = nn.ModuleList(SelfAttention(self.out_dim, self.config.heads) for _ in layers)

    def attend(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns [B, L, hidden] behind all layers, with dropout after each."""
        for layer in self.layers:
            h = functional.dropout(layer(h, mask), self.config.dropout, self.training)
        return h


class SelfAttention(nn.Module):
    r"""One layer: LayerNorm(h + W_o concat_i softmax(Q_i K_i^T / sqrt(c)) V_i), after Vaswani et al. (2017).

    Paper: https://arxiv.org/abs/1706.03762, section 3.2.2. There are no positions: the order of what is attended to
    does not matter. Attention is torch's fused kernel, whose memory is linear in the length.

    Args:
        width: Width d of the states.
        heads: Heads, each of width c = d / heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, head_width(width, heads)
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """Returns [B, L, d] for sequences h [B, L, d]; ``mask`` [B, L] is False where there is nothing to look at."""
        queries, keys, values = self.project(h).unflatten(-1, (3, self.heads, self.head_width)).permute(2, 0, 3, 1, 4)
        looked_at = None if mask is None else mask[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=looked_at)
        out: Tensor = self.norm(h + self.output(mixed.transpose(1, 2).flatten(2)))
        return out
