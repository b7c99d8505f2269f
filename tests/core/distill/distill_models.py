"""Tiny students of many families, and MAGs that look like real ones."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from magdi.core.config.models import RunConfig
from magdi.core.mag import Mag, Question, Seen, Turn
from magdi.core.objective import Objective
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.registry import default_registry

WORDS = ["<unk>", "<pad>", "<eos>", "So", "the", "answer", "is", ".", "[", "]", "INST", "#", "Question", ":", "Answer"]
WORDS += ["/", "label", "rationale", "The", "[/", "###", "]:"] + [f"w{i}" for i in range(30)]
WORDS += [str(i) for i in range(20)]

SIZES: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "bos_token_id": None,
    "eos_token_id": 2,
    "pad_token_id": 1,
    "tie_word_embeddings": False,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": SIZES,
    "mistral": SIZES | {"sliding_window": 12},
    "qwen2": SIZES,
    "qwen3": SIZES,
    "gemma": SIZES | {"tie_word_embeddings": True},
    "gemma2": SIZES | {"sliding_window": 12, "query_pre_attn_scalar": 8},
    "gemma3_text": SIZES
    | {"sliding_window": 12, "query_pre_attn_scalar": 8, "tie_word_embeddings": True}
    | {"layer_types": ["sliding_attention", "full_attention"]},
    "phi": SIZES | {"partial_rotary_factor": 0.5},
    "phi3": SIZES,
    "gpt2": {"vocab_size": len(WORDS), "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
    | {"bos_token_id": 2, "eos_token_id": 2, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    "stablelm": SIZES,
    "mamba": {"vocab_size": len(WORDS), "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, "eos_token_id": 2}
    | {"bos_token_id": 2, "pad_token_id": 1},
    "cohere": SIZES | {"logit_scale": 0.25},
}


def make_tokenizer() -> PreTrainedTokenizerFast:
    model = models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", eos_token="<eos>")


def make_model(family: str, folder: Path) -> Path:
    """Makes a tiny model of a family, with weights large enough to tell right from wrong."""
    target = folder / family
    if target.exists():
        return target
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, **FAMILIES[family]))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and "conv" not in name and "A_log" not in name:
                weight.normal_(0, 0.15)
    model.save_pretrained(target)
    make_tokenizer().save_pretrained(target)
    return target


def make_objectives(level: str = "4", **settings: Any) -> dict[str, Objective]:
    """The objectives of a level, with settings by name: make_objectives("4", margin={"weight": 0.2})."""
    config = RunConfig.model_validate({"training": {"level": level}, "objectives": settings})
    registry = default_registry()
    return {name: registry.objective(choice) for name, choice in objectives_of(config).items()}


def make_mags(count: int, seed: int = 0, words: tuple[int, int] = (3, 14)) -> list[Mag]:
    """Discussions of three agents in up to four rounds; every turn has seen the round before."""
    draw = random.Random(seed)

    def said(least: int, most: int) -> str:
        return " ".join(f"w{draw.randrange(30)}" for _ in range(draw.randint(least, most)))

    found = []
    for number in range(count):
        turns: list[Turn] = []
        for around in range(1 + number % 4):
            before = [turn.step for turn in turns if turn.round == around - 1]
            for agent in range(3):
                right = draw.random() < 0.6
                turns.append(
                    Turn(
                        step=len(turns),
                        agent=f"agent-{agent}",
                        round=around,
                        seen=tuple(Seen(step=step) for step in before),
                        text="said",
                        reasoning=said(*words),
                        answer=str(draw.randrange(20)),
                        correct=right,
                        label=right,
                        label_source="gold",
                    )
                )
        question = Question(id=f"q{number}", text=said(4, 9), answer_type="number")
        found.append(Mag(id=f"mag-{number}", question=question, protocol="test", turns=tuple(turns)))
    return found


def exact_norms(model: torch.nn.Module) -> None:
    """Lets RMSNorm compute in the model's type: transformers' computes in float32, even in a float64 model."""
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = _norm(module)


def _norm(module: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", 1e-6))
    plus = 1.0 if "Gemma" in type(module).__name__ else 0.0

    def forward(x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * (plus + module.weight)

    return forward
