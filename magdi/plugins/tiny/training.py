"""Training of a tiny base model on a task's primer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from torch.nn import functional

from magdi.core.task import Document

if TYPE_CHECKING:
    from torch import Tensor

    from magdi.core.config.models import TinyBase

IGNORED = -100
WARMUP = 0.05
FINAL_LR_RATIO = 0.05
WEIGHT_DECAY = 0.01
BETAS = (0.9, 0.98)
MAX_NORM = 1.0

Row = tuple[list[int], list[int]]
"""Token ids of a document, and its labels: the same ids, `IGNORED` where nothing is to be learned."""


def tokenized(tokenizer: Any, documents: Sequence[Document]) -> list[Row]:
    """Returns documents as rows, with a start token, and an end token that is learned where the document's end is."""
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    encodings = tokenizer.backend_tokenizer.encode_batch([document.text for document in documents])
    rows = []
    for document, encoding in zip(documents, encodings, strict=True):
        learn = document.learn or ((0, len(document.text)),)
        labels = [
            token if any(start < span_end and end > span_start for span_start, span_end in learn) else IGNORED
            for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        ]
        ends = eos if learn[-1][1] >= len(document.text) else IGNORED
        rows.append(([bos, *encoding.ids, eos], [IGNORED, *labels, ends]))
    return rows


def epoch_batches(rows: Sequence[Row], size: int, generator: Any) -> list[list[Row]]:
    """Returns the batches of an epoch in random order; rows of one batch are of nearly one length."""
    import torch

    shuffled = [rows[place] for place in torch.randperm(len(rows), generator=generator).tolist()]
    window = size * 32
    batches = []
    for start in range(0, len(shuffled), window):
        alike = sorted(shuffled[start : start + window], key=lambda row: len(row[0]))
        batches += [alike[place : place + size] for place in range(0, len(alike), size)]
    return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]


def as_tensors(batch: Sequence[Row], pad: int) -> tuple[Tensor, Tensor]:
    """Returns ids and labels ``[rows, tokens]``, padded at the right (where causal attention never looks)."""
    import torch

    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([ids + [pad] * (width - len(ids)) for ids, _ in batch])
    labels = torch.tensor([labels + [IGNORED] * (width - len(labels)) for _, labels in batch])
    return ids, labels


def loss_of(model: Any, ids: Tensor, labels: Tensor) -> Tensor:
    """Returns the mean next-token loss over labels; logits are made where a label is and nowhere else."""
    states = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    places = wanted != IGNORED
    return functional.cross_entropy(model.lm_head(states[places]), wanted[places])


def train(model: Any, rows: Sequence[Row], config: TinyBase, pad: int, on_progress: Callable[[int, int], None]) -> None:
    """Trains all weights with AdamW, the learning rate warmed up and then on a cosine.

    Args:
        model: A Llama for causal language modelling.
        rows: The documents.
        config: Epochs, learning rate, batch size, seed.
        pad: Id of the padding token.
        on_progress: Told the step and the number of steps after each step.
    """
    import torch

    total = max(1, round(config.epochs * math.ceil(len(rows) / config.batch_size)))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, total))
    model.train()
    for step, batch in enumerate(_batches(rows, config, total), start=1):
        ids, labels = as_tensors(batch, pad)
        loss_of(model, ids, labels).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        on_progress(step, total)
    model.eval()


def rate(step: int, total: int) -> float:
    """Returns the learning rate of a step as a share of its peak."""
    warm = max(1.0, WARMUP * total)
    if step < warm:
        return (step + 1) / (warm + 1)
    done = (step - warm) / max(1.0, total - warm)
    return FINAL_LR_RATIO + (1 - FINAL_LR_RATIO) * (1 + math.cos(math.pi * min(done, 1.0))) / 2


def _batches(rows: Sequence[Row], config: TinyBase, total: int) -> Iterator[list[Row]]:
    import torch

    generator = torch.Generator().manual_seed(config.seed)
    done = 0
    while done < total:
        for batch in epoch_batches(rows, config.batch_size, generator):
            if done == total:
                return
            done += 1
            yield batch
