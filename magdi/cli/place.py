"""Options that say where a command is done, and what it is given there; and the command without them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from magdi.plugins.suites.executors.resources import On, Resources

PLACE = "Where runs are done"
PLACED = ("--on", "--gpus", "--cpus", "--time", "--partition", "--address")
SHARDED = (*PLACED, "--jobs", "-j", "--shards")

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


def resources(on: On, **given: Any) -> Resources:
    """Returns what a job is given; raises ConfigError for what the engine does not take."""
    found = Resources(**given)
    found.check(on)
    return found


def without(options: Sequence[str], flags: Sequence[str] = ()) -> list[str]:
    """Returns this command's arguments without some options and their values, and without some flags."""
    left, skip = list[str](), False
    for argument in sys.argv[1:]:
        if not skip and argument.partition("=")[0] not in (*flags, *options):
            left.append(argument)
        skip = argument in options
    return left
