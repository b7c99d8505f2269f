"""Processes that train together, one a device: what one does for all, which devices lie idle, how the group is left."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")


def rank() -> int:
    """Returns which of the processes this is that torchrun has begun, from 0; of one that is alone as well."""
    return int(os.environ.get("RANK", "0"))


def several() -> bool:
    """Returns whether this process is one of several that torchrun has begun."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def by_first(work: Callable[[], Result]) -> Result:
    """Returns in every process what work comes to, which the first one alone does while the others wait.

    Each of them has to call it. It is for what all read and one writes, and for what is decided by looking at files:
    processes look at different times, and one that decides otherwise waits for the others for ever.
    """
    if not several():
        return work()
    join()
    from accelerate.utils import broadcast_object_list

    found: list[Result] = broadcast_object_list([work() if rank() == 0 else None])
    return found[0]


def join() -> None:
    """Joins the other processes, as the Trainer's arguments would."""
    from accelerate import PartialState

    from magdi.core.distill.arguments import backend

    if not PartialState._shared_state:
        PartialState(**backend())
        atexit.register(_leave)


def idle_devices() -> str:
    """Returns what to say where a process trains on one of several GPUs; empty otherwise."""
    import torch

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
    atexit.register(_leave)


def _leave() -> None:
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
    gc.collect()  # the group's threads end with the last reference to it, and a Trainer refers to itself
