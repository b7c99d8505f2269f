"""How many threads torch computes with, chosen for each piece of work by the model's size and what the machine does.

A second thread saves a small model little, and where the cores are busy the two wait for each other: a training step of
the embedded default beside seven other processes on two cores took 1,663 ms of CPU with two threads, 138 with one
(a model of 39 million weights: 10.1 s against 4.1). Threads that wait asleep (`PASSIVE`) do not: 153 ms.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait for others sleep, in the processes that are begun with it or load torch after it."""

WEIGHTS_A_THREAD = 10_000_000
"""With fewer a thread costs more than it saves. A model of less than two times this has one whatever the machine, and
so sums, and weights, that are the same on all."""

OWN = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Who has set one of these has chosen."""

_started = time.monotonic()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Lets torch compute with so many threads; afterwards as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def threads_for(model: Any) -> Iterator[None]:
    """Lets torch compute with as many threads as fit a model (`fitting`); afterwards as before."""
    with threads(fitting(model)):
        yield


def fitting(model: Any) -> int:
    """Returns the threads for a model: one for every 10 million weights, no more than there are idle cores.

    Never more than torch has been given; exactly those where the environment says a number, or the model is on a GPU.
    """
    import torch

    most: int = torch.get_num_threads()
    if any(os.environ.get(name) for name in OWN) or next(model.parameters()).device.type != "cpu":
        return most
    weights: int = sum(each.numel() for each in model.parameters())
    return max(1, min(most, weights // WEIGHTS_A_THREAD, idle_cores()))


def told() -> dict[str, float]:
    """Returns the threads that torch computes with now, as figures of progress; nothing where it is not loaded."""
    torch = sys.modules.get("torch")
    return {"threads": torch.get_num_threads()} if torch else {}


def idle_cores() -> int:
    """Returns how many of the cores that this process may use nobody else has used in the last minute."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not hasattr(os, "getloadavg"):
        return cores
    age = max(time.monotonic() - _started, 1.0)
    own = time.process_time() / age * (1 - math.exp(-age / 60))
    return cores - round(max(0.0, os.getloadavg()[0] - own))
