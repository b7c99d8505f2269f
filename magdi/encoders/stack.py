"""What most graph networks share: layers of one kind over the same edges, a ReLU after each."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional

from magdi.core.encoder import Encoder, GraphBatch, hidden_width
from magdi.core.errors import ConfigError
from magdi.encoders.settings import StackConfig


class Stack(Encoder):
    r"""Base of encoders of the form h^(l+1) = dropout(ReLU(layer_l(h^(l), edges))).

    A subclass says in `layer` what a layer is, and in `convolve` how it is called where that is not
    ``layer(h, edge_index)``.

    Shapes: ``batch.x`` [N, dim], ``batch.edge_index`` [2, E]; output [N, hidden].
    """

    Config: ClassVar[type[BaseModel]] = StackConfig

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.out_dim = hidden_width(self.config.hidden, dim)
        widths = [dim, *[self.out_dim] * self.config.layers]
        self.layers = nn.ModuleList(self.layer(*pair) for pair in zip(widths, widths[1:], strict=False))

    @abstractmethod
    def layer(self, before: int, after: int) -> nn.Module:
        """Returns a layer from width ``before`` to width ``after``."""

    def convolve(self, layer: Any, h: Tensor, batch: GraphBatch) -> Tensor:
        """Returns a layer's output [N, after] on states h [N, before]."""
        out: Tensor = layer(h, batch.edge_index)
        return out

    def forward(self, batch: GraphBatch) -> Tensor:
        """Returns [N, hidden] states."""
        h = batch.x
        for layer in self.layers:
            h = self.convolve(layer, h, batch).relu()
            h = functional.dropout(h, self.config.dropout, self.training)
        return h


def head_width(width: int, heads: int) -> int:
    """Returns the width of one of ``heads`` attention heads of together ``width``.

    Raises:
        ConfigError: The width is no multiple of the heads.
    """
    if width % heads:
        raise ConfigError(f"heads: a width of {width} cannot be shared by {heads} heads", hint="set hidden or heads")
    return width // heads
