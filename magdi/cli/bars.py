"""Bars on a terminal: what is done of what, how fast and how long yet, at every width; figures below it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

WIDEST = 40
ROOM = 100
"""Signs a line from which on a bar need not give way."""


class Speed(ProgressColumn):
    """Units a second; seconds a unit where it is less than one."""

    def render(self, task: Task) -> Text:
        """Returns the speed of the last half minute."""
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("-/s", style="dim")
        return Text(f"{speed:,.1f}/s" if speed >= 1 else f"{1 / speed:,.1f} s each", style="dim")


class Bars(Progress):
    """Bars, each with its task's field ``figures`` on a line of its own, cut where it is too long."""

    def __init__(self, console: Console) -> None:
        narrow = console.width < ROOM
        super().__init__(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None if narrow else WIDEST, table_column=Column(ratio=1) if narrow else None),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[unit]}", markup=False, table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
            Speed(table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
            expand=narrow,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yields the bars and the figures."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.fields["figures"]:
                yield Text(task.fields["figures"], style="dim", no_wrap=True, overflow="ellipsis")
