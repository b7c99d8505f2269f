"""Options that say where runs are done, and what each is given there."""

from __future__ import annotations

from typing import Annotated

import typer

from magdi.plugins.suites.executors.resources import On

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
