"""What training needs beside the student, thrown away afterwards: the objectives' heads, encoders among them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from magdi.core.distill.blame import blaming
from magdi.core.encoder import Encoder
from magdi.core.objective import Objective

HEADS_FILE = "heads.safetensors"


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


class Heads(nn.ModuleDict):
    """The heads of some objectives, by the objectives' names; those without a head are absent.

    Args:
        objectives: The objectives.
        dim: d, the student's hidden size.
        encoder: The graph encoder, where one of them uses it; each that does has one of its own.
        seed: What first weights are drawn from, for each head anew: it starts the same beside whatever others.
    """

    def __init__(
        self, objectives: Mapping[str, Objective], dim: int, encoder: Encoder | None = None, *, seed: int
    ) -> None:
        super().__init__()
        left = encoder
        for name, objective in objectives.items():
            given = None
            if objective.uses_encoder:
                given, left = (left, None) if left is not None else (copy.deepcopy(encoder), None)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                with blaming(name, objective, "head"):
                    head = objective.head(dim, given)
                    if head is not None:
                        self[name] = head

    def save(self, directory: Path, state: Mapping[str, Tensor] | None = None) -> None:
        """Writes all weights to ``heads.safetensors``; nothing where there are none."""
        found = self.state_dict() if state is None else state
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}
        if weights:
            save_file(weights, directory / HEADS_FILE, metadata={"format": "pt"})

    def load(self, directory: Path) -> None:
        """Reads what `save` wrote."""
        self.load_state_dict(load_file(directory / HEADS_FILE))
