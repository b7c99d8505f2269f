"""The next token: the likeliest, or a draw that depends on the row and on nobody else in its batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from magdi.core.config.models import Evaluation
from magdi.core.evaluation.rows import Row

Choose = Callable[[Tensor, Sequence[Row]], Tensor]
"""Returns a token for each row, [B], from logits [B, V]."""


def chooser(settings: Evaluation) -> Choose:
    """Returns what picks tokens: greedily at temperature 0, else drawn after temperature, top-k and top-p."""
    if settings.temperature == 0:
        return lambda logits, rows: logits.argmax(dim=-1)
    warp = LogitsProcessorList([TemperatureLogitsWarper(settings.temperature)])
    if settings.top_k:
        warp.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        warp.append(TopPLogitsWarper(settings.top_p))

    def draw(logits: Tensor, rows: Sequence[Row]) -> Tensor:
        numbers = torch.tensor([_number(row, settings.max_new_tokens) for row in rows], device=logits.device)
        chances = warp(None, logits.float()).softmax(dim=-1).cumsum(dim=-1)
        point = numbers[:, None] * chances[:, -1:]
        return torch.searchsorted(chances, point, right=True).squeeze(-1).clamp_max(logits.shape[-1] - 1)

    return draw


def _number(row: Row, longest: int) -> float:
    """Returns the row's own random number in [0, 1) for its next token."""
    if row.numbers is None:
        seed = int.from_bytes(hashlib.blake2b(row.draw.encode(), digest_size=8).digest()) >> 1
        row.numbers = torch.rand(longest + 1, generator=torch.Generator().manual_seed(seed))
    return float(row.numbers[len(row.tokens)])
