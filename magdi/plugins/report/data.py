"""What the page of a run or of a MAG file shows, gathered from what lies on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.errors import DataError, MagdiError, MagFileError, StorageError
from magdi.core.evaluation.prediction import Prediction, read_predictions
from magdi.core.files import read_text
from magdi.core.inside import check_inside
from magdi.core.mag import Mag, read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.failures import failures
from magdi.core.run.metrics import read_metrics
from magdi.core.run.resuming import changed
from magdi.core.run.state import State
from magdi.core.views import View
from magdi.plugins.corpus.files import read
from magdi.plugins.report import headline, several
from magdi.plugins.report.answers import Answers
from magdi.plugins.report.blocks import Block, Column, Listing, Notice, Section, Table
from magdi.plugins.report.curves import curves
from magdi.plugins.report.discussions import Discussions
from magdi.plugins.report.page import REPORT, is_stale, page, write_page
from magdi.plugins.report.prompts import Reworder
from magdi.plugins.runs.finding import changed_lines, nearest_runs, open_run, settings
from magdi.plugins.runs.result import NAMES
from magdi.plugins.suites.page import is_suite, runs_of, write_suite_page

MOST_FAILURES = 1000
MOST_PROBLEMS = 3
COMPARED = "compared.html"
UNANSWERED = (
    "Not all questions are answered yet, and short ones come first: accuracies so far say little of those in the end."
)


Told = Callable[[Path], None]


def view(
    path: Path, out: Path | None = None, *, components: Components | None = None, told: Told | None = None
) -> Path:
    """Writes the page of a run, a suite or a MAG file; with that of a suite, those of its runs that have none yet.

    Args:
        path: The directory of a run or a suite, or a MAG file.
        out: The HTML file; ``report.html`` in the run's directory, or the MAG file's name with ``.html``.
        components: Makes protocol and task, so that prompts that were not kept can be made again and questions be
            shown without the student's prompt around them.
        told: Told of each page of a suite's run, once it is written.

    Returns:
        The HTML file.

    Raises:
        DataError: There is no run and no MAG file at that path, or the file cannot be read.
        StorageError: The page cannot be written.
    """
    if path.is_file():
        return write_page(out or path.with_suffix(".html"), path.name, mag_file_sections(path))
    directory = RunDirectory(path)
    check_inside(path)
    if is_suite(path):
        _write_missing(runs_of(path), components, told)
        return write_suite_page(path, out)
    if not directory.is_run():
        what = f"{path}: is neither the directory of a run or a suite nor a MAG file"
        raise DataError(what, hint=nearest_runs(str(path)))
    title = f"{path.resolve().name}"
    return write_page(out or path / REPORT, title, RunContent(directory, components).sections())


def view_several(
    paths: Sequence[Path], out: Path | None = None, *, components: Components | None = None, told: Told | None = None
) -> Path:
    """Writes the page on which several runs are compared, and those of the runs that have none yet.

    Args:
        paths: The runs' directories; the others are compared with the first.
        out: The HTML file; ``compared.html`` in the folder that holds them all.
        components: As `view`'s.
        told: The same.

    Raises:
        DataError: There is no run at one of the paths.
        StorageError: A page cannot be written.
    """
    runs = [open_run(path) for path in paths]
    out = out or Path(os.path.commonpath([path.resolve().parent for path in paths])) / COMPARED
    _write_missing(paths, components, told)
    predictions = [RunContent(run).predictions for run in runs]
    return write_page(out, f"{len(runs)} runs", list(several.sections(runs, out, predictions)))


def _write_missing(runs: Iterable[Path], components: Components | None, told: Told | None) -> None:
    for run in runs:
        if is_stale(run) and RunDirectory(run).is_run():
            with suppress(StorageError):  # nobody may write there: no link leads to it
                page = view(run, components=components)
                if told is not None:
                    told(page)


def mag_file_sections(path: Path) -> list[Section]:
    """Returns what is shown of a MAG file.

    Raises:
        DataError: No line of it is a MAG.
    """
    bad: list[MagFileError] = []
    discussions = Discussions()
    discussions.read(read(path, bad))
    if not discussions.talk.mags:
        raise bad[0] if bad else DataError(f"{path}: holds no MAG")
    unread = [Notice(f"{len(bad)} lines cannot be read; the first is {bad[0].message}")] if bad else []
    blocks = (*unread, *discussions.notices(), *headline.blocks(discussions.talk, {}))
    return [Section("summary", "Summary", blocks, str(path)), *discussions.sections()]


def mags_page(mags: Sequence[Mag], view: View = "exact") -> Iterator[str]:
    """Yields the parts of a page of nothing but some discussions, with the edges of a view."""
    discussions = Discussions(edges=view)
    discussions.read(mags)
    return page(mags[0].id if len(mags) == 1 else f"{len(mags):,} discussions", [discussions.browser()])


@dataclass(frozen=True)
class RunContent:
    """What is shown of a run, as far as it has come.

    Attributes:
        directory: The run.
        components: Makes protocol and task; nothing is made again without it.
        problems: What could not be read, e.g. a last line that is still being written.
        known: The run's discussions, where they have been read already.
    """

    directory: RunDirectory
    components: Components | None = None
    problems: list[str] = field(default_factory=list)
    known: Discussions | None = None

    def sections(self) -> list[Section]:
        """Returns the page's sections; those of which there is nothing yet are left out."""
        discussions = self.known or self.discussions()
        metrics = self._metrics()
        found = [self._summary(discussions)]
        if metrics:
            found.append(Section("training", "Training", tuple(curves(metrics))))
        found += discussions.sections()
        if self.predictions:
            found.append(Answers(self.predictions, self._questions()).section(discussions.teachers))
        return [*found, Section("run", "Run", tuple(self._about()))]

    @cached_property
    def config(self) -> RunConfig | None:
        """The run's configuration; None where this version of magdi cannot read it."""
        try:
            return self.directory.config()
        except DataError as error:
            self.problems.append(error.message)
        return None

    @cached_property
    def state(self) -> State:
        """What run.json says; nothing where it is torn."""
        try:
            return self.directory.state()
        except DataError as error:
            self.problems.append(error.message)
        return {}

    @cached_property
    def predictions(self) -> dict[str, list[Prediction]]:
        """By who made them, the predictions that there are."""
        files = {who: self.directory.predictions(who) for who in NAMES}
        found: dict[str, list[Prediction]] = {}
        for who, file in files.items():
            try:
                found[who] = read_predictions(file) if file.is_file() else []
            except DataError as error:
                self.problems.append(error.message)
        return {who: predictions for who, predictions in found.items() if predictions}

    def discussions(self, *, read: bool = True) -> Discussions:
        """Returns the run's discussions, or what is to take them in."""
        reworder = Reworder.of(self.config, self.components) if self.config and self.components else None
        asked = frozenset(each.id for predictions in self.predictions.values() for each in predictions)
        discussions = Discussions(reworder, asked)
        if read and self.directory.mags.is_file():
            bad: list[MagFileError] = []
            discussions.read(read_mags(self.directory.mags, on_bad_line=bad))
            self.problems.extend(error.message for error in bad)
        return discussions

    def _metrics(self) -> list[dict[str, Any]]:
        """Returns what was measured in training; lines that are none are counted among the problems."""
        file = self.directory.metrics
        try:
            found = read_metrics(file)
        except DataError as error:
            self.problems.append(error.message)
            return []
        if lost := (file.read_bytes().count(b"\n") if file.is_file() else 0) - len(found):
            self.problems.append(f"{lost:,} lines of {file}")
        return found

    def _questions(self) -> dict[str, str]:
        """Returns the held-out questions' texts, where their task can be had."""
        if self.config is None or self.components is None:
            return {}
        try:
            task = self.components.task(self.config.evaluation.task or self.config.task, self.config.seed)
            return {question.id: question.prompt for question in task.questions(self.config.evaluation.split)}
        except MagdiError:
            return {}

    def _summary(self, discussions: Discussions) -> Section:
        blocks: list[Block] = []
        status = "not known"
        with suppress(DataError):
            status = self.directory.status
        if status != "done":
            blocks.append(Notice(f"Status of this run: {status}. {self.state.get('error') or ''}".strip()))
        blocks += discussions.notices()
        blocks += [Notice(f"Left out, as it cannot be read: {problem}") for problem in self.problems[:MOST_PROBLEMS]]
        blocks += [Notice(line) for line in changed_lines(changed(self.directory))]
        answered = self.state.get("stages", {}).get("evaluation", {}).get("done") or status.startswith("done")
        if self.predictions and not answered:
            blocks.append(Notice(UNANSWERED))
        blocks += headline.blocks(discussions.talk, self.predictions)
        return Section("summary", "Summary", tuple(blocks), self._headline())

    def _headline(self) -> str:
        if self.config is None:
            return str(self.directory.path)
        return " · ".join(f"{name} {value}" for name, value in settings(self.config).items() if name != "edges")

    def _about(self) -> Iterator[Block]:
        stages = self.state.get("stages", {})
        if stages:
            headings = (Column("stage"), Column("done"), Column("seconds", "number", digits=1), Column("tokens"))
            rows = tuple(
                (name, "yes" if stage.get("done") else "no", stage.get("seconds"), _pairs(stage.get("tokens", {})))
                for name, stage in stages.items()
            )
            yield Table(headings, rows, title="Stages", half=True)
        if versions := self.state.get("versions"):
            yield Table((Column("package"), Column("version")), tuple(versions.items()), title="Versions", half=True)
        if failed := tuple(islice(failures(self.directory.failures), MOST_FAILURES)):
            yield Table((Column("question"), Column("why")), failed, title="Discussions that failed")
        with suppress(DataError):
            yield Listing("Configuration", read_text(self.directory.path / RunDirectory.CONFIG))


def _pairs(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in figures.items() if value)
