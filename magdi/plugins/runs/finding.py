"""Runs beside one another: which there are, what each came to, and what is different between two."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from difflib import SequenceMatcher
from itertools import takewhile
from pathlib import Path
from typing import Literal, NotRequired, TypedDict, cast

from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError, DataError
from magdi.core.evaluation.prediction import read_predictions
from magdi.core.evaluation.statistics import paired_difference
from magdi.core.inside import check_inside
from magdi.core.mag import read_mags
from magdi.core.run.directory import RunDirectory, differences
from magdi.core.run.resuming import changed
from magdi.plugins.runs.result import ComparisonDocument, RunDocument, compared, document
from magdi.plugins.trust import Code

RUNS = Path("runs")
"""Where runs go that nobody names a directory for, and are looked for."""

SUITE = "suite.json"
"""Name of the file in a suite's directory, above its runs, that holds its last document."""

AROUND = ("command", "git", "host", "device", "python")
SHOWN_SETTINGS = ("task", "protocol", "encoder", "level", "seed")
"""What stands of `RunSettings` in a table of runs."""
NEAREST = 3  # runs that are named where one is not found, and files that are where they have changed
DEPTH = 4  # folders below the one that is searched; cells of suites are two deep


def find_runs(folder: Path, depth: int = DEPTH) -> Iterator[RunDirectory]:
    """Yields the runs in a folder, itself included, and in its subfolders, by name."""
    directory = RunDirectory(folder)
    try:
        is_run = directory.is_run()
    except OSError:  # somebody else's, who lets nobody look into it
        return
    if is_run:
        yield directory
    elif depth:
        for each in _within(folder):
            yield from find_runs(each, depth - 1)


def _within(folder: Path) -> list[Path]:
    """Returns the folders in a folder, links to others left out; none where it may not be read."""
    with suppress(OSError), os.scandir(folder) as found:
        return sorted(Path(each.path) for each in found if each.is_dir(follow_symlinks=False))
    return []


def open_run(path: Path) -> RunDirectory:
    """Returns the run in a directory.

    Raises:
        DataError: There is none.
        RunDirectoryError: A link leads out of it.
    """
    directory = RunDirectory(path)
    if not directory.is_run():
        raise DataError(f"{path}: holds no run of magdi", hint=nearest_runs(str(path)))
    check_inside(path)
    return directory


def open_trained(path: Path) -> RunDirectory:
    """Returns the run in a directory, which has a student that is as its training left it, where run.json tells.

    Raises:
        ConfigError: It has none yet, or not all of it.
        DataError: There is no run, or a file of the student is gone or another one.
        RunDirectoryError: A link leads out of it.
    """
    directory = open_run(path)
    if not directory.student.is_dir():
        raise ConfigError(f"the run {path} has no student yet", hint="magdi run or magdi distill makes one")
    record = directory.stage("distillation")
    if record and not record.get("done"):  # what is there is half of one, or of other discussions
        raise ConfigError(f"the training of {path} has not come to its end", hint="the run's own command goes on")
    if torn := changed(directory, "distillation"):
        raise DataError(
            f"{torn[0]} is gone or not as the training left it",
            hint=f"the run's own command makes the student again; as it is, its folder {directory.student} is a model",
        )
    return directory


def newest_run(
    having: Literal["student", "mags"] | None = None, folder: Path = RUNS, *, alone: bool = False
) -> RunDirectory:
    """Returns the run below a folder that was last worked on, of those that have a student or discussions.

    With ``alone`` a suite's run is taken only where there is none besides.

    Raises:
        DataError: There is none.
    """
    runs = [run for run in newest_first(folder) if having is None or getattr(run, having).exists()]
    if not runs:
        what = {"student": "run with a student", "mags": "run with discussions"}.get(having or "", "run")
        raise DataError(f"there is no {what} in {folder}/", hint="magdi run makes one; others are named by their path")
    return min(runs, key=lambda run: alone and _suite_of(run.path, folder) is not None)


