"""How large a model is, found without loading it: from its config.json here, or from its name."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magdi.core.config.models import Lora, Student, TinyBase

GIGA = 1e9
_NAMED = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", re.I)


@dataclass(frozen=True, slots=True)
class ModelSize:
    """A decoder's sizes.

    Attributes:
        params: Weights, embeddings included.
        layers: Blocks.
        hidden: Width.
        vocabulary: Tokens.
        projections: Sums of inputs and outputs of a block's query and value projections, and of all its linear maps.
        embeddings: Weights of input and output embeddings.
    """

    params: float
    layers: int
    hidden: int
    vocabulary: int
    projections: tuple[int, int]
    embeddings: float

    @classmethod
    def of(cls, student: Student) -> ModelSize | None:
        """Returns a student's size; None where neither a config.json is here nor its name tells."""
        return cls.of_tiny(student.tiny) if student.model == "tiny" else cls.of_model(student.model, student.revision)

    @classmethod
    def of_model(cls, model: str, revision: str | None = None) -> ModelSize | None:
        """Returns the size of a model in a folder, in the hub's cache, or of one whose name says it (``7B``)."""
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
            if (file := _config_file(model, revision)) is not None:
                return cls._read(json.loads(file.read_text(encoding="utf-8")))
        named = _NAMED.search(model.rpartition("/")[2])
        return cls.of_params(float(named[1]) * (GIGA if named[2] in "bB" else 1e6)) if named else None

    @classmethod
    def of_tiny(cls, tiny: TinyBase) -> ModelSize:
        """Returns the size of a tiny base, whose feed-forward width is twice its own; most vocabularies are smaller."""
        return cls._llama(tiny.layers, tiny.hidden, 2 * tiny.hidden, tiny.hidden, tiny.vocabulary, tied=True)

    @classmethod
    def of_params(cls, params: float) -> ModelSize:
        """Returns the size of a usual model of so many weights: of depth 32 at 7 billion, a head of keys for four."""
        layers = max(2, round(32 * (params / 7e9) ** (1 / 3)))
        hidden = max(64, 64 * round((params / layers / 13) ** 0.5 / 64))
        return cls._llama(layers, hidden, 7 * hidden // 2, max(16, hidden // 4), 64_000, tied=False, params=params)

    @classmethod
    def _read(cls, config: dict[str, Any]) -> ModelSize:
        config = config.get("text_config", config)
        hidden, heads = config["hidden_size"], config["num_attention_heads"]
        head = config.get("head_dim") or hidden // heads
        return cls._llama(
            config["num_hidden_layers"],
            hidden,
            config["intermediate_size"] * (config.get("num_local_experts") or config.get("num_experts") or 1),
            head * (config.get("num_key_value_heads") or heads),
            config["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", False)),
        )

    @classmethod
    def _llama(
        cls, layers: int, hidden: int, inner: int, kv: int, vocabulary: int, *, tied: bool, params: float | None = None
    ) -> ModelSize:
        embeddings = vocabulary * hidden * (1 if tied else 2)
        block = 2 * hidden * hidden + 2 * hidden * kv + 3 * hidden * inner
        query_value = (hidden + hidden) + (hidden + kv)
        every = query_value + (hidden + hidden) + (hidden + kv) + 3 * (hidden + inner)
        whole = layers * block + embeddings if params is None else params
        return cls(whole, layers, hidden, vocabulary, (query_value, every), embeddings)

    def adapter(self, lora: Lora) -> float:
        """Returns the weights of an adapter."""
        query_value, every = self.projections
        return self.layers * lora.r * (query_value if lora.target_modules == "auto" else every)


def _config_file(model: str, revision: str | None) -> Path | None:
    if not model:
        return None
    here = Path(model) / "config.json"
    if here.is_file() or Path(model).is_absolute():
        return here if here.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json", revision=revision)
    return Path(found) if isinstance(found, str) else None
