"""Variable-length attention: its index logic on any machine, the kernel itself and bfloat16 where there is a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from magdi.core.distill import attention
from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.probe import find_reader
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent
from tests.core.distill.distill_models import make_mags, make_objectives, make_tokenizer
from tests.core.distill.distill_plain import MeanEncoder, losses_of

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
Load = Callable[..., DistillStudent]


def encoded(count: int = 4) -> list[Encoded]:
    return list(Reading(make_tokenizer(), make_objectives()).read(make_mags(count), Counter()))


def kernel(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    cu_q: Tensor,
    cu_k: Tensor,
    max_q: int,
    max_k: int,
    *,
    scale: float | None,
    window_size: tuple[int, int],
    enable_gqa: bool = False,
) -> Tensor:
    """What the kernel promises: sequence after sequence, causal from the bottom right, a window of left + 1 keys."""
    out = []
    for s in range(len(cu_q) - 1):
        rows, columns = slice(cu_q[s], cu_q[s + 1]), slice(cu_k[s], cu_k[s + 1])
        queries, keys = int(cu_q[s + 1] - cu_q[s]), int(cu_k[s + 1] - cu_k[s])
        place = torch.arange(queries, device=q.device)[:, None] + keys - queries
        key_place = torch.arange(keys, device=q.device)
        seen = key_place <= place
        if window_size[0] >= 0:
            seen &= key_place >= place - window_size[0]
        query, key, value = (part.transpose(0, 1)[None] for part in (q[rows], k[columns], v[columns]))
        one = F.scaled_dot_product_attention(query, key, value, attn_mask=seen, scale=scale, enable_gqa=enable_gqa)
        out.append(one[0].transpose(0, 1))
    assert window_size[1] == 0
    assert max(int(b - a) for a, b in zip(cu_k, cu_k[1:], strict=False)) == max_k
    return torch.cat(out)


@pytest.mark.parametrize("window", [None, 7])
@pytest.mark.parametrize("layout", ["tree", "packed"])
def test_index_logic(window: int | None, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable-length plan and the padded buckets are the same attention, to 1e-12 in float64."""
    batch = collate(encoded(), LAYOUTS[layout])
    length = batch.input_ids.shape[1]
    states = [torch.randn(1, heads, length, 8, dtype=torch.float64, requires_grad=True) for heads in (4, 2, 2)]
    module = torch.nn.Identity()

    def attend() -> tuple[Tensor, ...]:
        query, key, value = states
        options: dict[str, Any] = {"segments": batch.segments, "sliding_window": window}
        out, _ = attention.segment_attention(module, query, key, value, None, **options)
        return (out, *torch.autograd.grad(out.square().sum(), states))

    buckets = attend()
    import torch.nn.attention.varlen as varlen

    monkeypatch.setattr(varlen, "varlen_attn", kernel)
    monkeypatch.setattr(attention, "_has_varlen", lambda query: True)
    for one, other in zip(attend(), buckets, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-12)


def gradient(student: DistillStudent, layout: str, mags: list[Encoded], device: str) -> Tensor:
    torch.manual_seed(5)
    heads = Heads(make_objectives(), student.hidden_size, MeanEncoder(student.hidden_size), seed=1).to(device)
    module = losses_of(student, heads, layout)
    with student.attending(LAYOUTS[layout]):
        scales = {"positive": 0.01, "margin": 0.1, "node": 0.1}
        loss = module(collate(mags, LAYOUTS[layout]).to(device), scales).total
        found = torch.autograd.grad(loss, student.parameters(), allow_unused=True, materialize_grads=True)
    return torch.cat([part.flatten().float().cpu() for part in found])


def apart(found: Tensor, reference: Tensor) -> float:
    return float((found - reference).norm() / reference.norm())


@gpu
def test_float32_on_the_gpu_is_the_cpus(student: Load) -> None:
    mags = encoded()
    reference = gradient(student(dtype=torch.float32), "padded", mags, "cpu")
    loaded = student(dtype=torch.float32)
    loaded.model.to("cuda")
    for layout in ("tree", "packed", "padded"):
        assert apart(gradient(loaded, layout, mags, "cuda"), reference) < 1e-4


@gpu
def test_bfloat16_by_the_kernel_is_as_good_as_padded_rows(student: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree's gradient is no further from float32's than that of stock padded rows in the same type."""
    mags = encoded(8)
    reference = gradient(student(dtype=torch.float32), "padded", mags, "cpu")
    loaded = student(dtype=torch.bfloat16)
    loaded.model.to("cuda")
    calls: list[Any] = []
    inner = attention._varlen
    monkeypatch.setattr(attention, "_varlen", lambda *args: (calls.append(args), inner(*args))[1])
    padded = apart(gradient(loaded, "padded", mags, "cuda"), reference)
    assert not calls
    tree = apart(gradient(loaded, "tree", mags, "cuda"), reference)
    assert calls
    print(f"bf16 gradients against float32: padded {padded:.2e}, tree {tree:.2e}")  # noqa: T201
    assert tree < 1.3 * padded + 1e-3
    assert find_reader(loaded, mags[:2]).layout.name == "tree"
