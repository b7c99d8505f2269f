"""The hooks: one signature and one line each; docs/plugins/hooks.md has an example of every one.

A plugin is a module with functions of these names, marked ``@hookimpl``. Those that yield components say what the
plugin brings, and are asked once, when it is loaded. The other four are told what happens; what they raise is
reported once and never stops a run. A hook may leave out arguments that it does not need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from magdi.plugins.component import Component

if TYPE_CHECKING:  # building these models takes a third of the time of `magdi plugins list`
    from magdi.core.config.models import RunConfig
    from magdi.core.mag import Mag

PROJECT = "magdi"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's function as the implementation of the hook of its name."""


@hookspec
def magdi_protocols() -> Iterable[Component]:
    """Yields protocols: subclasses of `magdi.core.protocol.Protocol`."""
    return ()


@hookspec
def magdi_encoders() -> Iterable[Component]:
    """Yields graph encoders: subclasses of `magdi.core.encoder.Encoder`."""
    return ()


@hookspec
def magdi_teachers() -> Iterable[Component]:
    """Yields kinds of teacher: subclasses of `magdi.core.teacher.Teacher`."""
    return ()


@hookspec
def magdi_tasks() -> Iterable[Component]:
    """Yields tasks: subclasses of `magdi.core.task.Task`."""
    return ()


@hookspec
def magdi_objectives() -> Iterable[Component]:
    """Yields objectives of training: subclasses of `magdi.core.objective.Objective`."""
    return ()


@hookspec
def magdi_decisions() -> Iterable[Component]:
    """Yields decision rules: subclasses of `magdi.core.decision.DecisionRule`."""
    return ()


@hookspec
def magdi_importers() -> Iterable[Component]:
    """Yields importers of other systems' files: subclasses of `magdi.plugins.formats.importer.Importer`."""
    return ()


@hookspec
def magdi_exporters() -> Iterable[Component]:
    """Yields exporters for other tools: subclasses of `magdi.plugins.formats.exporter.Exporter`."""
    return ()


@hookspec
def magdi_commands() -> Iterable[Component]:
    """Yields commands for the command line: ``typer.Typer`` objects, or functions that typer makes commands of."""
    return ()


@hookspec
def magdi_run_start(config: RunConfig, directory: Path) -> None:
    """A run begins, or is resumed, in a directory."""


@hookspec
def magdi_discussion_end(mag: Mag) -> None:
    """A discussion has ended; its graph is about to be written."""


@hookspec
def magdi_metrics(stage: str, step: int, metrics: Mapping[str, float]) -> None:
    """A stage has measured something: what discussions have come to, losses and gradient norms, final accuracies.

    Args:
        stage: ``discussion``, ``distillation`` or ``evaluation``; who leaves it out hears of the distillation alone.
        step: Discussions; optimizer steps; optimizer steps that were done before the evaluation.
        metrics: Numbers by name, e.g. ``accuracy``, ``loss/positive``, ``student/interval_low``.
    """


@hookspec
def magdi_run_end(directory: Path, status: str) -> None:
    """A run has ended: done, continues (in other processes), stopped (at a limit), interrupted or failed."""