def newest_first(folder: Path = RUNS) -> list[RunDirectory]:
    """Returns the runs below a folder, the one that was last worked on first."""
    return sorted(find_runs(folder), key=last_worked_on, reverse=True)


def last_worked_on(run: RunDirectory) -> float:
    """Returns when a run was last worked on, in seconds since the epoch."""
    files = (run.path / run.CONFIG, run.path / run.STATE)
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def nearest_runs(name: str, folder: Path = RUNS) -> str:
    """Returns a hint that names the runs below a folder whose paths, or last parts, are nearest to what was named."""

    def likeness(run: str) -> float:
        return max(SequenceMatcher(None, *pair).ratio() for pair in ((name, run), (Path(name).name, Path(run).name)))

    near = sorted((str(run.path) for run in find_runs(folder)), key=likeness, reverse=True)[:NEAREST]
    return f"the nearest runs are {', '.join(near)}" if near else f"there are no runs in {folder}/; magdi run makes one"


def plugins_of(*paths: Path | str) -> dict[str, str]:
    """Returns the plugins that runs were made with, each with the file that says so; none of what cannot be read."""
    return {plugin: file for file, config in _configurations(paths) for plugin in config.plugins}


def model_code_of(*paths: Path | str) -> list[Code]:
    """Returns the code of students' models that runs say is to be run (``student.trust_remote_code``)."""
    students = [(config.student, file) for file, config in _configurations(paths)]
    return [Code.model(student, file) for student, file in students if student.trust_remote_code]


def _configurations(paths: Iterable[Path | str]) -> Iterator[tuple[str, RunConfig]]:
    """Yields the configurations of those paths that are runs, as far as they can be read, each after its file."""
    for run in (run for path in paths if (run := RunDirectory(Path(path))).is_run()):
        with suppress(DataError, ValueError, OSError):
            yield str(run.path / run.CONFIG), run.config()


class RunSettings(TypedDict, total=False):
    """What tells runs apart most often; empty where this version of magdi cannot read the configuration."""

    task: str
    protocol: str
    encoder: str
    student: str
    level: str
    edges: str
    seed: int


class RunRow(RunDocument):
    """A run's line in a list: what came out of it and what it was told.

    The protocol is that of MAGs from files, where they are. ``error`` says why its configuration cannot be read, or
    run.json; where it is that, the status is ``unreadable``.
    """

    settings: RunSettings
    error: NotRequired[str]


class RunShown(RunRow):
    """A run's line with the circumstances that it was done under: `AROUND`, as run.json has them.

    ``changed`` are the files, by their paths, that are gone or not as the run left them.
    """

    versions: dict[str, str]
    changed: NotRequired[list[str]]


class RunList(TypedDict):
    """The runs in a folder, the newest first, and how many runs of each suite in it are left out, by its folder."""

    folder: str
    runs: list[RunRow]
    suites: dict[str, int]


class RunComparison(TypedDict):
    """How two runs differ: in what they were told, a line for each difference, and in what they got right.

    ``changed`` are the files of both, by their paths, that are gone or not as the run left them.

    Of ``student``, ``base`` and the teachers' ``teams`` it has the difference, second less first, over the questions
    that both answered; None where there are none.
    """

    first: RunRow
    second: RunRow
    changed: list[str]
    configuration: list[str]
    student: ComparisonDocument | None
    base: ComparisonDocument | None
    teams: ComparisonDocument | None


def row(directory: RunDirectory) -> RunRow:
    """Returns a run's line in a list."""
    known: RunSettings = {}
    why: dict[str, str] = {}
    try:
        known = settings(directory.config())
    except DataError as error:
        why = {"error": error.message}
    if not (state := directory.path / directory.STATE).exists() and directory.mags.exists():
        why = {"error": f"{state} is gone"}
    try:
        found = document(directory)
        if "imported" in found:
            known |= {"protocol": ", ".join(found["mags"].get("protocols", {}))}
        return cast(RunRow, {"started": _date(directory), **found, "settings": known, **why})
    except DataError as error:
        return {
            "started": _date(directory),
            "run": str(directory.path),
            "status": "unreadable",
            "error": error.message,
            "tokens": {},
            "seconds": {"total": 0.0},
            "settings": known,
        }


