"""What there is to do for a suite: discussions, bases and cells as jobs that wait for one another.

Discussions are held once for all cells of a seed that agree in all that decides them; the student before distillation
is made once and evaluated once; cells that differ in the evaluation alone share a student. What is shared lies in
``shared/`` and is made of ordinary runs that stop early, so that other suites in the same directory have it, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from magdi.core.config.models import Discussion, Evaluation, Kept, RunConfig, Training
from magdi.core.run.directory import RunDirectory, deciding
from magdi.core.run.resuming import torn_files
from magdi.core.seals import fingerprint
from magdi.plugins.objectives.levels import objectives_of
from magdi.plugins.suites.file import Equal, Match
from magdi.plugins.suites.grid import Cell
from magdi.plugins.suites.information import MEASURE

JobKind = Literal["discussions", "base", "student", "cell"]

SHARED = "shared"
MEASURED = "cell.json"
"""Name of the file in a cell's run directory that says what was measured; it is there once all is done."""

HELD_OUT = 200
"""MAGs on validation questions that diagnostics are measured on."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A cell as it learns: what is counted when cells are evened out.

    Attributes:
        config: Its configuration.
        talk: The run that its discussions are in.
    """

    config: RunConfig
    talk: Path


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do.

    Attributes:
        kind: What sort of thing.
        title: What it is called when it fails.
        config: Of the run.
        directory: Of the run.
        needs: Directories of the jobs that it cannot do without.
        waits: Directories of further jobs that come before it, whether they succeed or not.
        talk: The run that its discussions are taken from.
        base: The run in which the student before distillation is evaluated.
        student: The run that its student is taken from.
        by: What it is evened out by, before it is trained.
        partners: What it is evened out with; the smallest counts.
        measure: Whose answers are counted.
        diagnostics: Whether heads are measured.
        held_out: The run with discussions of validation questions.
        cell: Name of the cell, and
        seed: its seed; for cells alone.
    """

    kind: JobKind
    title: str
    config: RunConfig
    directory: Path
    needs: tuple[Path, ...] = ()
    waits: tuple[Path, ...] = ()
    talk: Path | None = None
    base: Path | None = None
    student: Path | None = None
    by: Equal | None = None
    partners: tuple[Learner, ...] = ()
    measure: str = "student"
    diagnostics: bool = False
    held_out: Path | None = None
    cell: str = ""
    seed: int = 0

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do; discussions that failed are to be tried again, for all who need them."""
        directory = RunDirectory(self.directory)
        if directory.stage("discussion").get("failed"):
            return False
        if self.kind == "cell":
            return (self.directory / MEASURED).is_file()
        stage = {"discussions": "discussion", "student": "distillation"}.get(self.kind, "evaluation")
        record = directory.stage(stage)
        return bool(record.get("done")) and not torn_files(directory, stage, record)


