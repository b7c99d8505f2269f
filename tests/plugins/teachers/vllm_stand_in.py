"""vLLM as magdi calls it, by the signatures of its offline engine in 0.11 and later: what they do not take, fails."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ASKED: list[Any] = []
"""What the engine was made with, then each batch: conversations, and how each is sampled."""


@dataclass
class StructuredOutputsParams:
    """One of the first five has to be given."""

    json: str | dict[str, Any] | None = None
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None

    def __post_init__(self) -> None:
        if sum(each is not None for each in vars(self).values()) != 1:
            raise ValueError("you must use one kind of structured outputs constraint")


class SamplingParams:
    """What it was given, for a test to look at."""

    def __init__(
        self,
        n: int = 1,
        presence_penalty: float = 0.0,
        frequency_penalty: float = 0.0,
        repetition_penalty: float = 1.0,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        min_p: float = 0.0,
        seed: int | None = None,
        stop: str | list[str] | None = None,
        max_tokens: int | None = 16,
        structured_outputs: StructuredOutputsParams | None = None,
    ) -> None:
        told = locals()
        usual = dict(
            zip(SamplingParams.__init__.__annotations__, SamplingParams.__init__.__defaults__ or (), strict=False)
        )
        self.given = {name: told[name] for name in usual if told[name] != usual[name]}


class LLM:
    """Says of each question what it is told to."""

    def __init__(
        self,
        model: str,
        *,
        tokenizer: str | None = None,
        trust_remote_code: bool = False,
        tensor_parallel_size: int = 1,
        dtype: str = "auto",
        quantization: str | None = None,
        revision: str | None = None,
        seed: int = 0,
        gpu_memory_utilization: float = 0.9,
        enforce_eager: bool = False,
        **kwargs: Any,
    ) -> None:
        ASKED.append({"model": model, "seed": seed, **kwargs})

    def chat(
        self,
        messages: Sequence[list[dict[str, str]]],
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        use_tqdm: bool = True,
        lora_request: object = None,
        chat_template: str | None = None,
        add_generation_prompt: bool = True,
    ) -> list[Any]:
        """Answers a batch."""
        assert isinstance(sampling_params, list)
        assert len(sampling_params) == len(messages)
        assert not use_tqdm
        ASKED.append((messages, sampling_params))
        best = SimpleNamespace(text="<think>hm</think>The answer is 4.", token_ids=[1, 2], finish_reason="stop")
        return [SimpleNamespace(outputs=[best], prompt_token_ids=[1, 2, 3]) for _ in messages]


def standing_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts this module into vLLM's place, with nothing asked of it yet."""
    ASKED.clear()
    for name in ("vllm", "vllm.sampling_params"):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.__dict__.update(LLM=LLM, SamplingParams=SamplingParams, StructuredOutputsParams=StructuredOutputsParams)
        module.__dict__["ASKED"] = ASKED
        monkeypatch.setitem(sys.modules, name, module)
    return sys.modules["vllm"]
