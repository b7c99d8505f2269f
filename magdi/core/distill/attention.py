"""Attention over segments, put into a model through transformers' AttentionInterface; no model is patched.

On CUDA in half precision: one variable-length flash attention call (torch's ``varlen_attn``), queries and keys of
unequal length, causal from the bottom right. Everywhere else: a few padded `scaled_dot_product_attention` calls on
buckets of segments of about the same size.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface

from magdi.core.distill.segments import Bucket, Segments

NAME = "magdi_segments"


def segment_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    segments: Segments | None = None,
    softcap: float | None = None,
    **ignored: Any,
) -> tuple[Tensor, None]:
    """Attends within segments.

    Args:
        module: The attention layer.
        query: [1, H, T, D].
        key: [1, G, T, D] with G dividing H.
        value: [1, G, T, D].
        attention_mask: Must be None: segments say it all.
        dropout: Of attention weights.
        scaling: 1 / sqrt(D) when left out.
        sliding_window: Most keys that a query sees, itself included.
        segments: The row's segments; the model has to hand them on from its forward's keyword arguments.
        softcap: Bound on the scores, as Gemma 2 has it.
        **ignored: What else a family passes; changes to attention itself are refused below.

    Returns:
        [1, T, H, D], and no weights.

    Raises:
        NotImplementedError: The model asks for something that this is not exact for.
    """
    if segments is None:
        raise NotImplementedError("the model does not hand its keyword arguments on to attention")
    unknown = [name for name in ("s_aux", "position_bias", "cache") if ignored.get(name) is not None]
    if unknown or attention_mask is not None or not getattr(module, "is_causal", True):
        raise NotImplementedError(f"no segments with {', '.join(unknown) or 'a mask, or attention both ways'}")
    narrow = (
        torch.get_autocast_dtype(query.device.type) if torch.is_autocast_enabled(query.device.type) else query.dtype
    )
    q, k, v = (states[0].transpose(0, 1).to(narrow) for states in (query, key, value))
    if softcap is None and not dropout and _has_varlen(q):
        return _varlen(q, k, v, segments, scaling, sliding_window)[None], None
    parts = [
        _bucket(q, k, v, bucket, scaling, sliding_window, dropout, softcap).flatten(0, 1) for bucket in segments.buckets
    ]
    together = torch.cat(parts) if len(parts) > 1 else parts[0]
    return together.index_select(0, segments.inverse)[None], None


def _bucket(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bucket: Bucket,
    scaling: float | None,
    window: int | None,
    dropout: float,
    softcap: float | None,
) -> Tensor:
    """Returns [R, Q, H, D], the outputs of a bucket, padding included."""
    rows, queries, keys = bucket.shape
    groups = query.shape[1] // key.shape[1]
    q = query.index_select(0, bucket.q_index).view(rows, queries, *query.shape[1:]).transpose(1, 2)
    k, v = (
        states.index_select(0, bucket.k_index).view(rows, keys, *states.shape[1:]).transpose(1, 2)
        for states in (key, value)
    )
    grouped = groups > 1 and query.device.type == "cpu" and softcap is None  # CUDA's masked kernels know no groups
    if groups > 1 and not grouped:
        k, v = k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)
    mask = bucket.mask(window, q.dtype)
    if softcap is not None:
        return _softcapped(q, k, v, bucket, scaling, window, dropout, softcap).transpose(1, 2)
    out = F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=mask is None, scale=scaling, enable_gqa=grouped
    )
    return out.transpose(1, 2)


def _softcapped(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bucket: Bucket,
    scaling: float | None,
    window: int | None,
    dropout: float,
    cap: float,
) -> Tensor:
    """Attention whose scores are bounded: cap * tanh(score / cap)."""
    mask = bucket.mask(window, q.dtype)
    if mask is None:
        mask = torch.full(bucket.shape[1:], float("-inf"), dtype=q.dtype, device=q.device).triu_(1)
    scores = torch.tanh((q @ k.transpose(2, 3)) * (scaling or q.shape[-1] ** -0.5) / cap) * cap + mask
    weights = torch.softmax(scores, dim=-1, dtype=torch.promote_types(q.dtype, torch.float32)).to(q.dtype)
    return F.dropout(weights, dropout) @ v


def _varlen(
    query: Tensor, key: Tensor, value: Tensor, segments: Segments, scaling: float | None, window: int | None
) -> Tensor:
    """Returns [T, H, D] by one call of the variable-length kernel."""
    from torch.nn.attention.varlen import varlen_attn

    plan = segments.varlen
    k, v = key.index_select(0, plan.k_index), value.index_select(0, plan.k_index)
    grouped = query.shape[1] != key.shape[1]
    options: dict[str, Any] = {"enable_gqa": True} if grouped and _takes("enable_gqa") else {}
    if grouped and not options:
        k, v = (states.repeat_interleave(query.shape[1] // key.shape[1], dim=1) for states in (k, v))
    left = -1 if window is None or window >= plan.max_k else window - 1
    out = varlen_attn(
        query.contiguous(),
        k,
        v,
        plan.cu_q,
        plan.cu_k,
        plan.max_q,
        plan.max_k,
        scale=scaling,
        window_size=(left, 0),
        **options,
    )
    return out if isinstance(out, Tensor) else out[0]


def _has_varlen(query: Tensor) -> bool:
    """Whether the variable-length kernel takes these states."""
    return (
        query.is_cuda
        and query.dtype in (torch.float16, torch.bfloat16)
        and query.shape[-1] <= 256
        and query.shape[-1] % 8 == 0
        and _takes("window_size")
    )


@cache
def _takes(option: str) -> bool:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return option in inspect.signature(varlen_attn).parameters


AttentionInterface.register(NAME, segment_attention)
