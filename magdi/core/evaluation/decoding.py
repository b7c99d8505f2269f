"""The generation loop: a batch with a KV cache, from which answers that are complete leave at once."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.generation.logits_process import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from magdi.core.config.models import Evaluation

KEEP = 0.75
"""Share of a batch's rows below which the finished ones are taken out of the cache, which copies it."""


@dataclass(slots=True)
class Row:
    """One answer while it is generated.

    Attributes:
        prompt: Token ids of the prompt.
        draw: What its random numbers are made from.
        tokens: Token ids generated so far.
        finished: Whether it is complete.
    """

    prompt: tuple[int, ...]
    draw: str
    tokens: list[int] = field(default_factory=list)
    finished: bool = False


@torch.inference_mode()
def decode(
    model: Any,
    rows: Sequence[Row],
    *,
    settings: Evaluation,
    end_tokens: Sequence[int],
    complete: Callable[[Sequence[Row]], None],
) -> None:
    """Generates all rows' tokens, as one batch.

    Prompts stand against the right, so that all rows continue in the same column, with positions counted from each
    row's own first token. Rows with the same prompt share its forward pass.

    Args:
        model: A decoder of transformers.
        rows: What to generate; their ``tokens`` and ``finished`` are set.
        settings: Sampling, and the longest answer.
        end_tokens: Tokens that end an answer; they are not kept.
        complete: Called now and then with the rows that are not finished; may finish some of them.
    """
    mask, positions, logits, cache = _prefill(model, rows)
    choose = _chooser(rows, settings, logits.device)
    alive = list(range(len(rows)))
    ends = torch.tensor(sorted(end_tokens), device=logits.device)
    for step in range(settings.max_new_tokens):
        chosen = choose(logits, alive, step)
        ended = torch.isin(chosen, ends).tolist()
        for row, token, is_end in zip((rows[index] for index in alive), chosen.tolist(), ended, strict=True):
            if not row.finished:
                row.finished = is_end
                if not is_end:
                    row.tokens.append(token)
        complete([rows[index] for index in alive if not rows[index].finished])
        left = [place for place, index in enumerate(alive) if not rows[index].finished]
        if not left or step + 1 == settings.max_new_tokens:
            return
        if len(left) < KEEP * len(alive):
            keep = torch.tensor(left, device=logits.device)
            cache.batch_select_indices(keep)
            mask, positions, chosen = mask[keep], positions[keep], chosen[keep]
            alive = [alive[place] for place in left]
        mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=1)
        positions = positions + 1
        logits = _forward(model, chosen[:, None], mask, positions[:, None], cache)


def _prefill(model: Any, rows: Sequence[Row]) -> tuple[Tensor, Tensor, Tensor, Any]:
    """Runs the prompts; returns mask [B, T], each row's last position [B], logits [B, V] and the cache."""
    device = model.device
    distinct = {prompt: place for place, prompt in enumerate(dict.fromkeys(row.prompt for row in rows))}
    longest = max(map(len, distinct))
    ids = torch.zeros(len(distinct), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for prompt, place in distinct.items():
        ids[place, longest - len(prompt) :] = torch.tensor(prompt)
        mask[place, longest - len(prompt) :] = 1
    ids, mask = ids.to(device), mask.to(device)
    positions = (mask.cumsum(dim=1) - 1).clamp_min(0)
    cache = DynamicCache(config=model.config)
    logits = _forward(model, ids, mask, positions, cache)
    last = positions[:, -1]
    if len(distinct) < len(rows):
        spread = torch.tensor([distinct[row.prompt] for row in rows], device=device)
        cache.batch_select_indices(spread)
        mask, last, logits = mask[spread], last[spread], logits[spread]
    return mask, last, logits, cache


def _forward(model: Any, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Tensor:
    """Returns the last column's logits, [B, V]."""
    options: dict[str, Any] = {"logits_to_keep": 1} if _keeps_logits(type(model)) else {}
    output = model(
        input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, **options
    )
    logits: Tensor = output.logits[:, -1]
    return logits


def _keeps_logits(kind: type) -> bool:
    return "logits_to_keep" in inspect.signature(kind.forward).parameters  # type: ignore[attr-defined]


def _chooser(rows: Sequence[Row], settings: Evaluation, device: Any) -> Callable[[Tensor, list[int], int], Tensor]:
    """Returns what picks the next token of each row, [B]: the likeliest, or a draw."""
    if settings.temperature == 0:
        return lambda logits, alive, step: logits.argmax(dim=-1)
    warp = LogitsProcessorList([TemperatureLogitsWarper(settings.temperature)])
    if settings.top_k:
        warp.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        warp.append(TopPLogitsWarper(settings.top_p))
    # Each row has numbers of its own, so that a draw does not depend on who else is in the batch.
    numbers = torch.stack([_numbers(row.draw, settings.max_new_tokens) for row in rows]).to(device)

    def draw(logits: Tensor, alive: list[int], step: int) -> Tensor:
        weights = warp(None, logits.float()).softmax(dim=-1).cumsum(dim=-1)
        point = numbers[alive, step][:, None] * weights[:, -1:]
        return torch.searchsorted(weights, point, right=True).squeeze(-1).clamp_max(logits.shape[-1] - 1)

    return draw


def _numbers(draw: str, count: int) -> Tensor:
    """Returns numbers in [0, 1) that depend on ``draw`` alone."""
    seed = int.from_bytes(hashlib.blake2b(draw.encode(), digest_size=8).digest()) >> 1
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))
