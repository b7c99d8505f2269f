"""The score of a chain's state, by which `margin` tells right from wrong, and a student its own answers."""

from __future__ import annotations

from torch import Tensor, nn


class ScoreHead(nn.Module):
    """s(h) = tanh(w2 ReLU(W1 h + b1) + b2), from [N, d] to [N] scores in [-1, 1] (MAGDi, section 3.4).

    The paper says a projection and tanh; the hidden layer is the authors' code's, and there as wide as h.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, 1), nn.Tanh())

    def forward(self, states: Tensor) -> Tensor:
        """Returns [N] scores."""
        scores: Tensor = self.mlp(states)
        return scores.squeeze(-1)