def shown(directory: RunDirectory) -> RunShown:
    """Returns a run's line with the circumstances that it was done under; none of these where run.json is torn."""
    found = row(directory)
    state: Mapping[str, object] = {} if found["status"] == "unreadable" else directory.state()
    around: dict[str, object] = {name: state[name] for name in AROUND if name in state}
    if torn := changed(directory):
        around["changed"] = torn
    return cast(RunShown, {**found, "versions": state.get("versions", {}), **around})


def changed_lines(files: Sequence[str]) -> list[str]:
    """Returns a line for each file that is not as its run left it, the first few of them."""
    lines = [f"gone, or not as the run left it: {file}" for file in files[:NEAREST]]
    return [*lines, *([f"and {more:,} more"] if (more := len(files) - NEAREST) > 0 else [])]


def _date(directory: RunDirectory) -> str:
    """Returns since when a run is there that does not say so itself."""
    return datetime.fromtimestamp(last_worked_on(directory), UTC).isoformat(timespec="seconds")


def listed(folder: Path, *, all_: bool = False) -> RunList:
    """Returns the runs in a folder, the newest first; with ``all_`` those within suites as well."""
    runs = list(find_runs(folder))
    within = {run.path: suite for run in runs if not all_ and (suite := _suite_of(run.path, folder))}
    rows = [row(run) for run in runs if run.path not in within]
    rows.sort(key=lambda each: str(each["started"]), reverse=True)
    return {"folder": str(folder), "runs": rows, "suites": dict(Counter(map(str, within.values())))}


def _suite_of(run: Path, folder: Path) -> Path | None:
    """Returns the suite below a folder that a run is of."""
    above = takewhile(lambda each: each != folder, run.parents)
    return next((each for each in above if (each / SUITE).is_file()), None)


def settings(config: RunConfig) -> RunSettings:
    """Returns what tells runs apart most often."""
    return {
        "task": config.task.name,
        "protocol": config.protocol.name,
        "encoder": config.encoder.name,
        "student": config.student.model,
        "level": config.training.level_name,
        "edges": config.training.edges,
        "seed": config.seed,
    }


def compare(first: RunDirectory, second: RunDirectory) -> RunComparison:
    """Returns how two runs differ.

    Raises:
        DataError: A configuration, predictions or discussions of one cannot be read.
    """
    return {
        "first": row(first),
        "second": row(second),
        "changed": [file for run in (first, second) for file in changed(run)],
        "configuration": differences(first.deciding(), second.deciding()),
        "student": _of_predictions(first.predictions("student"), second.predictions("student")),
        "base": _of_predictions(first.predictions("base"), second.predictions("base")),
        "teams": _of_teams(first.mags, second.mags),
    }


def _of_predictions(first: Path, second: Path) -> ComparisonDocument | None:
    if not (first.is_file() and second.is_file()):
        return None
    left, right = read_predictions(first), read_predictions(second)
    with suppress(DataError):  # they have no question in common
        return compared(paired_difference(left, right))
    return None


def _of_teams(first: Path, second: Path) -> ComparisonDocument | None:
    from magdi.core.evaluation.statistics import compare as compare_right

    if not (first.is_file() and second.is_file()):
        return None
    left, right = decisions(first), decisions(second)
    common = [name for name in left if name in right]
    if not common:
        return None
    return compared(compare_right([left[name] for name in common], [right[name] for name in common]))


def decisions(path: Path) -> dict[str, bool]:
    """Returns by question whether the team's decision is right; of questions without a gold answer nothing."""
    return {mag.question.id: mag.decision.correct for mag in read_mags(path) if mag.decision.correct is not None}
