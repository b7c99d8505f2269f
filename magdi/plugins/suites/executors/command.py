"""One command of magdi's as a job of an executor: `magdi run --on slurm`."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from magdi.core.config.models import Limits
from magdi.core.errors import SOME_FAILED, ConfigError, LimitReached, MagdiError, RunDirectoryError
from magdi.core.run.directory import RunDirectory, forget
from magdi.core.run.locations import FILE
from magdi.core.shard import Shard
from magdi.plugins.corpus.files import read_in_turn, write
from magdi.plugins.corpus.subsets import once
from magdi.plugins.suites.executors.ending import die_with_starter
from magdi.plugins.suites.executors.executor import executor
from magdi.plugins.suites.executors.resources import On, Resources
from magdi.plugins.suites.scheduling import execute
from magdi.plugins.suites.worker import Failure

LOG = "job.txt"
"""How the file is called that has what the command printed."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, as a job."""

    directory: Path
    arguments: tuple[str, ...]
    title: str = "the command"
    ends: tuple[int, ...] = (0,)
    needs: tuple[Path, ...] = ()
    waits: tuple[Path, ...] = ()
    done: bool = False


def run_command(bench: bytes, folder: str, job: Any) -> Failure | None:
    """Gives a command where the job is; what it prints is kept beside its run.

    Raises:
        RuntimeError: It was killed, as for want of memory: it may be begun again.
    """
    log = log_of(Path(folder, job.directory))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as printed:
        command = [sys.executable, "-m", "magdi", *job.arguments]
        done = subprocess.run(
            command, cwd=folder, stdout=printed, stderr=subprocess.STDOUT, check=False, preexec_fn=die_with_starter
        )
        code = done.returncode
    if code == -signal.SIGKILL:
        raise RuntimeError(f"it was killed; what it printed: {log}")
    if code in job.ends:
        return None
    said = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.startswith("error: ")]
    why = said[-1].removeprefix("error: ") if said else f"exit code {code}"
    return Failure(job, f"{why}; what it printed: {log}", "stopped" if code == LimitReached.exit_code else "failed")


def shares_of(limits: Limits, count: int) -> dict[str, float]:
    """Returns what each of so many jobs may take of the limits that hold for all of them, by setting.

    Raises:
        ConfigError: There are fewer calls or tokens than jobs.
    """
    whole = limits.amounts
    shares = {name: limit // count if isinstance(limit, int) else limit / count for name, limit in whole.items()}
    for name, share in shares.items():
        if not share:
            raise ConfigError(f"{name} {whole[name]} cannot be shared by {count} jobs", hint="take fewer --shards")
    return shares


def log_of(directory: Path) -> Path:
    """Returns where what the command printed is kept: beside its run's directory."""
    return directory.with_name(f"{directory.name}.{LOG}")


def elsewhere(on: On, resources: Resources, directory: Path, arguments: Sequence[str], *, fresh: bool = False) -> None:
    """Gives a command on a cluster and waits for its end.

    Args:
        on: Where.
        resources: What it is given.
        directory: Its run's.
        arguments: Those of `magdi`, without ``--fresh``: a job that is begun once more goes on.
        fresh: Throw away first what is there.

    Raises:
        MagdiError: It failed there.
    """
    if fresh:
        forget([directory])
    _do(on, resources, directory.with_name(f"{directory.name}.jobs"), [Command(directory, tuple(arguments))])


def in_shards(
    on: On,
    resources: Resources,
    directory: Path,
    arguments: Sequence[str],
    count: int,
    on_end: Callable[[str], None] = lambda title: None,
    *,
    fresh: bool = False,
) -> Sharded:
    """Holds discussions in several jobs, each with a run of its own in a directory, and merges their MAGs there.

    Args:
        on: Where jobs are done.
        resources: What each is given.
        directory: Gets ``shard-I-of-N``, a run for each, and ``mags.jsonl``, in the order of the questions.
        arguments: Those of `magdi discuss`, without ``--fresh``: a job that is begun once more goes on.
        count: Jobs.
        on_end: Told of each that has ended.
        fresh: Throw away first what the shards' runs hold.

    Raises:
        RunDirectoryError: The directory holds a run, or discussions in another number of shards.
        MagdiError: A job failed; the same call goes on, and does what was finished not again.
    """
    runs = _shards(directory, count)
    _check_free(directory, count)
    if fresh:
        forget(runs.values())
    jobs = [
        Command(run, (*arguments, "--shard", str(shard), "-o", str(run), "--quiet"), f"shard {shard}", (0, SOME_FAILED))
        for shard, run in runs.items()
    ]
    _do(on, resources, directory, jobs, on_end)
    mags = write(directory / FILE, once(read_in_turn(list(runs.values())), "discussion"))
    failed = {run: RunDirectory(run).stage("discussion").get("failed", 0) for run in runs.values()}
    return Sharded(mags, {run: number for run, number in failed.items() if number})


def answered_in_shards(
    on: On,
    resources: Resources,
    folder: Path,
    arguments: Sequence[str],
    count: int,
    on_end: Callable[[str], None] = lambda title: None,
) -> None:
    """Has models answer in several jobs; each keeps its predictions beside those of the whole, which takes them over.

    Arguments and errors are those of `in_shards`, but for the folder, where predictions are kept, and `magdi evaluate`.
    """
    jobs = [
        Command(log, (*arguments, "--shard", str(shard), "--quiet"), f"shard {shard}")
        for shard, log in _shards(folder, count).items()
    ]
    _do(on, resources, folder, jobs, on_end)


def _check_free(directory: Path, count: int) -> None:
    if RunDirectory(directory).is_run():
        raise RunDirectoryError(
            f"{directory} holds a run, whose discussions those of the shards would replace",
            hint="name another directory with -o, or leave --shards and --on out to go on with it",
        )
    others = {each.name.rpartition("-")[2] for each in directory.glob("shard-*-of-*") if RunDirectory(each).is_run()}
    if others := others - {str(count)}:
        raise RunDirectoryError(
            f"{directory} holds discussions in {' and '.join(sorted(others))} shards, and all would be asked for again",
            hint=f"--shards {min(others)} goes on with them; else name another directory with -o",
        )


def _shards(folder: Path, count: int) -> dict[Shard, Path]:
    shards = [Shard(number, count) for number in range(1, count + 1)]
    return {shard: folder / f"shard-{shard.number}-of-{count}" for shard in shards}


@dataclass(frozen=True, slots=True)
class Sharded:
    """What came of discussions in several jobs.

    Attributes:
        mags: Discussions in the merged file.
        failed: How many failed, by the run where.
    """

    mags: int
    failed: dict[Path, int]


def _do(
    on: On,
    resources: Resources,
    folder: Path,
    jobs: Sequence[Command],
    on_end: Callable[[str], None] = lambda title: None,
) -> None:
    given: Any = jobs
    there = executor(on, _nothing, resources, folder, run_command)
    failures = execute(given, _nothing, executor=there, on_end=lambda job: on_end(job.title))
    if failures:
        kind = LimitReached if all(each.kind == "stopped" for each in failures) else MagdiError
        said = [f"{each.job.title}: {each.error}" for each in failures]
        many = [f"--on {on}: {len(said)} of {len(jobs)} jobs failed", *said]
        raise kind(
            "\n".join(f"  {line}" if place else line for place, line in enumerate(many))
            if len(said) > 1
            else f"--on {on}: {said[0]}",
            hint="the same command goes on, and does what is finished not again",
        )


def _nothing() -> Any:
    """A command makes its components itself."""
