"""Weights spread over processes by DeepSpeed (ZeRO-2 and ZeRO-3): what training must know of it.

DeepSpeed's own checkpoints are read by as many processes as wrote them. Here every weight is a file, with what the
optimizer keeps of it; processes write them in turns, so that none holds more than one whole, and any number reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from magdi.core.distill.checkpoints import trained_state
from magdi.core.errors import TrainingError

WEIGHTS = "zero"
"""The folder of a checkpoint with a file for every weight."""

KEPT = ("exp_avg", "exp_avg_sq")
"""What Adam keeps of a weight."""


def whole(weight: Tensor) -> Tensor:
    """Returns a weight of ZeRO-3, whole; every process has to call it."""
    import deepspeed

    with deepspeed.zero.GatheredParameters([weight]):
        return weight.detach().clone()


def save(module: nn.Module, optimizer: Any, checkpoint: Path) -> None:
    """Writes what training changes: every weight with what the optimizer keeps of it."""
    from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

    (checkpoint / WEIGHTS).mkdir(parents=True, exist_ok=True)
    _link(optimizer)
    steps = next(iter(optimizer.state.values()))["step"]
    for place, (name, tensor) in enumerate(_trained(module).items()):
        found = {"": tensor}
        if isinstance(tensor, nn.Parameter):
            found = {key: safe_get_full_optimizer_state(tensor, key) for key in KEPT} | {"step": torch.as_tensor(steps)}
            found[""] = safe_get_full_fp32_param(tensor)
        if place % dist.get_world_size() == dist.get_rank():
            save_file({key: each.cpu().contiguous() for key, each in found.items()}, _file(checkpoint, name))
    dist.barrier()


def load(module: nn.Module, optimizer: Any, checkpoint: Path) -> None:
    """Reads what `save` wrote.

    Raises:
        TrainingError: The checkpoint is not of ZeRO.
    """
    if not (checkpoint / WEIGHTS).exists():
        raise TrainingError(
            f"the checkpoint {checkpoint} is not of ZeRO", hint="go on with the same --sharding, or --fresh starts over"
        )
    for name, tensor in _trained(module).items():
        kept = load_file(_file(checkpoint, name))
        if not isinstance(tensor, nn.Parameter):
            tensor.copy_(kept[""])
            continue
        _begin(optimizer, kept.pop("step"))
        for key, each in kept.items():
            _set(tensor, each, key)
    if kept_whole := getattr(optimizer, "persistent_parameters", []):  # small weights of ZeRO-3
        kept_whole[0].all_gather(kept_whole)


def _begin(optimizer: Any, step: Tensor) -> None:
    """Makes what the optimizer keeps, which else its first step would."""
    flat = getattr(optimizer, "fp32_partitioned_groups_flat", None) or optimizer.single_partition_of_fp32_groups
    if all(optimizer.state.get(each) for each in flat):
        return
    for each in flat:
        optimizer.state[each] = {"step": step.clone()} | {key: torch.zeros_like(each) for key in KEPT}
    _link(optimizer)


def _link(optimizer: Any) -> None:
    """Lets weights of ZeRO-2 find what the optimizer keeps: else it links after its first group's first step."""
    if hasattr(optimizer, "_hp_optimizer_states_linked"):
        optimizer._hp_optimizer_states_linked = False
        optimizer._lazy_init_hp_params_optimizer_state()


def _set(weight: Any, value: Tensor, key: str) -> None:
    """Sets a weight, where the key is empty, or what the optimizer keeps of it; each process its part."""
    value = value.to(weight.device)
    if not hasattr(weight, "ds_tensor"):
        weight.set_full_hp_param(value, key or None)
        if not key:
            weight.data.copy_(value)
        return
    size = weight.ds_tensor.numel()
    parts = nn.functional.pad(value.flatten(), (0, size * dist.get_world_size() - value.numel()))
    part = parts[size * dist.get_rank() :][:size]
    weight._z3_optimizer.set_local_hp_param(part, weight, key or None)
    if not key:
        weight.ds_tensor.data.copy_(part)


def _trained(module: nn.Module) -> dict[str, Tensor]:
    """Returns the weights that are trained, themselves, and the heads' buffers."""
    weights = dict(module.named_parameters())
    return {name: weights.get(name, each) for name, each in trained_state(module).items()}


def _file(checkpoint: Path, name: str) -> Path:
    return checkpoint / WEIGHTS / f"{name}.safetensors"
