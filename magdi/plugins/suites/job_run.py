"""Doing one job of a suite: a run whose first stages are taken from runs that are there already."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.errors import DataError
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import KEPT
from magdi.core.run.own_files import remove_written
from magdi.core.run.progress import Progress
from magdi.core.run.resuming import begin_anew, torn_files
from magdi.core.run.run import run
from magdi.core.run.state import STAGES, StageName
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.suites.evening_out import evened_out
from magdi.plugins.suites.jobs import MEASURED, Job, asks_student
from magdi.plugins.suites.measure import measure, write_measured

Taken = Literal["discussion", "distillation"]


def do(job: Job, components: Components, progress: Progress) -> None:
    """Does a job; what of it is done already is not done again.

    Raises:
        MagdiError: What ended it; the same call goes on.
    """
    if job.kind == "discussions":
        run(job.config, job.directory, components, until="discussion", progress=progress)
        return
    assert job.talk is not None
    config = evened_out(job, components, progress)
    directory = RunDirectory(job.directory)
    with directory.claimed(config):
        take(RunDirectory(job.talk), directory, "discussion", lambda source, own: _link(source.mags, own.mags))
        if job.student is not None:
            take(RunDirectory(job.student), directory, "distillation", _take_student)
        if job.base is not None:
            _link_once(RunDirectory(job.base).predictions("base"), directory.predictions("base"))
    run(config, job.directory, components, until=_until(job, config), progress=progress)
    if job.kind == "cell":
        write_measured(job.directory / MEASURED, measure(directory, config, job, components))


def _until(job: Job, config: RunConfig) -> StageName:
    if job.kind != "student" and job.measure == "student":
        return "evaluation"
    return "distillation" if asks_student(job.measure) and objectives_of(config) else "discussion"


def take(
    source: RunDirectory, own: RunDirectory, stage: Taken, files: Callable[[RunDirectory, RunDirectory], None]
) -> None:
    """Makes a stage of another run a stage of this one, unless this one has it as the other one has it now.

    Raises:
        DataError: The other run has not done it.
    """
    record, before = source.stage(stage), own.stage(stage)
    same = all(before.get(key) == record.get(key) for key in ("files", "failed"))
    if before.get("done") and same and not torn_files(own, stage, before):
        return
    if not record.get("done") or torn_files(source, stage, record):
        raise DataError(f"{source.path} has no {stage} to take over")
    files(source, own)
    if before.get("done") and not same:
        begin_anew(own, STAGES[STAGES.index(stage) + 1 :], lambda note: None)
    own.update(stages={**own.stages(), stage: {**record, "taken_from": str(source.path)}})


def _take_student(source: RunDirectory, own: RunDirectory) -> None:
    remove_written(own.path, under="student")
    if source.student.is_dir():
        shutil.copytree(source.student, own.student, copy_function=_link, dirs_exist_ok=True)
    for file in (source.metrics, source.path / KEPT):
        _link_once(file, own.path / file.name)


def _link_once(source: Path, target: Path) -> None:
    if source.is_file() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source, target)


def _link(source: Path | str, target: Path | str) -> None:
    """Links a file, or copies it where the file system knows no links.

    What is written later is written beside the file and moved into its place, so no run writes into another's.
    """
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
