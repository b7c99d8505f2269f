"""Options that say where a command is done, and what it is given there; and the command without them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

import typer

from magdi.plugins.suites.executors.resources import On, Resources

PLACE = "Where runs are done"

Where = Annotated[On, typer.Option("--on", help="Processes here, or a cluster.", rich_help_panel=PLACE)]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Jobs at once.", show_default="all", rich_help_panel=PLACE)
]
Gpus = Annotated[int, typer.Option(min=0, help="GPUs of a run.", rich_help_panel=PLACE)]
Cpus = Annotated[int, typer.Option(min=1, help="CPU cores of a run.", rich_help_panel=PLACE)]
Time = Annotated[str, typer.Option(help="Longest time of a run; then it is requeued.", rich_help_panel=PLACE)]
Partition = Annotated[str, typer.Option(help="Slurm's.", show_default=False, rich_help_panel=PLACE)]
Address = Annotated[
    str, typer.Option(help="Ray's cluster; one of this machine if left out.", show_default=False, rich_help_panel=PLACE)
]


@dataclass(frozen=True)
class Place:
    """Where runs are done."""

    on: Where = "local"
    gpus: Gpus = 0
    cpus: Cpus = 1
    time: Time = "24:00:00"
    partition: Partition = ""
    address: Address = ""

    def resources(self, jobs: int | None = None) -> Resources:
        """Returns what a job is given, ``jobs`` at once; raises ConfigError for what the engine does not take."""
        found = Resources(jobs=jobs, **{name: value for name, value in vars(self).items() if name != "on"})
        found.check(self.on)
        return found


PLACED = tuple(f"--{option.name}" for option in fields(Place))
SHARDED = (*PLACED, "--jobs", "-j", "--shards")


def without(options: Sequence[str], flags: Sequence[str] = ()) -> list[str]:
    """Returns this command's arguments without some options and their values, and without some flags."""
    left, skip = list[str](), False
    for argument in sys.argv[1:]:
        if not skip and argument.partition("=")[0] not in (*flags, *options):
            left.append(argument)
        skip = argument in options
    return left
