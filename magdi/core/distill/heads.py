"""What training needs beside the student, thrown away afterwards: score head, encoder, node classifier."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from magdi.core.encoder import Encoder

HEADS_FILE = "heads.safetensors"


class ScoreHead(nn.Module):
    """s(h) = tanh(w2 ReLU(W1 h + b1) + b2), from [N, d] to [N] scores in [-1, 1] (MAGDi, section 3.3).

    The paper says a projection and tanh; the hidden layer of the same width is the authors' code's.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, 1), nn.Tanh())

    def forward(self, states: Tensor) -> Tensor:
        """Returns [N] scores."""
        scores: Tensor = self.mlp(states)
        return scores.squeeze(-1)


class Heads(nn.Module):
    """The parts that a level's losses need.

    Args:
        dim: d, the student's hidden size.
        margin: Whether there is a score head.
        encoder: The graph encoder, where the node loss is on; its classifier is W of Eq. 3.
        seed: What the heads' first weights are drawn from; the encoder brings its own.
    """

    def __init__(self, dim: int, *, margin: bool, encoder: Encoder | None, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # twice: the classifier starts the same with and without a score head
            self.score = ScoreHead(dim) if margin else None
            torch.manual_seed(seed)
            self.classifier = nn.Linear(encoder.out_dim, 2) if encoder is not None else None
        self.encoder = encoder

    def save(self, directory: Path) -> None:
        """Writes all weights to ``heads.safetensors``; nothing where there are none."""
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        if weights:
            save_file(weights, directory / HEADS_FILE, metadata={"format": "pt"})

    def load(self, directory: Path) -> None:
        """Reads what `save` wrote."""
        self.load_state_dict(load_file(directory / HEADS_FILE))
