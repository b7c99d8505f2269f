"""Attention over the turns of a MAG, whoever was shown what (the paper's Table 6)."""

from __future__ import annotations

from torch import Tensor
from torch_geometric.utils import to_dense_batch

from magdi.core.encoder import GraphBatch
from magdi.encoders.attention import AttentionEncoder


class NodeAttention(AttentionEncoder):
    r"""Multi-head self-attention between all nodes of a MAG; the edges are not looked at.

    .. math:: h^{(l+1)} = \mathrm{LayerNorm}(h^{(l)} + \mathrm{MultiHead}(h^{(l)}, h^{(l)}, h^{(l)}))

    "Each node still represents a whole reasoning chain, but [...] any node can attend to any other node" (MAGDi,
    section 5.2, Table 6). Where ``hidden`` is not the student's width, a linear map comes first.

    Paper: https://arxiv.org/abs/2402.01620 (MAGDi).

    Shapes: ``batch.x`` [N, dim], ``batch.graph`` [N]; output [N, hidden].
    """

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, hidden] states."""
        h, there = to_dense_batch(self.enter(batch.x), batch.graph, batch_size=batch.num_graphs)
        return self.attend(h, there)[there]
