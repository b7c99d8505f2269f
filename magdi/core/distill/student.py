"""The student: any causal language model of transformers, whole or with an adapter, and how it reads a batch."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from magdi.core.config.models import Lora, Student, name_and_revision
from magdi.core.distill import sharding
from magdi.core.distill.attention import NAME
from magdi.core.distill.batch import MagBatch
from magdi.core.distill.layouts import Layout
from magdi.core.distill.processes import join
from magdi.core.errors import ConfigError, first_line
from magdi.core.extras import need
from magdi.core.quiet import quiet

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
QUERY_AND_VALUE = ({"q_proj", "v_proj"}, {"query_key_value"}, {"qkv_proj"}, {"c_attn"}, {"Wqkv"}, {"query", "value"})
"""What families call the projections that the paper adapts, the fused ones included."""


@dataclass(frozen=True, slots=True)
class DistillStudent:
    """A student that can be trained.

    Attributes:
        model: What is trained: the model itself, or its PEFT wrapper.
        tokenizer: Its tokenizer.
        config: What it was made from.
        reference: The student as it was before training; None unless asked for.
    """

    model: Any
    tokenizer: Any
    config: Student
    reference: DistillStudent | None = None

    @property
    def base(self) -> Any:
        """The transformers model, its adapter's weights included."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def hidden_size(self) -> int:
        """d, the width of the last layer's states."""
        return int(self.base.config.get_text_config().hidden_size)

    @property
    def head(self) -> Any:
        """The vocabulary projection."""
        return self.base.get_output_embeddings()

    @property
    def checkpoint_type(self) -> torch.dtype:
        """The type that the weights have on disk, or were loaded in on purpose."""
        found = getattr(self.base.config, "dtype", None)
        return found if isinstance(found, torch.dtype) else self.base.dtype

    @property
    def max_length(self) -> int:
        """Most tokens of prompt and chain: the configuration's, or the model's context where that is shorter."""
        context = getattr(self.base.config.get_text_config(), "max_position_embeddings", None)
        return min(self.config.max_length, context or self.config.max_length)

    def with_reference(self) -> DistillStudent:
        """Returns the same student beside a copy of it as it is now, which shares with it what is not trained."""
        shared = [self.base.config, *(each for each in self.model.parameters() if not each.requires_grad)]
        reference = copy.deepcopy(self.model, {id(each): each for each in shared})
        return replace(self, reference=replace(self, model=reference.requires_grad_(False).eval()))

    def parameters(self) -> list[nn.Parameter]:
        """Returns what is trained."""
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def attend(self, layout: Layout) -> None:
        """Lets the model attend as a layout needs it."""
        if layout.attention == "segments":
            self.base.set_attn_implementation(NAME)

    @contextmanager
    def attending(self, layout: Layout) -> Iterator[None]:
        """Lets the model attend as a layout needs it, and puts its own attention back afterwards."""
        own = self.base.config._attn_implementation
        self.attend(layout)
        try:
            yield
        finally:
            self.base.set_attn_implementation(own)

    def states(self, batch: MagBatch, layout: Layout) -> Tensor:
        """Returns the last layer's states, [B * T, d], rows laid end to end; within `attending` only.

        Args:
            batch: The MAGs.
            layout: How they share the forward pass.
        """
        found: Tensor = self.base.get_decoder()(**self._inputs(batch, layout)).last_hidden_state
        return found.flatten(0, 1)

    def states_and_logits(self, batch: MagBatch, layout: Layout) -> tuple[Tensor, Tensor]:
        """Returns the same and all logits [B * T, V], by the model's own forward.

        For models that do more with their last states than project them, such as scaling or capping logits.
        """
        out = self.base(**self._inputs(batch, layout), output_hidden_states=True)
        return out.hidden_states[-1].flatten(0, 1), out.logits.flatten(0, 1)

    def projection(self) -> tuple[Tensor, Tensor | None]:
        """Returns the vocabulary projection's weight [V, d] and bias [V]."""
        return self.head.weight, self.head.bias

    def _inputs(self, batch: MagBatch, layout: Layout) -> dict[str, object]:
        inputs: dict[str, object] = {"input_ids": batch.input_ids, "use_cache": False}
        if layout.attention == "stock":
            return inputs | {"attention_mask": batch.mask}
        inputs["position_ids"] = batch.position_ids
        if layout.attention == "segments":
            return inputs | {"segments": batch.segments}
        mask = batch.mask
        if mask is not None and self.base.config._attn_implementation != "sdpa":
            lowest = torch.finfo(self.base.dtype).min
            mask = torch.zeros(mask.shape, dtype=self.base.dtype, device=mask.device).masked_fill(~mask, lowest)
        return inputs | {"attention_mask": mask}

    def state(self) -> dict[str, Tensor]:
        """Returns what is to be saved, by name: the adapter's weights, or all of a whole model's."""
        weights: dict[str, Tensor] = self.model.state_dict(keep_vars=True)  # as parts of them are known by
        if self.model is self.base:
            return weights
        trained = {name for name, weight in self.model.named_parameters() if weight.requires_grad}
        return {name: weight for name, weight in weights.items() if name in trained}

    @quiet()
    def save(self, directory: Path | str, state: Mapping[str, Tensor] | None = None) -> Path:
        """Writes a plain PEFT adapter, or a plain model, and the tokenizer; returns the directory.

        It is written to generate with a cache, also where its base was saved with that turned off for training.

        Args:
            directory: Where to.
            state: What `state` returns, where this process has but a part of it.
        """
        target = Path(directory)
        target.mkdir(parents=True, exist_ok=True)
        use_cache(self.base)
        own = {"save_embedding_layers": False} if hasattr(self.model, "peft_config") else {}  # they are the base's
        self.model.save_pretrained(target, state_dict=None if state is None else dict(state), **own)
        self.tokenizer.save_pretrained(target)
        return target


