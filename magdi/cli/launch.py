"""A command given to several processes, which train together: how they begin, and how they end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn
from uuid import uuid4

import typer

from magdi.core.errors import MagdiError
from magdi.core.threads import OWN
from magdi.plugins.suites.executors.ending import end_with_starter

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

STARTER = "MAGDI_STARTER"
"""The environment variable with the number of the process that has begun this one."""

PATIENCE = 5.0
"""Seconds after which a process ends that was told to, whatever it waits for: others may have left already."""

NO_ADVICE = {"TORCH_CPP_LOG_LEVEL": "ERROR"}
"""Where DDP has to look for unused weights, it would warn of every process that finds none at first."""

FSDP2 = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
}
ZERO = {"ACCELERATE_USE_DEEPSPEED": "true"}
ENGINES = {
    "fsdp2": FSDP2,
    "fsdp2-grads": FSDP2 | {"FSDP_RESHARD_AFTER_FORWARD": "false"},
    "zero2": ZERO | {"ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"},
    "zero3": ZERO | {"ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"},
}
"""What accelerate is told by its own launcher, where it is asked for the same."""

Processes = Annotated[int, typer.Option(min=1, help="Processes that train together, one for each GPU.")]
Sharding = Annotated[
    Literal[("none", *ENGINES)],  # type: ignore[valid-type]
    typer.Option(help="Whether each process holds all weights (DDP), or a part (FSDP2, DeepSpeed's ZeRO)."),
]


def launch(processes: int, sharding: str, arguments: Sequence[str]) -> int:
    """Gives a command of magdi in several processes of this machine, by torchrun's engine; returns the exit code.

    When one fails, the others are told to end; why is said by the one that failed first. Ctrl-C and SIGTERM are passed
    on.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    settings = NO_ADVICE | {OWN[0]: "1"} | os.environ | ENGINES.get(sharding, {}) | {STARTER: str(os.getpid())}
    os.environ.update(settings)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
    )
    before = logging.root.manager.disable
    logging.disable()  # it would tell of each process that it ends
    try:
        elastic_launch(config, sys.executable)("-u", "-m", "magdi", *arguments)
    except ChildFailedError as error:
        return _code(error)
    except SignalException as error:
        return 128 + error.sigval
    finally:
        logging.disable(before)
    return 0


def _code(error: ChildFailedError) -> int:
    """Returns the exit code of the process that failed first; of one that was killed, and could not, says so."""
    from magdi.cli.output import complain

    codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
    if said := [code for code in codes.values() if 0 < code < 128]:
        return said[0]
    rank = error.get_first_failure()[0]
    killed = signal.Signals(-codes[rank]).name if codes[rank] < 0 else f"exit code {codes[rank]}"
    complain(
        MagdiError(f"process {rank} was ended ({killed})", hint="maybe for want of memory; the same command resumes")
    )
    return MagdiError.exit_code


@contextmanager
def one_of_several() -> Iterator[None]:
    """Sees to it that this process, one of several, ends when it is told to, and after an error at once.

    Told to end while it waits for others in a collective it would not hear of it; and the end of an interpreter waits
    for what a broken group has under way.
    """
    _end_with_starter()
    heard = Event()

    def end(number: int, frame: object) -> NoReturn:
        heard.set()
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    told, telling = os.pipe()
    os.set_blocking(telling, False)
    signal.set_wakeup_fd(telling)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    Thread(target=_end_anyway, args=(told, heard), daemon=True).start()
    try:
        yield
    except SystemExit as error:
        if error.code:
            _leave_at_once(error.code)
        raise
    except BaseException:
        traceback.print_exc()
        _leave_at_once(1)


def _end_with_starter() -> None:
    if starter := os.environ.get(STARTER):
        end_with_starter()
        if os.getppid() != int(starter):
            sys.exit(128 + signal.SIGTERM)  # it has ended since


def _end_anyway(told: int, heard: Event) -> None:
    """Ends this process when a signal has come and its main thread does not hear of it."""
    number = os.read(told, 1)[0]
    if not heard.wait(PATIENCE):
        os._exit(128 + number)


def _leave_at_once(code: object) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else 1)