@dataclass(slots=True)
class JobPlanner:
    """Makes the jobs of a suite.

    Args:
        folder: The suite's directory.
        equal: What all cells are evened out by.
        diagnostics: Whether heads are measured.
        has_primer: Whether a task makes its own tiny base, so that no MAG has a part in it.
    """

    folder: Path
    equal: Equal | None
    diagnostics: bool
    has_primer: Callable[[RunConfig], bool]
    jobs: dict[Path, Job] = field(default_factory=dict)
    _bases: dict[str, Path] = field(default_factory=dict)
    _asked: dict[str, Path] = field(default_factory=dict)

    def plan(self, cells: Mapping[str, Cell], chosen: Iterable[str], reference: str, seeds: Sequence[int]) -> list[Job]:
        """Returns the jobs, each behind those that it needs; those of one seed together.

        Args:
            cells: All cells; what one is evened out with need not be among those that are run.
            chosen: Names of the cells that are run.
            reference: Name of the cell that ``equal`` goes by.
            seeds: Seeds.
        """
        names = list(chosen)
        partners = {name: self._partners(cells, cell, names, reference) for name, cell in cells.items()}
        taught = {name: _taught(cell, cell.config, *partners[name]) for name, cell in cells.items()}
        alike = Counter(taught.values())
        for seed in seeds:
            for name in names:
                self._add_cell(cells, cells[name], partners[name], alike[taught[name]] > 1, seed)
        return list(self.jobs.values())

    def _add_cell(
        self, cells: Mapping[str, Cell], cell: Cell, evened: tuple[Equal | None, list[str]], shared: bool, seed: int
    ) -> None:
        config = cell.seeded(seed)
        match, names = evened
        talk = self._talk(config)
        partners = tuple(Learner(each, self._talk(each)) for each in (cells[name].seeded(seed) for name in names))
        base = self._base(config, talk) if _needs_base(cell) else None
        directory = self.directory(cell, seed)
        heads = _has_heads(config) and cell.measure == "student"
        held_out = self._held_out(config) if self.diagnostics and heads else None
        needs = [talk, *(partner.talk for partner in partners), *filter(None, (base,))]
        job = Job(
            kind="cell",
            title=f"{cell.name}, seed {seed}",
            config=config,
            directory=directory,
            needs=tuple(dict.fromkeys(needs)),
            waits=(held_out,) if held_out else (),
            talk=talk,
            base=base,
            by=match,
            partners=partners,
            measure=cell.measure,
            diagnostics=self.diagnostics and heads,
            held_out=held_out,
            cell=cell.name,
            seed=seed,
        )
        taught = _taught(cell, config, match, names)
        self.jobs[directory] = self._with_student(job, taught) if shared and taught else job

    def _with_student(self, job: Job, taught: str) -> Job:
        """Returns a cell's job for a student that others have, too; the training is a job of its own."""
        directory = self.folder / SHARED / f"student-{taught}-seed-{job.seed}"
        config = _with(job.config, evaluation=Evaluation())
        alone = replace(job, kind="student", title=f"student, seed {job.seed}", config=config, directory=directory)
        self.jobs.setdefault(directory, replace(alone, waits=(), base=None, diagnostics=False, held_out=None, cell=""))
        return replace(job, needs=(*job.needs, directory), student=directory)

    def directory(self, cell: Cell, seed: int) -> Path:
        """Returns where a cell's run is."""
        folder = self.folder if self.equal is None else self.folder / f"equal-{self.equal}"
        return cell.directory(folder) / f"seed-{seed}"

    def _partners(
        self, cells: Mapping[str, Cell], cell: Cell, names: list[str], reference: str
    ) -> tuple[Equal | None, list[str]]:
        """Returns what a cell is evened out by, and with which."""
        own: Match | None = cell.match
        if own is not None:
            return own.by, [own.to]
        if self.equal is None or not _is_trained(cell):
            return None, []
        if self.equal == "calls":
            return "calls", [name for name, each in cells.items() if _is_trained(each) and each.match is None]
        return (self.equal, [reference]) if cell.name != reference and _is_trained(cells[reference]) else (None, [])

    def _talk(self, config: RunConfig) -> Path:
        talk = talk_config(config)
        given = talk.discussion
        if given.mags is None and given.cache is None:
            talk = _with(talk, discussion=given.model_copy(update={"cache": str(self.folder / SHARED)}))
        directory = self.folder / SHARED / f"discussions-{_hash(deciding(talk))}-seed-{config.seed}"
        title = f"discussions ({talk.protocol.name}, {talk.task.name}), seed {config.seed}"
        asked = {key: value for key, value in deciding(talk).items() if not key.startswith("discussion.decision")}
        first = self._asked.setdefault(_hash(asked), directory)  # what it asks is in the journal when others ask
        waits = (first,) if first != directory else ()
        self.jobs.setdefault(directory, Job("discussions", title, talk, directory, waits=waits, seed=config.seed))
        return directory

    def _held_out(self, config: RunConfig) -> Path | None:
        if config.discussion.mags is not None:
            return None
        few = min(HELD_OUT, config.discussion.questions or HELD_OUT)
        return self._talk(_with(config, discussion=_updated(config.discussion, split="validation", questions=few)))

    def _base(self, config: RunConfig, talk: Path) -> Path:
        # Where its answers are not wanted it is asked one question, so that a tiny one is there when cells need it.
        wanted = config.evaluation.base or not objectives_of(config)
        asked = config.evaluation if wanted else Evaluation(questions=1, max_new_tokens=1)
        plain = _with(talk_config(config), student=config.student, evaluation=asked, training=Training(level="base"))
        alone = config.student.model != "tiny" or self.has_primer(config)
        what = {key: value for key, value in deciding(plain).items() if not (alone and _is_of_talk(key))}
        key = _hash(what)
        if key in self._bases:
            return self._bases[key]
        directory = self.folder / SHARED / f"base-{key}-seed-{config.seed}"
        first = self._bases.setdefault(f"made {_hash(_made_of(plain))}", directory)  # the others find it in the cache
        waits = (first,) if first != directory else ()
        title = f"student before distillation, seed {config.seed}"
        self._bases[key] = directory
        self.jobs[directory] = Job(
            "base", title, plain, directory, needs=(talk,), waits=waits, talk=talk, seed=config.seed
        )
        return directory


def talk_config(config: RunConfig) -> RunConfig:
    """Returns the configuration of a run's discussions: what does not decide them is at its default."""
    discussion: Discussion = _updated(config.discussion, keep=Kept())
    return RunConfig(
        preset=config.preset,
        seed=config.seed,
        task=config.task,
        protocol=config.protocol,
        teachers=config.teachers,
        discussion=discussion,
        plugins=config.plugins,
    )


def _is_of_talk(key: str) -> bool:
    return key.partition(".")[0] in ("protocol", "teachers", "discussion")


def _taught(cell: Cell, config: RunConfig, match: Equal | None, partners: list[str]) -> str:
    """Returns a digest of what decides a cell's student; empty where none is trained."""
    made_of = {key: value for key, value in deciding(config).items() if not key.startswith("evaluation.")}
    return _hash([made_of, match, sorted(partners)]) if _is_trained(cell) else ""


def _is_trained(cell: Cell) -> bool:
    return asks_student(cell.measure) and bool(objectives_of(cell.config))


def asks_student(measure: str) -> bool:
    """Returns whether a measure needs the student: to answer, or to be looked into."""
    return measure == "student" or measure.startswith(MEASURE)


def _needs_base(cell: Cell) -> bool:
    """Whether a cell's run evaluates the student before distillation, or a tiny one has to be made first."""
    config = cell.config
    return cell.measure == "student" and (
        config.evaluation.base or not _is_trained(cell) or config.student.model == "tiny"
    )


def _has_heads(config: RunConfig) -> bool:
    return len(objectives_of(config)) > 1  # what teaches to write has none


def _made_of(config: RunConfig) -> dict[str, object]:
    """Returns what decides a student before distillation, and maybe more."""
    what = deciding(config)
    return {key: value for key, value in what.items() if key == "task.name" or key.startswith("student.")}


def _with(config: RunConfig, **parts: Any) -> RunConfig:
    return config.model_copy(update=parts)


def _updated(discussion: Discussion, **values: Any) -> Discussion:
    return discussion.model_copy(update=values)


def _hash(value: Any) -> str:
    return fingerprint(value)[:10]
