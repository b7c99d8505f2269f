"""The start-up probe refuses attention that is wrong, in each precision of training, and none that is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.attention.varlen as varlen
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface

from magdi.core.config.models import Training
from magdi.core.distill import attention
from magdi.core.distill.attention import NAME, segment_attention
from magdi.core.distill.encoded import Encoded, ints
from magdi.core.distill.probe import find_reader
from magdi.core.distill.reading import Reading
from magdi.core.distill.segments import Segments
from magdi.core.distill.student import DistillStudent
from magdi.core.distill.trainer import distill
from tests.core.distill.distill_models import make_mags, make_objectives
from tests.core.distill.distill_plain import MeanEncoder
from tests.core.distill.distill_runs import SHORT
from tests.core.distill.test_distill_cuda import kernel

Load = Callable[..., DistillStudent]


def zeros(*given: Any, **options: Any) -> tuple[Tensor, None]:
    return 0 * segment_attention(*given, **options)[0], None


def across_segments(module: Any, query: Tensor, key: Tensor, value: Tensor, *_: Any, **options: Any) -> Any:
    """Plain causal attention over the row: chains see the chains before them."""
    out = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=options["scaling"], enable_gqa=True)
    return out.transpose(1, 2), None


def with_segments(change: Callable[[Segments], Segments]) -> Callable[..., Any]:
    def wrong(*given: Any, segments: Segments, **options: Any) -> Any:
        return segment_attention(*given, segments=change(segments), **options)

    return wrong


def blind_to_the_prompt(segments: Segments) -> Segments:
    lengths = segments.varlen.cu_q.diff().numpy()
    return Segments.build(lengths, [ints([])] * len(lengths))


def seeing_one_token_more(*given: Any, **options: Any) -> Any:
    """Every query sees the key after it, too."""
    query, key, value = given[1:4]
    return segment_attention(given[0], query.roll(-1, 2), key, value, *given[4:], **options)[0].roll(1, 1), None


def scaled(factor: float) -> Callable[..., Any]:
    def wrong(*given: Any, scaling: float, **options: Any) -> Any:
        return segment_attention(*given, scaling=factor * scaling, **options)

    return wrong


def without_gradient(*given: Any, **options: Any) -> Any:
    return segment_attention(*given, **options)[0].detach(), None


def with_twice_the_gradient(*given: Any, **options: Any) -> Any:
    out = segment_attention(*given, **options)[0]
    return 2 * out - out.detach(), None


WRONG = [zeros, across_segments, with_segments(blind_to_the_prompt), seeing_one_token_more, scaled(2), scaled(0.25)]
WRONG += [without_gradient, with_twice_the_gradient]
WRONG_IDS = ["zeros", "across", "blind", "one-more", "scale-2", "scale-4th", "no-gradient", "gradient-2"]
PRECISIONS = ["float64", "float32", "bfloat16", "autocast-bf16", "autocast-fp16", "4bit"]


def weights_in_bfloat16(module: nn.Linear) -> Callable[[Tensor], Tensor]:
    """As a layer of 4 bits computes, whatever comes in: PEFT leaves norms and embeddings in float32."""
    return lambda states: F.linear(states.bfloat16(), module.weight.bfloat16()).to(states.dtype)


@pytest.fixture(params=PRECISIONS)
def computing(request: pytest.FixtureRequest, student: Load) -> tuple[DistillStudent, str]:
    """A student in each precision, with small weights: all its turns attend alike, so that its states say little."""
    how = request.param
    if how in ("float64", "float32", "bfloat16"):
        loaded, precision = student("llama", "full", dtype=getattr(torch, how)), "no"
    elif how.startswith("autocast"):
        loaded, precision = student("llama", "full"), how.removeprefix("autocast-")
    else:
        loaded, precision = student("llama", "lora"), "no"
        for name, module in loaded.base.named_modules():
            if isinstance(module, nn.Linear) and "lora" not in name and "layers" in name:
                module.forward = weights_in_bfloat16(module)  # type: ignore[method-assign, assignment]
    with torch.no_grad():
        for name, weight in loaded.base.named_parameters():
            if "_proj" in name:
                weight.mul_(0.1)
    return loaded, precision


@pytest.fixture
def plant() -> Iterator[Callable[[Any], None]]:
    yield lambda wrong: AttentionInterface.register(NAME, wrong)
    AttentionInterface.register(NAME, segment_attention)


def probes(student: DistillStudent) -> list[Encoded]:
    return list(Reading(student.tokenizer, make_objectives()).read(make_mags(2), Counter()))


@pytest.mark.parametrize("wrong", WRONG, ids=WRONG_IDS)
def test_wrong_kernels_are_refused(
    wrong: Any, computing: tuple[DistillStudent, str], plant: Callable[[Any], None]
) -> None:
    student, precision = computing
    plant(wrong)
    assert find_reader(student, probes(student), precision=precision).layout.attention == "mask"


def test_right_kernels_are_taken(computing: tuple[DistillStudent, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The padded calls, and the plan of the variable-length kernel."""
    student, precision = computing
    assert find_reader(student, probes(student), precision=precision).layout.name == "tree"
    assert find_reader(student, probes(student), "packed", precision=precision).layout.name == "packed"
    monkeypatch.setattr(varlen, "varlen_attn", kernel)
    monkeypatch.setattr(attention, "_has_varlen", lambda query: True)
    assert find_reader(student, probes(student), precision=precision).layout.name == "tree"


def test_it_is_the_precision_of_training_that_is_tried(
    student: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights are float32, training computes in bfloat16, and only there a kernel gives zeros."""
    loaded = student("llama", "full")
    loaded = replace(loaded, config=loaded.config.model_copy(update={"dtype": "bfloat16"}))
    monkeypatch.setattr(varlen, "varlen_attn", lambda query, *given, **options: 0 * query)
    monkeypatch.setattr(attention, "_has_varlen", lambda query: query.dtype is torch.bfloat16)
    report = distill(
        make_mags(4), loaded, MeanEncoder(32), objectives=make_objectives(), training=Training(**SHORT | {"steps": 1}),
        seed=1, out=tmp_path,
    )  # fmt: skip
    assert report.layout == "tree-mask"


@pytest.mark.parametrize(("dropout", "layout"), [(0.0, "tree"), (0.1, "tree-mask")])
def test_it_is_the_kernel_of_training_that_is_tried(
    student: Load, dropout: float, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable-length kernel drops no weights: where training does, it takes the padded calls, here wrong ones."""
    loaded = student("llama")
    loaded.base.config.attention_dropout = dropout
    monkeypatch.setattr(varlen, "varlen_attn", kernel)
    monkeypatch.setattr(attention, "_has_varlen", lambda query: True)
    padded = attention._bucket
    monkeypatch.setattr(attention, "_bucket", lambda *given: 2 * padded(*given))
    assert find_reader(loaded, probes(loaded)).layout.name == layout


def test_what_is_wrong_with_a_kernel_is_said(
    student: Load, plant: Callable[[Any], None], caplog: pytest.LogCaptureFixture
) -> None:
    loaded = student("llama")
    plant(with_twice_the_gradient)
    find_reader(loaded, probes(loaded))
    assert "its attention's gradient of queries differs by 1.0e+00" in caplog.text
