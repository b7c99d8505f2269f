"""The generation loop: complete answers leave the batch soon, and the next questions take their places."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from magdi.core.config.models import Evaluation
from magdi.plugins.generation.batch import Batch, Row

KEEP = 0.85
"""Share of a batch's places that are still in use below which it is made smaller, or filled up."""

Choose = Callable[[Tensor, Sequence[Row]], Tensor]
"""Returns a token for each row, [B], from logits [B, V]."""


@torch.inference_mode()
def decode(
    model: Any,
    rows: Sequence[Row],
    *,
    settings: Evaluation,
    end_tokens: Sequence[int],
    complete: Callable[[Sequence[Row]], None],
) -> Iterator[list[Row]]:
    """Generates all rows, and yields them as they are finished, several at once.

    Rows stand against the right, so that all continue in the same column, with positions counted from each row's own
    first token: that is what lets a new row join others that are half done. Models whose cache does not allow it
    (sliding windows, states of recurrent layers) get their rows batch by batch.

    Args:
        model: A decoder of transformers.
        rows: What to generate, prompts of like length side by side; their ``tokens`` and ``finish`` are set.
        settings: Sampling, the longest answer, and the most tokens of a batch.
        end_tokens: Tokens that end an answer; they are not kept.
        complete: Called after every token with the rows that go on; may finish some of them.
    """
    waiting, batch = deque(rows), Batch(model)
    choose = _chooser(settings)
    ends = torch.tensor(sorted(end_tokens), device=model.device)
    while waiting or batch.rows:
        if waiting and batch.awaits(waiting[0], settings):
            batch.admit(_next(waiting, batch, settings))
        chosen = choose(batch.logits, batch.rows)
        _say(batch.rows, chosen, ends, settings, complete)
        going = [place for place, row in enumerate(batch.rows) if row.finish is None]
        if len(going) <= KEEP * len(batch.rows) or not going:
            done = [row for row in batch.rows if row.finish is not None]
            batch.keep(going)
            chosen = chosen[going]
            yield done
        if batch.rows:
            batch.step(chosen)


def _next(waiting: deque[Row], batch: Batch, settings: Evaluation) -> list[Row]:
    """Takes as many waiting rows as there is room for, and one at least."""
    taken: list[Row] = []
    while waiting and (batch.room(waiting[0], settings) > len(taken) or not (taken or batch.rows)):
        taken.append(waiting.popleft())
    return taken


def _say(
    rows: Sequence[Row], chosen: Tensor, ends: Tensor, settings: Evaluation, complete: Callable[[Sequence[Row]], None]
) -> None:
    """Adds a token to each row that goes on, and finishes those for which it was the last."""
    ended = torch.isin(chosen, ends).tolist()
    going = []
    for row, token, is_end in zip(rows, chosen.tolist(), ended, strict=True):
        if row.finish is None:
            if is_end:
                row.finish = "end"
                continue
            row.tokens.append(token)
            going.append(row)
    complete(going)
    for row in going:
        if row.finish is None and len(row.tokens) >= settings.max_new_tokens:
            row.finish = "length"


def _chooser(settings: Evaluation) -> Choose:
    """Returns what picks tokens: greedily at temperature 0, else drawn after temperature, top-k and top-p.

    A draw depends on the row, and on nobody else in its batch.
    """
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
