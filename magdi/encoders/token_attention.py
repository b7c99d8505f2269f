"""Attention over every token of an interaction (the paper's Table 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from magdi.core.encoder import GraphBatch, TokenStates
from magdi.encoders.attention import AttentionEncoder


class TokenAttention(AttentionEncoder):
    r"""Multi-head self-attention over all tokens of a MAG as one sequence; every node is then the mean of its tokens.

    .. math:: z^{(l+1)} = \mathrm{LayerNorm}(z^{(l)} + \mathrm{MultiHead}(z^{(l)}, z^{(l)}, z^{(l)})), \quad
              h_v = \sum_{t=1}^{T_v} t z_{v,t}^{(L)} / \sum_{t=1}^{T_v} t

    "Any token (across all reasoning chains, rounds, and agents) can attend to any other token" (MAGDi, section 5.2,
    Table 6). z^(0) are the student's last states; where in a turn a token stands they know already, so no positions are
    added and the order of the turns does not matter. The mean is weighted by position, as h_x is.

    One MAG is attended at a time and the attention matrix is never stored: memory is linear in the tokens of the batch.

    Paper: https://arxiv.org/abs/2402.01620 (MAGDi).

    Shapes: ``batch.tokens.states`` [T, dim], ``batch.tokens.node`` [T]; output [N, hidden]. A node without tokens is 0.
    """

    needs_tokens = True

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, hidden] states."""
        if batch.tokens is None:
            raise ValueError("token-attention needs GraphBatch.tokens")
        lengths = torch.bincount(batch.graph[batch.tokens.node], minlength=batch.num_graphs)
        sequences = self.enter(batch.tokens.states).split(lengths.tolist())
        states = torch.cat([self.attend(sequence[None])[0] for sequence in sequences])
        return pool(TokenStates(states, batch.tokens.node), batch.x.shape[0])


def pool(tokens: TokenStates, num_nodes: int) -> Tensor:
    """Returns [N, d], each node's mean over its T_v tokens, weighted 1..T_v by position."""
    counts = torch.bincount(tokens.node, minlength=num_nodes)
    starts = counts.cumsum(0) - counts
    exact = torch.promote_types(tokens.states.dtype, torch.float32)  # bfloat16 has no 257
    position = (torch.arange(1, len(tokens.node) + 1, device=counts.device) - starts[tokens.node]).to(exact)
    weight = position / (counts * (counts + 1) // 2)[tokens.node]
    pooled = tokens.states.new_zeros(num_nodes, tokens.states.shape[1])
    return pooled.index_add(0, tokens.node, tokens.states * weight[:, None].to(tokens.states.dtype))
