"""Processes that train together, one a device: what one does for all, how they fail together, how the group is left."""

from __future__ import annotations

import atexit
import gc
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

from magdi.core.errors import MagdiError, TrainingError

Result = TypeVar("Result")
STORE_ANSWERS = timedelta(seconds=5)  # or it is gone


class FailedBeside(MagdiError):
    """Another process failed first, and says why; this one ends for its sake, with the same exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


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


@contextmanager
def failing_together() -> Iterator[None]:
    """Lets a process that fails because another one did end with that one's error, which it else knows nothing of.

    Raises:
        FailedBeside: Another one failed first.
        KeyboardInterrupt: It was interrupted.
        TrainingError: The connection to another one is lost, which has left no word: it was killed.
    """
    try:
        yield
    except FailedBeside:
        raise
    except BaseException as error:
        if not several():
            raise
        first = _first_failure(error)
        if first["rank"] == rank():
            if _lost(error):
                raise TrainingError(first["message"], hint="was it killed for want of memory?") from error
            raise
        if first["interrupted"]:
            raise KeyboardInterrupt from error
        raise FailedBeside(f"process {first['rank']}: {first['message']}", first["code"]) from error


def _first_failure(error: BaseException) -> dict[str, Any]:
    """Returns what the first process that failed has noted of it in the launcher's store; this one, where it is."""
    import torch.distributed as dist

    message = "a process that trains with this one has ended" if _lost(error) else str(error) or type(error).__name__
    interrupted = not isinstance(error, Exception)
    own = {"rank": rank(), "message": message, "interrupted": interrupted, "code": getattr(error, "exit_code", 1)}
    with suppress(RuntimeError):  # it has ended, and so has the launcher
        place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = dist.TCPStore(*place, is_master=False, timeout=STORE_ANSWERS)  # type: ignore[attr-defined]
        key = f"magdi/failed/{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}"
        return dict(json.loads(store.compare_set(key, "", json.dumps(own))))
    return own


def _lost(error: BaseException) -> bool:
    """Returns whether a collective failed for want of another process."""
    import torch.distributed as dist

    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "/gloo/" in str(error))


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
    with failing_together():
        yield
    atexit.register(_leave)


def _leave() -> None:
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
    gc.collect()  # the group's threads end with the last reference to it, and a Trainer refers to itself
