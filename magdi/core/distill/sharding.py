"""Weights spread over processes (FSDP2): what training must know of it.

accelerate shards what it prepares. Every decoder layer is a group of its own; all else (embeddings, the vocabulary
projection, heads) is the root's, which is gathered for the whole forward pass of `MagLosses`, so that whatever an
objective reads of the student is whole while it reads it. As every forward pass gathers weights, all processes make
equally many (`Steps.even`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from magdi.core.distill import zero
from magdi.core.distill.checkpoints import trained_state
from magdi.core.errors import TrainingError

SHARDS = "shards"
"""The folder of a checkpoint with every process's part."""


def asked_for(engine: str = "") -> bool:
    """Returns whether this process was launched to shard: by ``--sharding``, or by accelerate's own launcher.

    Args:
        engine: ``FSDP`` or ``DEEPSPEED``; either where it is left out.
    """
    engines = [engine] if engine else ["FSDP", "DEEPSPEED"]
    return any(os.environ.get(f"ACCELERATE_USE_{each}", "false").lower() == "true" for each in engines)


def make_room(model: Any) -> None:
    """Gives weights that only the first process has loaded a place in others; one that is not touched takes no memory.

    accelerate tells weights apart by their places.
    """
    if any(each.is_meta for each in model.parameters()):
        model._apply(lambda each: torch.empty_like(each, device="cpu") if each.is_meta else each)
        model.tie_weights()


@contextmanager
def buffers_apart(module: nn.Module) -> Iterator[None]:
    """Lets accelerate shard a module whose parts keep buffers: it hands out parameters alone, and these are alike."""
    parts = [(part, part._non_persistent_buffers_set) for part in module.modules()]
    for part, _ in parts:
        part._non_persistent_buffers_set = {*part._buffers}
    yield
    for part, own in parts:
        part._non_persistent_buffers_set = own


def also_on_a_cpu(accelerator: Any) -> None:
    """Lets accelerate shard on CPUs, too; by itself it does so on accelerators alone, and copies on CPUs."""
    from accelerate.state import AcceleratorState
    from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

    if accelerator.state.distributed_type == DistributedType.MULTI_CPU:
        shared = AcceleratorState._shared_state
        shared["distributed_type"] = DistributedType.FSDP
        shared["fsdp_plugin"] = FullyShardedDataParallelPlugin()


@contextmanager
def passes_together(model: Any) -> Iterator[None]:
    """Lets each process make as many forward passes of a sharded model as it needs: each pass gathers from all of them.

    Whoever has made its own makes passes of one token for as long as others go on.
    """
    if not asked_for():
        yield
        return

    def anybody(goes_on: bool) -> bool:
        told = torch.tensor(float(goes_on), device=model.device)
        dist.all_reduce(told)
        return bool(told)

    def before_a_pass(*_: object) -> None:
        anybody(True)

    hook = model.register_forward_pre_hook(before_a_pass)
    try:
        yield
    finally:
        hook.remove()
    with torch.no_grad():
        while anybody(False):
            model(input_ids=torch.zeros(1, 1, dtype=torch.long, device=model.device))


def gathered(state: Mapping[str, Tensor], *, keep: bool = True) -> dict[str, Tensor]:
    """Returns tensors whole and on the CPU; every process has to call it, as each may hold a part of them.

    A tensor that has several names is still one. Without ``keep`` nothing is copied, and nothing returned: one process
    saves, and the others help it.
    """
    once: dict[int, Tensor] = {}
    for tensor in {id(each): each for each in state.values()}.values():
        whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        whole = zero.whole(tensor) if hasattr(tensor, "ds_id") else whole
        if keep:
            once[id(tensor)] = whole.detach().cpu().contiguous()
    return {name: once[id(tensor)] for name, tensor in state.items()} if keep else {}


def save(module: nn.Module, optimizer: Optimizer, checkpoint: Path) -> None:
    """Writes what training changes, every process its part; as many processes as one likes can read it."""
    state_dict_saver.save(_state(module, optimizer), checkpoint_id=checkpoint / SHARDS)


def load(module: nn.Module, optimizer: Optimizer | None, checkpoint: Path) -> None:
    """Reads what `save` wrote; without its optimizer where there is none to go on with.

    Raises:
        TrainingError: The checkpoint was not sharded.
    """
    if not (checkpoint / SHARDS).exists():
        raise TrainingError(
            f"the checkpoint {checkpoint} is not sharded", hint="go on without --sharding, or --fresh starts over"
        )
    state = _state(module, optimizer)
    state_dict_loader.load(state, checkpoint_id=checkpoint / SHARDS)
    if optimizer is not None:
        set_optimizer_state_dict(module, optimizer, state["optimizer"])


def _state(module: nn.Module, optimizer: Optimizer | None) -> dict[str, Any]:
    """Returns the parts of this process; an evaluation has left weights gathered, which the optimizer does not know."""
    for part in module.modules():
        if isinstance(part, FSDPModule):
            part.reshard()
    state: dict[str, Any] = {"trained": trained_state(module)}
    if optimizer is not None:
        state["optimizer"] = get_optimizer_state_dict(module, optimizer)
    return state
