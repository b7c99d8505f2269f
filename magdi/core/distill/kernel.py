"""Whether attention by segments is attention: the very call that training makes, against the formula.

A model's states say little of a kernel: beside random weights all turns attend alike, and in half precision rounding
hides what is left. So each kind of call that a model makes is made once more on random states of the same shapes and
types, whose scores tell the keys apart, forward and backward, and compared with softmax(q k^T) v written out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from magdi.core.distill.attention import NAME
from magdi.core.distill.segments import Segments
from magdi.core.errors import TrainingError

TOLERANCE = {
    torch.float64: (1e-10, 1e-10),
    torch.float32: (1e-3, 4e-3),
    torch.float16: (5e-3, 2e-2),
    torch.bfloat16: (3e-2, 1e-1),
}
"""Largest relative differences of outputs and of gradients at any token that rounding explains, by the kernel's type.

About five times what the padded calls of a CPU show; float32's leaves room for TF32.
"""

SPREAD = 2.0
"""Standard deviation of the scores: some keys count for much, none for all."""

MOST_QUERIES = 32
"""Of each segment, spread over it: the formula keeps all scores."""

STATES = ("queries", "keys", "values")

BARELY = 1e-12
"""A dropout that drops nothing, and has a kernel chosen that can."""


class WrongKernel(TrainingError):
    """Attention by segments is not what attention is on this machine."""


@contextmanager
def checked_kernel() -> Iterator[None]:
    """Has every new kind of call checked that a model makes within it.

    Raises:
        WrongKernel: By the model's forward; what the call gives or what it passes back differs from the formula.
    """
    kernel = ALL_ATTENTION_FUNCTIONS[NAME]
    AttentionInterface.register(NAME, _Checked(kernel))
    try:
        yield
    finally:
        AttentionInterface.register(NAME, kernel)


class _Checked:
    """A kernel that is checked at each new kind of call."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._seen: set[Any] = set()

    def __call__(
        self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **given: Any
    ) -> Any:
        segments = given.get("segments")
        options = {name: given.get(name) for name in ("scaling", "sliding_window", "softcap")}
        kind = (*(tuple(each.shape) + (each.dtype,) for each in (query, key, value)), *options.values())
        if segments is not None and kind not in self._seen:
            self._seen.add(kind)
            with torch.random.fork_rng(devices=[query.device] if query.is_cuda else []), torch.enable_grad():
                torch.manual_seed(0)
                self._check(module, (query, key, value), given, segments)
        return self._kernel(module, query, key, value, attention_mask, **given)

    def _check(self, module: nn.Module, like: tuple[Tensor, ...], given: dict[str, Any], segments: Segments) -> None:
        scale = given.get("scaling") or like[0].shape[-1] ** -0.5
        states = [torch.randn_like(each) for each in like]
        states[0] *= SPREAD / (scale * like[0].shape[-1] ** 0.5)
        exact = torch.float32 if like[0].device.type == "mps" else torch.float64
        wide = [each.to(exact).requires_grad_() for each in states]
        wanted, upstream = _formula(wide, scale, given, segments)
        states = [each.requires_grad_() for each in states]
        dropout = BARELY if _drops(module) else 0.0
        out, _ = self._kernel(module, *states, None, **{**given, "dropout": dropout})
        if not out.requires_grad:
            raise WrongKernel("its attention passes no gradient back")
        for_output, for_gradients = TOLERANCE.get(out.dtype, TOLERANCE[torch.float32])
        _compare("output", out * (upstream != 0), wanted, for_output)
        found = torch.autograd.grad(out, states, upstream.to(out.dtype))
        for what, one, other in zip(STATES, found, torch.autograd.grad(wanted, wide, upstream), strict=True):
            _compare(f"gradient of {what}", one.transpose(1, 2), other.transpose(1, 2), for_gradients)


def _drops(module: nn.Module) -> bool:
    """Whether training drops attention weights, so that a kernel is taken that can."""
    settings = getattr(module, "config", None)
    return any(bool(getattr(settings, name, 0.0)) for name in ("attention_dropout", "attn_pdrop"))


def _formula(states: list[Tensor], scale: float, given: dict[str, Any], segments: Segments) -> tuple[Tensor, Tensor]:
    """Returns the [1, T, H, D] outputs of some queries of each segment, 0 elsewhere, and an upstream gradient there."""
    query, key, value = states
    plan = segments.varlen
    k_index, cu_q, cu_k = plan.k_index, plan.cu_q.tolist(), plan.cu_k.tolist()
    groups = query.shape[1] // key.shape[1]
    keys, values = (each[0].repeat_interleave(groups, 0) for each in (key, value))
    places, parts = [], []
    for start, end, first, last in zip(cu_q, cu_q[1:], cu_k, cu_k[1:], strict=False):
        chosen = np.unique(np.linspace(start, end - 1, MOST_QUERIES).round().astype(np.int64))
        place = torch.from_numpy(chosen).to(query.device)
        seen_by = k_index[first:last]
        own = torch.arange(last - first, device=query.device)
        ends = (place - end + (last - first))[:, None]
        scores = query[0][:, place] @ keys[:, seen_by].mT * scale
        if cap := given.get("softcap"):
            scores = cap * torch.tanh(scores / cap)
        hidden = own > ends
        if (window := given.get("sliding_window")) is not None:
            hidden |= own <= ends - window
        parts.append(scores.masked_fill(hidden, float("-inf")).softmax(-1) @ values[:, seen_by])
        places.append(place)
    rows, found = torch.cat(places), torch.cat(parts, 1).transpose(0, 1)
    out = torch.zeros_like(query[0].transpose(0, 1)).index_copy(0, rows, found)[None]
    upstream = torch.zeros_like(out).index_copy(1, rows, torch.randn_like(found)[None])
    return out, upstream


def _compare(what: str, found: Tensor, wanted: Tensor, tolerance: float) -> None:
    """Compares [1, T, H, D] token by token; small ones by what is usual: rounding does not know that they are small."""
    apart, size = (each.detach().flatten(2).norm(dim=2) for each in (found.to(wanted.dtype) - wanted, wanted))
    usual = size.square().mean().sqrt()
    difference = float((apart / size.clamp(min=0.3 * usual)).max())
    if not difference <= tolerance:
        raise WrongKernel(f"its attention's {what} differs by {difference:.1e} from softmax(q k) v")
