"""Fixtures of the tests of evaluation: tiny models with random weights, sharp enough to have opinions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import transformers

from magdi.core.mag import Question
from magdi.core.task import Split, Task
from magdi.plugins import answers
from magdi.plugins.tiny.tokenizer import bpe_tokenizer

TEXT = "So the answer is one two three four five six seven . 1 2 3 4 5 6 7 8 9 How many eggs are there ?"


class Adding(Task):
    """Sums of different lengths."""

    def questions(self, split: Split) -> Sequence[Question]:
        return [
            Question(
                id=f"{split}-{count}",
                text=" + ".join(str(n) for n in range(count + 1)),
                gold=str(sum(range(count + 1))),
                answer_type="number",
                task="odd" if count % 2 else "even",
            )
            for count in range(24)
        ]

    def extract(self, text: str, question: Question) -> str | None:
        return answers.extract(text, question)


@pytest.fixture
def task() -> Task:
    return Adding()


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return bpe_tokenizer([TEXT] * 20, 300)


FAMILIES = ("llama", "gpt2", "mistral", "qwen3")


@pytest.fixture(scope="session")
def make_model(tokenizer: Any) -> Callable[..., Any]:
    made: dict[str, Any] = {}

    def make(family: str = "llama", seed: int = 0) -> Any:
        if f"{family}{seed}" in made:
            return made[f"{family}{seed}"]
        common = {
            "vocab_size": len(tokenizer),
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
            "tie_word_embeddings": False,
        }
        if family == "gpt2":
            config = transformers.GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=512, **common)
        else:
            sizes = {
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "num_key_value_heads": 2,
                "head_dim": 8,
            }
            window = {"sliding_window": 24} if family == "mistral" else {}
            config = transformers.AutoConfig.for_model(family, **sizes, **window, **common)
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(config).double().eval()
        with torch.no_grad():
            for name, weight in model.named_parameters():
                if weight.dim() > 1:
                    weight.mul_(1 if "emb" in name or "wte" in name or "wpe" in name else 12)
        # End tokens enough to be met, so that answers differ in length.
        model.generation_config.eos_token_id = [2, *range(100, 130)]
        made[f"{family}{seed}"] = model
        return model

    return make
