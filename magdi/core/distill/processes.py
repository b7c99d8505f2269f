"""Processes that train together, one a device: which devices lie idle, and how the group is left in the end."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist


def idle_devices() -> str:
    """Returns what to say where a process trains on one of several GPUs; empty otherwise."""
    visible = torch.cuda.device_count()
    if visible < 2 or "WORLD_SIZE" in os.environ:
        return ""
    return f"training on one of {visible} GPUs; --processes {visible} takes all"


@contextmanager
def process_group() -> Iterator[None]:
    """Sees to it that the process group of a training is left before the interpreter ends, not after.

    Else gloo's thread may free the last collective's tensor when there is no interpreter any more, which aborts the
    process. The group stays until then, since a process cannot join a second one; one that an error has broken is
    not waited for.
    """
    atexit.unregister(_leave)
    yield
    if dist.is_available() and dist.is_initialized():
        atexit.register(_leave)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
    gc.collect()  # the group's threads end with the last reference to it, and a Trainer refers to itself
