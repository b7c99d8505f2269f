"""The three losses as pure functions of states and index tensors (MAGDi, Eq. 1-3). All return sums.

What a sum is divided by is the trainer's business, because it is known for an optimizer step as a whole only: means of
micro-batches' means are not the mean, and MAGs are very unequal.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK_ELEMENTS = {"cpu": 1 << 24, "cuda": 1 << 27}
"""Most logits that exist at once, in float32 64 and 512 MiB: fewer rows make slower matrix products."""


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Weighted cross-entropy behind a vocabulary projection; its gradient is made in the forward pass.

    No logits are kept: memory is a chunk of logits, the gradient of the states, and that of the projection where it
    is trained.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, scale: Tensor) -> Tensor:
        need_states, need_weight, need_bias = ctx.needs_input_grad[:3]
        grad_states = torch.empty_like(states) if need_states else None
        grad_weight = torch.zeros_like(weight) if need_weight else None
        grad_bias = torch.zeros_like(bias) if bias is not None and need_bias else None
        total = scale.new_zeros(())
        most = max(1, CHUNK_ELEMENTS.get(states.device.type, 1 << 25) // weight.shape[0])
        rows = -(-len(labels) // -(-len(labels) // most))  # chunks of one size: a short last one would be slow
        for start in range(0, len(labels), rows):
            part = slice(start, start + rows)
            logits = F.linear(states[part], weight, bias).to(scale.dtype)
            target, factor = labels[part, None], scale[part, None]
            logits -= logits.amax(1, keepdim=True)
            picked = logits.gather(1, target)
            chances = logits.exp_()
            sums = chances.sum(1, keepdim=True)
            total += ((sums.log() - picked) * factor).sum()
            if not (need_states or need_weight or need_bias):
                continue
            gradient = chances.mul_(factor / sums).scatter_add_(1, target, -factor).to(states.dtype)
            if grad_states is not None:
                torch.mm(gradient, weight, out=grad_states[part])
            if grad_weight is not None:
                torch.addmm(grad_weight, gradient.t(), states[part], out=grad_weight)
            if grad_bias is not None:
                grad_bias += gradient.sum(0)
        ctx.save_for_backward(grad_states, grad_weight, grad_bias)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        factor = upstream[0]
        gradients = (None if kept is None else kept * factor.to(kept.dtype) for kept in ctx.saved_tensors)
        return (*gradients, None, None)


def positive_loss(
    states: Tensor, weight: Tensor, bias: Tensor | None, labels: Tensor, scale: Tensor | None = None
) -> Tensor:
    """Returns sum_k scale_k * -log softmax(W h_k + b)[label_k], L+ of Eq. 1.

    Args:
        states: [K, d] last-layer states, each from which one token is predicted.
        weight: [V, d] vocabulary projection.
        bias: [V] or None.
        labels: [K] int64, the tokens to predict.
        scale: [K] weight of each token; ones when left out.
    """
    wide = torch.promote_types(states.dtype, torch.float32)
    scale = torch.ones(len(labels), dtype=wide, device=states.device) if scale is None else scale.to(wide)
    if not len(labels):
        return states.to(wide).sum()
    if torch.is_autocast_enabled(states.device.type):
        narrow = torch.get_autocast_dtype(states.device.type)
        states, weight = states.to(narrow), weight.to(narrow)
    if weight.dtype != states.dtype:
        states = states.to(weight.dtype)
    bias = None if bias is None else bias.to(weight.dtype)
    if not torch.is_grad_enabled():
        states, weight = states.detach(), weight.detach()
    total: Tensor = _ChunkedCrossEntropy.apply(states, weight, bias, labels, scale)  # type: ignore[no-untyped-call]
    return total


def margin_loss(scores: Tensor, pairs: Tensor, margin: float = 1.0) -> Tensor:
    """Returns sum over pairs of max(0, rho - s(x+) + s(x-)), L- of Eq. 2.

    Args:
        scores: [N] in [-1, 1], one of each turn.
        pairs: [2, P] int64, row 0 right turns, row 1 wrong ones.
        margin: rho.
    """
    return F.relu(margin - scores[pairs[0]] + scores[pairs[1]]).sum()


def node_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns - sum over labelled nodes of log softmax(logits)[label], L_I of Eq. 3.

    Args:
        logits: [N, 2], columns wrong and right.
        labels: [N] int64: 1 right, 0 wrong, -1 no label (counts for nothing).
    """
    return F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
