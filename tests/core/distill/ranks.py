"""Processes of one training, by gloo: forked off where a launcher would start them, as imports take the longest."""

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO

import torch
import torch.distributed as dist
from accelerate.state import AcceleratorState

FORK = multiprocessing.get_context("fork")


@contextmanager
def ranks(
    count: int, work: Callable[[], object], errors: Path, environment: Mapping[str, str] = {}
) -> Iterator[tuple[list[BaseProcess], TextIO]]:
    """Does work in several processes; gives these and what they print. What they complain of goes to a file.

    Their variables are those of ``torch.distributed.run``, which has the store of the group, too; a single one has
    neither. Whatever is left of them at the end is killed.
    """
    store = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
    shared = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    shared |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    read, write = os.pipe()
    processes: list[BaseProcess] = []
    with open(read, encoding="utf-8") as printed:
        for rank in range(count):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)} | shared if count > 1 else {}
            processes.append(FORK.Process(target=_be, args=(work, own | dict(environment), write, errors)))
            processes[-1].start()
        os.close(write)
        try:
            yield processes, printed
        finally:
            for process in processes:
                process.kill()
                process.join()


def ended_well(processes: list[BaseProcess], errors: Path) -> None:
    for process in processes:
        process.join()
        assert process.exitcode == 0, errors.read_text()


def _be(work: Callable[[], object], environment: Mapping[str, str], write: int, errors: Path) -> None:
    os.environ.update(environment)
    os.dup2(write, 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    warnings.resetwarnings()
    torch.set_num_threads(1)  # the threads of the parent are not here
    AcceleratorState._reset_state(True)  # nor what it has trained with
    work()
    if dist.is_initialized():
        dist.destroy_process_group()