def use_cache(model: Any) -> None:
    """Lets a model generate with a cache by default: without one it takes many times as long."""
    for settings in (model.config, getattr(model, "generation_config", None)):
        if settings is not None:
            settings.use_cache = True


@quiet()
def load_student(
    config: Student, *, path: str | Path | None = None, adapter: Path | None = None, seed: int
) -> DistillStudent:
    """Loads a student and makes it trainable.

    Weights that are trained are float32 (adapters always, a whole model unless `dtype` says otherwise on purpose);
    training computes in bfloat16 where the configuration or the checkpoint is in half precision, see `precision`.

    Args:
        config: What to load, and how to adapt it.
        path: Where the model is, in the place of ``config.model``; for models made locally.
        adapter: An adapter that is trained on, in the place of a new one; without dropout, as its reference has none.
        seed: What an adapter's first weights are drawn from.

    Raises:
        ConfigError: The model cannot be loaded as configured.
    """
    source = str(path or config.source)
    if source == "tiny":
        raise ConfigError("student.model: tiny has no path yet; make it with magdi.plugins.tiny.base first")
    if sharding.asked_for("FSDP"):
        join()  # for the first process alone loads the weights then, and hands out parts
    tokenizer, model = _load(config, source)
    sharding.make_room(model)
    if tokenizer.eos_token_id is None:
        raise ConfigError(f"student.model: the tokenizer of {source} has no end-of-sequence token")
    if config.prompt == "chat" and not tokenizer.chat_template:
        raise ConfigError(f"student.prompt: {source} has no chat template", hint="take paper or auto")
    if config.gradient_checkpointing:
        _checkpoint(model)
    if config.adaptation == "full":
        if config.quantization != "none":
            raise ConfigError("student.quantization: a quantized model cannot be trained whole", hint="take lora")
        return DistillStudent(model, tokenizer, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapted = _adapted(model, config, name_and_revision(source)[1], adapter)
    return DistillStudent(adapted, tokenizer, config)


def _load(config: Student, source: str) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    name, revision = name_and_revision(source)
    options: dict[str, object] = {"revision": revision, "trust_remote_code": config.trust_remote_code}
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
        model = AutoModelForCausalLM.from_pretrained(
            name, dtype=_weights_type(config), quantization_config=_quantization(config), **options
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"student.model: cannot load {source}: {first_line(error)}") from error
    if config.adaptation == "full" and config.dtype == "auto":
        model = model.float()
    return tokenizer, model


def _weights_type(config: Student) -> Any:
    """The type that weights are loaded in: a whole model is trained in float32, whatever it computes in."""
    if config.adaptation == "full":
        return "auto" if config.dtype == "auto" else torch.float32
    return DTYPES.get(config.dtype, "auto")


def _quantization(config: Student) -> Any:
    if config.quantization == "none":
        return None
    need("bitsandbytes", "quantization", f"student.quantization: {config.quantization}")
    from transformers import BitsAndBytesConfig

    if config.quantization == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=DTYPES.get(config.dtype, torch.bfloat16),
    )


def _checkpoint(model: Any) -> None:
    """Recomputes activations in the backward pass, whatever this version of transformers calls it."""
    if hasattr(model, "activation_checkpointing_enable"):
        model.activation_checkpointing_enable({"use_reentrant": False})
    else:
        model.gradient_checkpointing_enable({"use_reentrant": False})


def _adapted(model: Any, config: Student, revision: str | None, adapter: Path | None) -> Any:
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

    lora = config.lora
    if config.quantization != "none":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    settings = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=_targets(model, lora),
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in model.modules()),
        task_type="CAUSAL_LM",
        revision=revision,
    )
    with warnings.catch_warnings():  # peft asks for a property whose name transformers has deprecated
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*tie_word_embeddings", category=UserWarning)  # for who would merge
        if adapter is not None:
            own = LoraConfig.from_pretrained(str(adapter))
            own.lora_dropout = 0.0
            return PeftModel.from_pretrained(model, str(adapter), config=own, is_trainable=True)
        try:
            return get_peft_model(model, settings)
        except ValueError as error:
            raise ConfigError(f"student.lora.target_modules: {error}", hint="name the modules to adapt") from error


def _targets(model: Any, lora: Lora) -> list[str] | str:
    """Returns the modules to adapt.

    Raises:
        ConfigError: There are none of these names.
    """
    from peft.utils import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING

    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    if lora.target_modules == "all-linear":
        return "all-linear"
    if lora.target_modules != "auto":
        missing = sorted(set(lora.target_modules) - names)
        if missing:
            raise ConfigError(
                f"student.lora.target_modules: the model has no {', '.join(missing)}", hint="take auto or all-linear"
            )
        return list(lora.target_modules)
    known = TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.get(model.config.model_type, ())
    found: set[str] = next((wanted for wanted in QUERY_AND_VALUE if wanted <= names), {*known} & names)
    return sorted(found) or "all-linear"


def precision(config: Student, checkpoint: torch.dtype, device: torch.device) -> str:
    """Returns what to compute in: ``no`` (as the weights are), ``bf16`` or ``fp16`` by autocast.

    Args:
        config: Asks for a type, or leaves it to the checkpoint.
        checkpoint: The type of the model's weights on disk.
        device: Where training runs; on the CPU auto never means autocast, which is slower there.
    """
    wanted = DTYPES.get(config.dtype, checkpoint if device.type != "cpu" else torch.float32)
    return {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(wanted, "no")
