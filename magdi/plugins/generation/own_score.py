"""What a student thinks of its own answers: the score head that the margin loss trained (MAGDi, Eq. 2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file

from magdi.core.distill.heads import HEADS_FILE, ScoreHead
from magdi.plugins.generation.loading import resolve

PART = re.compile(r"(?:.+\.)?score\.(?=mlp\.)")
"""The score head among all heads: `margin.score.`, or `score.` where an older version trained it."""
BATCH_TOKENS = 16384


class OwnScore:
    """Scores texts with a student's score head.

    Args:
        head: s(h), from [N, d] to [N] scores in [-1, 1].
    """

    def __init__(self, head: ScoreHead) -> None:
        self.head = head.eval()

    @classmethod
    def of(cls, model: str | Path) -> Self | None:
        """Returns the score head that lies beside a student; None where it has none."""
        file = Path(resolve(model)) / HEADS_FILE
        if not file.is_file():
            return None
        weights = load_file(file)
        own = {PART.sub("", name): tensor for name, tensor in weights.items() if PART.match(name)}
        if not own:
            return None
        hidden, dim = next(tensor for tensor in own.values() if tensor.dim() == 2).shape
        head = ScoreHead(dim, hidden)
        head.load_state_dict(own)
        return cls(head)

    @torch.inference_mode()
    def __call__(self, model: Any, texts: Sequence[Sequence[int]]) -> list[float]:
        """Returns the scores of texts (token ids of prompt and answer), pooled as in training: weights 1..T."""
        scores = [0.0] * len(texts)
        self.head.to(model.device)
        for places in batches([len(text) for text in texts], BATCH_TOKENS):
            found = self._batch(model, [texts[place] for place in places])
            for place, score in zip(places, found, strict=True):
                scores[place] = score
        return scores

    def _batch(self, model: Any, texts: Sequence[Sequence[int]]) -> list[float]:
        lengths = torch.tensor([len(text) for text in texts])
        ids = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long)
        for place, text in enumerate(texts):
            ids[place, : len(text)] = torch.tensor(text)
        position = torch.arange(1, ids.shape[1] + 1)
        within = position <= lengths[:, None]
        weights = (position * within).float()
        weights = (weights / weights.sum(dim=1, keepdim=True)).to(model.device)
        states = model.get_decoder()(
            input_ids=ids.to(model.device), attention_mask=within.long().to(model.device), use_cache=False
        ).last_hidden_state
        pooled = torch.einsum("bt,btd->bd", weights, states.float())
        scores: list[float] = self.head(pooled).tolist()
        return scores


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yields the places of items, shortest first, so many at once that rows x longest row stays within a budget.

    Args:
        lengths: Tokens of each item.
        budget: Most tokens of a batch, padding included; an item that is longer is a batch by itself.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if batch and lengths[place] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
