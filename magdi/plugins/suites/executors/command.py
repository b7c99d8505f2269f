"""One command of magdi's as a job of an executor: `magdi run --on slurm`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from magdi.core.config.models import Limits
from magdi.core.errors import SOME_FAILED, ConfigError, LimitReached, MagdiError, RunDirectoryError
from magdi.core.evaluation.prediction import of_shard
from magdi.core.run.directory import RunDirectory, forget
from magdi.core.run.locations import FILE
from magdi.core.run.progress import Progress, StageProgress
from magdi.core.shard import Shard
from magdi.plugins.corpus.files import read_in_turn, write
from magdi.plugins.corpus.subsets import once
from magdi.plugins.suites.executors.ending import die_with_starter
from magdi.plugins.suites.executors.executor import executor
from magdi.plugins.suites.executors.resources import On, Resources
from magdi.plugins.suites.scheduling import execute
from magdi.plugins.suites.worker import JobFailure

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


def run_command(setup: bytes, folder: str, job: Any) -> JobFailure | None:
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
    return JobFailure(job, f"{why}; what it printed: {log}", "stopped" if code == LimitReached.exit_code else "failed")


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
    questions: int,
    progress: Progress,
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
        questions: Of all of them together.
        progress: Told how far they are, all together.
        fresh: Throw away first what the shards' runs hold.

    Raises:
        RunDirectoryError: The directory holds a run, or discussions in another number of shards.
        MagdiError: A job failed; the same call goes on, and does what was finished not again.
    """
    runs = _shards(directory, count)
    check_free(directory, count)
    if fresh:
        forget(runs.values())
    jobs = [
        Command(run, (*arguments, "--shard", str(shard), "-o", str(run), "--quiet"), f"shard {shard}", (0, SOME_FAILED))
        for shard, run in runs.items()
    ]
    files = [each for run in runs.values() for each in (RunDirectory(run).mags, RunDirectory(run).failures)]
    with StageProgress(progress, "discussion", questions, "questions") as clock:
        _do(on, resources, directory, jobs, partial(_at, clock, Growing(files)))
    mags = write(directory / FILE, once(read_in_turn(list(runs.values())), "discussion"))
    failed = {run: RunDirectory(run).stage("discussion").get("failed", 0) for run in runs.values()}
    return Sharded(mags, {run: number for run, number in failed.items() if number})


def answered_in_shards(
    on: On,
    resources: Resources,
    folder: Path,
    arguments: Sequence[str],
    count: int,
    files: Sequence[Path],
    answers: int,
    progress: Progress,
) -> None:
    """Has models answer in several jobs; each keeps its predictions beside those of the whole, which takes them over.

    Arguments and errors are those of `in_shards`, but for the folder and the files where predictions are kept, how many
    are had in the end, and `magdi evaluate`.
    """
    shards = _shards(folder, count)
    jobs = [
        Command(log, (*arguments, "--shard", str(shard), "--quiet"), f"shard {shard}") for shard, log in shards.items()
    ]
    growing = Growing([of_shard(file, shard) for file in files for shard in shards], header=1)
    with StageProgress(progress, "answers", answers, "answers") as clock:
        _do(on, resources, folder, jobs, partial(_at, clock, growing))


def _at(clock: StageProgress, growing: Growing, ended: int) -> None:
    clock.at(growing.lines(), {"shards ended": ended})


class Growing:
    """Files of lines that others write to.

    Args:
        files: Where they are, or will be.
        header: Lines of each that do not count.
    """

    def __init__(self, files: Sequence[Path], header: int = 0) -> None:
        self._header, self._read = header, dict.fromkeys(files, (0, -header))

    def lines(self) -> int:
        """Returns how many lines there are in all; what was read before is not read again, unless it is shorter now."""
        for file, (size, count) in self._read.items():
            with suppress(OSError), file.open("rb") as opened:
                if opened.seek(0, os.SEEK_END) < size:
                    size, count = 0, -self._header
                opened.seek(size)
                count += sum(part.count(b"\n") for part in iter(partial(opened.read, 1 << 20), b""))
                self._read[file] = (opened.tell(), count)
        return sum(max(0, count) for _, count in self._read.values())


def check_free(directory: Path, count: int) -> None:
    """Sees to it that so many shards' runs may lie in a directory.

    Raises:
        RunDirectoryError: It holds a run, or discussions in another number of shards.
    """
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
    told: Callable[[int], None] = lambda ended: None,
) -> None:
    """Does jobs; how many have ended is told with each, and now and then."""
    given: Any = jobs
    there = executor(on, _nothing, resources, folder, run_command)
    ended: list[object] = []

    def tell(*job: object) -> None:
        ended.extend(job)
        told(len(ended))

    failures = execute(given, _nothing, executor=there, on_end=tell, meanwhile=tell)
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
