"""A student of a given shape, and one optimizer step of each way of doing it. Used by step.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from step_pairwise import loss_of, micro_batches, tokens_of
from torch.utils.flop_counter import register_flop_formula, sdpa_backward_flop_count, sdpa_flop_count

from magdi.core.config.models import Lora, Student
from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded, Size
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.schedule import forwards
from magdi.core.distill.steps import scales, summed
from magdi.core.distill.student import DistillStudent, _adapted, _checkpoint
from magdi.core.objective import Objective
from magdi.encoders.gcn import Gcn
from magdi.plugins.objectives.margin import Margin
from magdi.plugins.objectives.node import Node
from magdi.plugins.objectives.positive import Positive

STUDENTS: dict[str, dict[str, int]] = {
    "quick": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4}
    | {"num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 32000},
    "small": {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8}
    | {"num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 32000},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16}
    | {"num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256},
}
OBJECTIVES: dict[str, Objective] = {
    "positive": Positive(),
    "margin": Margin(Margin.Config(weight=0.1)),
    "node": Node(Node.Config(weight=0.1)),
}


@dataclass(frozen=True)
class Variant:
    """A way of doing a step."""

    name: str
    layout: str
    checkpointing: bool = False
    budget: int = 1 << 30

    @property
    def pairwise(self) -> bool:
        return self.layout == "pairwise"


PAIRWISE = Variant("pairwise", "pairwise")
AUTHORS = Variant("pairwise+gc", "pairwise", checkpointing=True)
TREE = Variant("tree", "tree")
VARIANTS = (
    PAIRWISE,
    AUTHORS,
    Variant("padded", "padded"),
    Variant("packed", "packed"),
    TREE,
    Variant("tree+gc", "tree", checkpointing=True),
    Variant("tree, 1 MAG", "tree", budget=1),
    Variant("tree+gc, 1 MAG", "tree", checkpointing=True, budget=1),
)


@register_flop_formula(torch.ops.aten._scaled_dot_product_flash_attention_for_cpu)
def _cpu_attention(query: Any, key: Any, value: Any, *args: Any, **options: Any) -> int:
    """Dense: what a mask hides is counted too, for all variants alike."""
    return int(sdpa_flop_count(query, _all_heads(query, key), _all_heads(query, value)))


def _all_heads(query: Any, shape: Any) -> list[int]:
    """Keys and values that groups of heads share are counted for each head."""
    return [shape[0], query[1], *shape[2:]]


@register_flop_formula(torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward)
def _cpu_attention_back(grad: Any, query: Any, key: Any, value: Any, *args: Any, **options: Any) -> int:
    return int(sdpa_backward_flop_count(grad, query, _all_heads(query, key), _all_heads(query, value)))


class Bench:
    """A student with its heads, and one optimizer step of each variant."""

    def __init__(self, shape: str, adaptation: str, device: str, dtype: torch.dtype, dropout: float) -> None:
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(0)
        sizes = STUDENTS[shape]
        config = LlamaConfig(**sizes, max_position_embeddings=4096, tie_word_embeddings=False)
        with torch.device(device):
            model = LlamaForCausalLM._from_config(config, dtype=dtype)
        lora = Lora(dropout=dropout)
        if adaptation == "lora":
            model = _adapted(model, Student(lora=lora), None, None)
        self.student = DistillStudent(model, None, Student(adaptation=adaptation, lora=lora))
        self.vocabulary = sizes["vocab_size"]
        encoder = Gcn(sizes["hidden_size"])
        self.heads = Heads(OBJECTIVES, sizes["hidden_size"], encoder, seed=0).to(device)
        self.device = device
        self.student.model.train()

    def step(self, variant: Variant, mags: Sequence[Encoded], seed: int) -> int:
        """Does the forward and backward passes of an optimizer step; returns the tokens that they took."""
        self._set_checkpointing(variant.checkpointing)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            tokens = self._pairwise(mags, seed) if variant.pairwise else self._ours(variant, mags)
        if self.device == "cuda":
            torch.cuda.synchronize()
        for weight in [*self.student.parameters(), *self.heads.parameters()]:
            weight.grad = None
        return tokens

    def _pairwise(self, mags: Sequence[Encoded], seed: int) -> int:
        batches = micro_batches(mags, seed)
        for batch in batches:
            found = loss_of(self.student, self.heads, batch)
            ((found["positive"] + 0.1 * found["margin"]) / 100).backward()
        return sum(map(tokens_of, batches))

    def _ours(self, variant: Variant, mags: Sequence[Encoded]) -> int:
        layout = LAYOUTS[variant.layout]
        module = MagLosses(self.student, OBJECTIVES, self.heads, Reader(layout))
        sizes = [Size.of(mag) for mag in mags]
        weights = {name: each.weight(0, 1) for name, each in OBJECTIVES.items()}
        scaled = scales(OBJECTIVES, weights, summed(sizes), "mean", 1)
        tokens = 0
        with self.student.attending(layout):
            for group in forwards(range(len(mags)), sizes, layout, variant.budget):
                batch = collate([mags[index] for index in group], layout).to(self.device)
                module(batch, scaled).total.backward()
                tokens += batch.input_ids.numel()
        return tokens

    def _set_checkpointing(self, wanted: bool) -> None:
        base = self.student.base
        if wanted:
            _checkpoint(base)
            if self.student.config.adaptation == "lora":
                base.enable_input_require_grads()
        elif hasattr(base, "activation_checkpointing_disable"):
            base.activation_checkpointing_disable()
        else:
            base.gradient_checkpointing_disable()
