"""Graph encoders: the network beside the student that the node loss is computed through; thrown away after training.

MAGDi, section 3.4: the student's states of a MAG's turns go in, states that know their neighbours come out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel
from torch import Tensor, nn

from magdi.core.configurable import NoConfig

WIDEST = 1024
"""Most that a head's width is unless set: at a 7B student's 4,096 the heads would have more weights than its LoRA."""


def hidden_width(hidden: int | None, dim: int) -> int:
    """Returns the width of a head's hidden states: as set, or the student's ``dim``, at most `WIDEST`."""
    return hidden or min(dim, WIDEST)


@dataclass(frozen=True, slots=True)
class TokenStates:
    """The last layer's states behind the nodes of a batch, without padding.

    Attributes:
        states: [T, d] states of all turns' tokens, turn after turn in node order.
        node: [T] int64, the node that each token belongs to, not decreasing.
    """

    states: Tensor
    node: Tensor


@dataclass(frozen=True, slots=True)
class GraphBatch:
    """The MAGs of a batch as one graph with no edge between two MAGs.

    Attributes:
        x: [N, d] node states h_x, position-weighted means of the student's last layer.
        edge_index: [2, E] int64, row 0 sources, row 1 targets; no self-loops.
        edge_kind: [E] int64, index into ``magdi.core.views.EDGE_KINDS``.
        graph: [N] int64, the MAG that each node belongs to, not decreasing.
        num_graphs: MAGs in the batch.
        tokens: The states behind x, for encoders with ``needs_tokens``; None for the others.
    """

    x: Tensor
    edge_index: Tensor
    edge_kind: Tensor
    graph: Tensor
    num_graphs: int
    tokens: TokenStates | None = None


class Encoder(nn.Module, ABC):
    """Base class of graph encoders.

    An encoder maps N node states of width ``dim`` to N states of width ``out_dim``; a linear classifier on top, which
    belongs to the distiller, gives the logits of right and wrong (W in the paper's L_I).
    It must be equivariant to the order of nodes (unless it ``uses_order``), must not mix the MAGs of a batch, and must
    let gradients through to ``x`` (or ``tokens.states``): they are what the student learns from.

    Args:
        dim: d, the student's hidden size.
        config: An instance of the class's ``Config``.

    Attributes:
        uses_edges: False for an encoder that says it does not look at edges.
        uses_order: True for one that looks at the order of a MAG's nodes, which is that of its turns (positions).
        needs_tokens: True for one that reads ``GraphBatch.tokens``.
        out_dim: Width of what `forward` returns; set it in ``__init__``.
    """

    Config: ClassVar[type[BaseModel]] = NoConfig
    uses_edges: ClassVar[bool] = True
    uses_order: ClassVar[bool] = False
    needs_tokens: ClassVar[bool] = False

    config: Any
    out_dim: int

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__()
        self.dim = self.out_dim = dim
        self.config = self.Config() if config is None else config

    @abstractmethod
    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, out_dim] node states."""

    def reset_parameters(self) -> None:
        """Draws new weights in every part that knows how to."""
        for module in self.modules():
            reset = getattr(module, "reset_parameters", None)
            if module is not self and callable(reset):
                reset()
