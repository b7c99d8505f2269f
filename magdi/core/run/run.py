"""One run, all stages: discuss, distill, evaluate. Done stages are not done again, so the same command resumes.

Task -> Protocol x Teachers -> MAGs -> student + encoder -> scores
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.distill.processes import by_first, failing_together, rank, several
from magdi.core.errors import ConfigError, LimitReached, MagdiError, RunDirectoryError, did_you_mean
from magdi.core.files import check_cache, full_disk
from magdi.core.redact import redact
from magdi.core.run.directory import SCHEMA, RunDirectory
from magdi.core.run.environment import device, environment, now
from magdi.core.run.progress import Progress
from magdi.core.run.resuming import CONFIGURED, begin_anew, left_by, recorded, standing, take_back
from magdi.core.run.stages import Stages
from magdi.core.run.state import STAGES, StageName
from magdi.core.run.state import Stage as StageOutcome


def up_to(until: StageName) -> tuple[StageName, ...]:
    """Returns the stages up to one.

    Raises:
        ConfigError: There is no such stage.
    """
    if until not in STAGES:
        raise ConfigError(f"until={until!r}: there is no such stage", hint=did_you_mean(str(until), STAGES))
    return STAGES[: STAGES.index(until) + 1]


def run(
    config: RunConfig,
    out: Path,
    components: Components,
    *,
    fresh: bool = False,
    until: StageName = "evaluation",
    goes_on: bool = False,
    progress: Progress | None = None,
) -> RunDirectory:
    """Does a run, or what is left of it.

    Args:
        config: What to do.
        out: The run's directory; made when it is missing, resumed when it holds a run of the same configuration.
        components: Makes protocol, encoder, teachers and task.
        fresh: Throw away what the directory holds.
        until: The last stage to do.
        goes_on: Whether other processes go on with it at once; whoever observes is told so, and not that it is done.
        progress: Who is told how it goes.

    Returns:
        The directory; `magdi.plugins.runs.result` reads the outcome from it.

    Raises:
        ConfigError: There is no such stage.
        RunDirectoryError: The directory holds a run of another configuration, or is in use.
        LimitReached: A budget is used up; the same call resumes.
        MagdiError: Anything else that ended it; what was done is kept.
    """
    wanted = up_to(until)
    if rank():
        return _follow(config, RunDirectory(out), components, wanted)
    progress = progress or Progress()
    directory = RunDirectory(out)
    with directory.claimed(config, fresh=fresh):
        stages = Stages(config, directory, components, progress)
        take_back(directory)
        _note_begin(directory, config)
        directory.note_inputs(config)
        progress.event("run_start", config=config, directory=directory.path)
        with _status_kept(directory, progress), failing_together():
            _tell_where(directory, stages)
            if several():
                if config.discussion.mag_files:  # which are there: nobody is asked, and the others can wait for it
                    _once(directory, wanted[0], stages.discussion, progress)
                _train_together(directory)
                wanted = wanted[1:]
            trains = (goes_on or until != "discussion") and not directory.stage("distillation").get("done")
            if trains:
                check_cache()
            if not directory.stage("discussion").get("done"):
                for note in components.try_out(config, stages.task, trains=trains):
                    progress.note(note)
            for stage in wanted:
                _once(directory, stage, getattr(stages, stage), progress)
        _note_end(directory, "done" if _is_done(directory) else f"done until {until}")
        progress.event("run_end", directory=directory.path, status="continues" if goes_on else "done")
    return directory


def _note_begin(directory: RunDirectory, config: RunConfig) -> None:
    """Writes down what is done, where and since when; of one that is done already it stays as it is."""
    state = directory.state()
    beginning = {"schema": SCHEMA, "started": state.get("started", now())}
    around = {} if _nothing_is_left(directory) and "ended" in state else {**environment(), "ended": None}
    known = recorded(directory, CONFIGURED)
    directory.update(**beginning, status="running", error=None, seed=config.seed, records=known, **around)


def _note_end(directory: RunDirectory, status: str, **why: str) -> None:
    ended = directory.state().get("ended") or now()
    directory.update(status=status, ended=ended, device=device(), records=recorded(directory), **why)


def _is_done(directory: RunDirectory) -> bool:
    return all(directory.stage(stage).get("done") for stage in STAGES)


def _nothing_is_left(directory: RunDirectory) -> bool:
    return _is_done(directory) and not directory.stage("discussion").get("failed")


def _tell_where(directory: RunDirectory, stages: Stages) -> None:
    """Says where a run goes on from, unless it begins or the process that started this one has said it."""
    if "RANK" in os.environ:
        return
    for note in directory.notes:
        stages.progress.note(note)
    if _nothing_is_left(directory):
        stages.progress.note(f"{directory.path} is done already; --fresh starts over")
    elif there := standing(directory, lambda: len(stages.questions)):
        stages.progress.note(f"resuming: {there}")


@failing_together()
def _follow(config: RunConfig, directory: RunDirectory, components: Components, wanted: Sequence[str]) -> RunDirectory:
    """Trains beside the process of rank 0, which does all else of the run (several processes, see `torchrun`)."""
    if _train_together(directory) and "distillation" in wanted:
        Stages(config, directory, components, Progress()).distillation()
    return directory


def _train_together(directory: RunDirectory) -> bool:
    """Returns whether there is something to train; the first process says so to all, once it has looked through it.

    Raises:
        RunDirectoryError: It has no discussions yet; to hold them is for one process alone.
    """
    stages = by_first(directory.stages)
    if not stages.get("discussion", {}).get("done"):
        raise RunDirectoryError(f"{directory.path} has no discussions yet", hint="--processes N, or discuss first")
    return not stages.get("distillation", {}).get("done")


def _once(directory: RunDirectory, name: str, work: Callable[[], StageOutcome], progress: Progress) -> None:
    """Does a stage unless it is done; keeps its outcome and the seconds that all tries at it took.

    A stage part of which failed is done again, unless it is another run's. What later stages have made of what it left
    before is made anew where it leaves something else.
    """
    record = directory.stage(name)
    failed = record.get("failed", 0) if "taken_from" not in record else 0
    if record.get("done") and not failed:
        return
    start = time.monotonic()

    def keep(outcome: StageOutcome) -> None:
        seconds = round(record.get("seconds", 0.0) + time.monotonic() - start, 3)
        directory.update(stages={**directory.stages(), name: {**record, **outcome, "seconds": seconds}})

    if failed:
        keep({"done": False})  # so that a kill in the midst of it leaves nothing that looks torn
    try:
        outcome: StageOutcome = {"done": True, **work(), "files": left_by(directory, name)}
    except BaseException:
        with suppress(MagdiError):  # the disk may be full, which what is under way says better
            keep({})
        raise
    keep(outcome)
    if record.get("files", outcome["files"]) != outcome["files"] or failed != outcome.get("failed", 0):
        begin_anew(directory, STAGES[STAGES.index(name) + 1 :], progress.note)


@contextmanager
def _status_kept(directory: RunDirectory, progress: Progress) -> Iterator[None]:
    """Writes down how a run ended that did not reach its end, unless that cannot be written either."""
    try:
        yield
    except BaseException as caught:
        error = full_disk(directory.path, caught) or caught
        status = _ending(error)
        why = {"error": redact(str(error)) or type(error).__name__} if status == "failed" else {}
        with suppress(MagdiError):
            _note_end(directory, status, **why)
        progress.event("run_end", directory=directory.path, status=status)
        with suppress(MagdiError, OSError):
            directory.discard_if_empty()
        if error is caught:
            raise
        raise error from caught


def _ending(error: BaseException) -> str:
    if isinstance(error, LimitReached):
        return "stopped"
    return "failed" if isinstance(error, Exception) else "interrupted"
