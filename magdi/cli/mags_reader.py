"""How discussions of other systems are read: the options of `magdi mags import` and `magdi collect`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import options as opt
from magdi.cli.output import warn

if TYPE_CHECKING:
    from magdi.plugins.formats.importers.reader import Reader
    from magdi.plugins.registry import Registry

TaskName = Annotated[str | None, typer.Option("--task", help="Reads and grades the answers.", show_default=False)]
Match = Annotated[bool, typer.Option("--match", help="Look questions up in the task's own, and keep their ids.")]
Gold = Annotated[
    Path | None,
    typer.Option(
        "--gold",
        help="Table of right answers, by question or trace_id, where files hold none.",
        show_default=False,
    ),
]
KeepPrompts = Annotated[bool, typer.Option("--keep-prompts", help="Keep the prompts that were recorded.")]


@dataclass(frozen=True)
class Recorded:
    """How what others have recorded is read."""

    task: TaskName = None
    data: opt.Data = None
    task_arg: opt.TaskArg = None
    match: Match = False
    gold: Gold = None
    keep_prompts: KeepPrompts = False

    def reader(self, registry: Registry) -> Reader:
        """Returns what reads and grades recorded discussions.

        Raises:
            ConfigError: A setting is of a task, and none is named.
            DataError: The table of right answers cannot be read.
        """
        from magdi.core.config.models import ComponentChoice
        from magdi.core.errors import ConfigError
        from magdi.plugins.formats.importers.golds import read_golds
        from magdi.plugins.formats.importers.reader import Reader

        settings = opt.component("task", self.task_arg, data=self.data)
        golds, keep_prompts = read_golds(self.gold) if self.gold else {}, self.keep_prompts
        if self.task is None:
            for given, said in (("--match", self.match), ("--data or --task-arg", settings)):
                if said:
                    raise ConfigError(f"{given} is of a task, and none is named", hint="--task NAME, e.g. --task gsm8k")
            return Reader(keep_prompts=keep_prompts, golds=golds)
        task, name = registry.task(ComponentChoice(name=self.task, **settings), 0), self.task.partition(":")[0]
        return Reader.of_task(task, name, match=self.match, keep_prompts=keep_prompts, golds=golds, on_missing=warn)
