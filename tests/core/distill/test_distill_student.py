"""Loading students: what can be asked for, what is refused, and in which types they are trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from magdi.core.config.models import Lora, Student
from magdi.core.distill.student import DistillStudent, load_student, precision
from magdi.core.errors import ComponentError, ConfigError

Load = Callable[..., DistillStudent]


@pytest.mark.parametrize(
    ("family", "targets"),
    [("llama", {"q_proj", "v_proj"}), ("phi3", {"qkv_proj"}), ("gpt2", {"c_attn"})],
)
def test_adapters_go_to_queries_and_values(student: Load, family: str, targets: set[str]) -> None:
    """The paper's choice, whatever the family calls them."""
    loaded = student(family, "lora")
    found = {name.split(".")[-4] for name, _ in loaded.model.named_parameters() if "lora_A" in name}
    assert found == targets
    assert all("lora_" in name for name, weight in loaded.model.named_parameters() if weight.requires_grad)


def test_a_family_that_cannot_be_adapted_by_itself_says_so(family_path: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigError, match="incompatible with Mamba"):
        load_student(Student(), path=family_path("mamba"), seed=0)
    chosen = Student(lora=Lora(target_modules=("in_proj",)))
    assert load_student(chosen, path=family_path("mamba"), seed=0).parameters()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "tiny"}, "tiny has no path"),
        ({"model": "/nowhere/at/all"}, "cannot load /nowhere/at/all"),
        ({"adaptation": "full", "quantization": "8bit"}, "needs the package 'bitsandbytes'|cannot be trained whole"),
        ({"quantization": "4bit"}, "needs the package 'bitsandbytes'"),
        ({"prompt": "chat"}, "no chat template"),
        ({"lora": Lora(target_modules=("q_proj", "nope"))}, "the model has no nope"),
    ],
)
def test_what_cannot_be_loaded_is_named(
    family_path: Callable[[str], Path], settings: dict[str, Any], said: str
) -> None:
    path = None if "model" in settings else family_path("llama")
    with pytest.raises((ConfigError, ComponentError), match=said):
        load_student(Student(**settings), path=path, seed=0)


def test_half_precision_checkpoints(family_path: Callable[[str], Path], tmp_path: Path) -> None:
    """A base stays in its type below an adapter in float32; a model that is trained whole is in float32."""
    source = family_path("llama")
    AutoModelForCausalLM.from_pretrained(source, dtype=torch.bfloat16).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(source).save_pretrained(tmp_path)
    adapted = load_student(Student(), path=tmp_path, seed=0)
    assert adapted.base.model.layers[0].mlp.up_proj.weight.dtype is torch.bfloat16
    assert {weight.dtype for weight in adapted.parameters()} == {torch.float32}
    whole = load_student(Student(adaptation="full"), path=tmp_path, seed=0)
    assert {weight.dtype for weight in whole.parameters()} == {torch.float32}
    assert whole.checkpoint_type is torch.bfloat16


@pytest.mark.parametrize(
    ("asked", "checkpoint", "device", "expected"),
    [
        ("auto", torch.bfloat16, "cpu", "no"),
        ("auto", torch.bfloat16, "cuda", "bf16"),
        ("auto", torch.float32, "cuda", "no"),
        ("bfloat16", torch.float32, "cpu", "bf16"),
        ("float16", torch.float32, "cuda", "fp16"),
        ("float32", torch.bfloat16, "cuda", "no"),
    ],
)
def test_what_is_computed_in(asked: Any, checkpoint: torch.dtype, device: str, expected: str) -> None:
    assert precision(Student(dtype=asked), checkpoint, torch.device(device)) == expected


def test_a_saved_student_generates_with_a_cache(family_path: Callable[[str], Path], tmp_path: Path) -> None:
    """Also where its base was saved without one, as many checkpoints are."""
    base = AutoModelForCausalLM.from_pretrained(family_path("llama"))
    base.config.use_cache = base.generation_config.use_cache = False
    base.save_pretrained(tmp_path / "base")
    AutoTokenizer.from_pretrained(family_path("llama")).save_pretrained(tmp_path / "base")
    saved = load_student(Student(adaptation="full"), path=tmp_path / "base", seed=0).save(tmp_path / "student")
    loaded = AutoModelForCausalLM.from_pretrained(saved)
    assert loaded.config.use_cache
    assert loaded.generation_config.use_cache


def test_the_same_seed_gives_the_same_adapter(family_path: Callable[[str], Path]) -> None:
    def first(seed: int) -> torch.Tensor:
        return load_student(Student(), path=family_path("llama"), seed=seed).parameters()[0]

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_the_context_bounds_the_length(student: Load) -> None:
    assert student(max_length=10_000).max_length == 256
    assert student(max_length=100).max_length == 100
