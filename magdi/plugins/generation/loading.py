"""Loads what is to be evaluated: a model's folder or hub id, an adapter, or a run directory."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

from magdi.core.config.models import name_and_revision
from magdi.core.errors import DataError, first_line
from magdi.core.files import read_json
from magdi.core.quiet import quiet

WITHOUT_CODE = "it comes with code of its own, and nobody has said that this is to be run"
SAY_SO = "a run says so (student.trust_remote_code: true); a model by itself: serve it, and name openai:MODEL@URL"
Dtype = Literal["auto", "float32", "bfloat16", "float16"]


def resolve(model: str | Path) -> str:
    """Returns the folder or hub id that a name stands for: a run directory stands for its student.

    Raises:
        DataError: It is a folder with no model in it.
    """
    folder = Path(model)
    if not folder.is_dir():
        return str(model)
    for place in (folder, folder / "student"):
        if (place / "adapter_config.json").is_file() or (place / "config.json").is_file():
            return str(place)
    raise DataError(
        f"{folder} holds no model",
        hint="expected a model (config.json), an adapter (adapter_config.json), or a run directory with a student",
    )


def base_of(model: str | Path) -> str | None:
    """Returns the base that an adapter's configuration names, or ``ID@REVISION``; None for what is no adapter."""
    config = Path(resolve(model)) / "adapter_config.json"
    if not config.is_file():
        return None
    settings = read_json(config)
    base = settings.get("base_model_name_or_path") if isinstance(settings, dict) else None
    if not isinstance(base, str):
        raise DataError(f"{config} names no base, so the adapter cannot be loaded")
    if settings.get("megatron_config"):  # for it peft imports whatever module megatron_core names
        raise DataError(f"{config} asks for a module to be imported (megatron_core), which no adapter of magdi does")
    return f"{base}@{revision}" if (revision := settings.get("revision")) else base


@quiet()
def load(
    model: str | Path, *, dtype: Dtype = "auto", device: str | None = None, trust_remote_code: bool = False
) -> tuple[Any, Any]:
    """Returns model and tokenizer, ready to generate; an adapter is merged into its base.

    Args:
        model: A folder, hub id (``ID@REVISION``, too), adapter or run directory.
        dtype: Type of the weights; auto is the model's own on a GPU and float32 elsewhere.
        device: Where it runs; the first GPU there is, or the CPU.
        trust_remote_code: Run code that comes with a hub model.

    Raises:
        DataError: There is no such model, or it cannot be loaded.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = resolve(model)
    base = base_of(place)
    device = device or best_device()
    if dtype == "auto" and device == "cpu":
        dtype = "float32"
    kind = dtype if dtype == "auto" else getattr(torch, dtype)
    try:
        tokenizer = AutoTokenizer.from_pretrained(padding_side="left", **_remote(place, trust_remote_code))
        loaded = AutoModelForCausalLM.from_pretrained(dtype=kind, **_remote(base or place, trust_remote_code))
        if base is not None:
            loaded = with_adapter(loaded, place).merge_and_unload()
    except Exception as error:  # of a damaged folder every library says something else
        remote = "" if trust_remote_code or "trust_remote_code" not in str(error) else WITHOUT_CODE
        raise DataError(
            f"model {model} cannot be loaded: {remote or first_line(error)}", hint=remote and SAY_SO
        ) from error
    return loaded.to(device).eval(), tokenizer


def _remote(place: str, trust_remote_code: bool) -> dict[str, Any]:
    name, revision = name_and_revision(place)
    return {
        "pretrained_model_name_or_path": name,
        "revision": revision,
        "trust_remote_code": trust_remote_code,
    }


def with_adapter(base: Any, adapter: str | Path, name: str = "default") -> Any:
    """Returns a model with an adapter on it, under a name; one that has adapters gets a further one."""
    from peft import PeftModel

    with warnings.catch_warnings():
        # peft reads an attribute of models that transformers 5.23 has renamed.
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*tie_word_embeddings", category=UserWarning)  # for who would merge
        if not isinstance(base, PeftModel):
            return PeftModel.from_pretrained(base, adapter, adapter_name=name)
        base.load_adapter(str(adapter), adapter_name=name)
        return base


def best_device() -> str:
    """Returns the first GPU there is, or the CPU."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
