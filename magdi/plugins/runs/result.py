"""What came out of a run: the document that ``--json`` prints and tables are drawn from, and the object that has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Required, TypedDict, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter

from magdi.core.config.models import RunConfig
from magdi.core.errors import DataError
from magdi.core.evaluation.scores import Scores
from magdi.core.evaluation.statistics import Comparison
from magdi.core.files import read_text
from magdi.core.mag import Mag, read_mags
from magdi.core.run import state
from magdi.core.run.directory import RunDirectory
from magdi.plugins.sheet import Sheet, percent, points, span

Part = TypeVar("Part")


class RunDocument(TypedDict, total=False):
    """A run's outcome; keys of stages that are not done are absent.

    ``run`` is the directory; ``status`` is ``running``, ``stopped`` (at a limit or by a kill), ``interrupted``,
    ``failed``, ``done`` or ``done until`` a stage; ``started`` and ``ended`` are ISO 8601, UTC; ``simulated`` says
    whether all teachers were; ``imported`` are the files that the MAGs were taken from, where none was held; ``mags``
    is what the discussions came to; ``base`` and ``student`` are scores and ``gain`` their difference over the same
    questions; ``trained_on`` is how many of these were among those learned from; ``failed`` counts discussions that
    did, and are tried again by the same command; ``tokens`` and ``seconds`` are by stage.
    """

    run: Required[str]
    status: Required[str]
    tokens: Required[dict[str, dict[str, float]]]
    seconds: Required[dict[str, float]]
    started: str
    ended: str
    simulated: bool
    mags: state.Talk
    failed: int
    imported: list[str]
    training: state.Training
    base: state.Scored
    student: state.Scored
    gain: state.Gain
    trained_on: int


def learned_tasks(config: RunConfig, outcome: RunDocument) -> list[str]:
    """Returns the tasks that a run's student has learned: of MAGs from files those that they name, if any.

    A MAG names the kind alone of a task of somebody's files (`jsonl`): where the run's is one, it is that.
    """
    if not config.discussion.mag_files:
        return [config.task.name]
    named = [name for name in outcome.get("mags", {}).get("tasks", {}) if name]
    kind, _, target = config.task.name.partition(":")
    if kind == "mix" and named and set(named) <= {part.strip().partition(":")[0] for part in target.split("+")}:
        return [config.task.name]
    return [config.task.name if name == kind else name for name in named]


def document(directory: RunDirectory) -> RunDocument:
    """Returns a run's outcome.

    Raises:
        DataError: run.json is torn.
    """
    stages = directory.stages()
    talk, training, scores = (stages.get(name, state.Stage()) for name in ("discussion", "distillation", "evaluation"))
    seconds = {name: stage.get("seconds", 0.0) for name, stage in stages.items()}
    found: RunDocument = {
        "run": str(directory.path),
        "status": directory.status,
        "tokens": {name: stage["tokens"] for name, stage in stages.items() if stage.get("done") and "tokens" in stage},
        "seconds": seconds | {"total": round(sum(seconds.values()), 3)},
    }
    kept: dict[str, object] = {
        **{key: value for key, value in directory.state().items() if key in ("started", "ended") and value},
        **{key: value for key, value in scores.items() if key in ("base", "student", "gain", "trained_on")},
    }
    found |= cast(RunDocument, kept)
    if talk.get("done") and "mags" in talk:
        found |= {"simulated": talk.get("simulated", False), "mags": talk["mags"], "failed": talk.get("failed", 0)}
        if "imported" in talk:
            found["imported"] = talk["imported"]
    if training.get("done") and "training" in training:
        found["training"] = training["training"]
    return found


class ComparisonDocument(state.Gain):
    """A comparison of two on the same questions, as `magdi.core.evaluation.statistics.Comparison` has it."""

    only_first: int
    only_second: int
    count: int
    verdict: str


def compared(found: Comparison) -> ComparisonDocument:
    """Returns a comparison in a document."""
    return cast(ComparisonDocument, {**asdict(found), "verdict": found.verdict})


class Result(Mapping[str, Any]):
    """A document with attributes: ``result.student.accuracy`` is ``result["student"]["accuracy"]``.

    ``"student" in result`` says whether there is one; an attribute that there is not raises `DataError`. A notebook
    shows it as a table.

    Args:
        document: Plain data, as ``--json`` prints it.
    """

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = dict(document)

    def __getitem__(self, key: str) -> Any:
        return self._document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)

    def to_dict(self) -> dict[str, Any]:
        """Returns the document as plain data, as it would be read from JSON; a copy."""
        return dict(json.loads(json.dumps(self._document)))

    def sheets(self) -> Iterable[Sheet]:
        """Returns its tables."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return "".join(sheet.html() for sheet in self.sheets())

    def __getattr__(self, name: str) -> Any:
        """Reads what a class says that there is: ``student: Scores`` is the key ``student`` as one."""
        kinds = _kinds(type(self))
        if name not in kinds:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self._read(kinds[name], name)

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *_kinds(type(self))]

    def _read(self, kind: type[Part], key: str) -> Part:
        """Returns what stands under a key as an object of a kind.

        Raises:
            DataError: There is nothing.
        """
        if key not in self._document:
            raise DataError(f"{self!r} has no {key}", hint=f"it has {', '.join(self._document)}")
        return TypeAdapter(kind).validate_python(self._document[key])


@cache
def _kinds(result: type[Result]) -> dict[str, type[Any]]:
    """Returns what the attributes are that a class of results says that there are."""
    return {name: kind for name, kind in get_type_hints(result).items() if not name.startswith("_")}


@dataclass(frozen=True, slots=True)
class Talk:
    """What discussions came to.

    Attributes:
        count: MAGs.
        structures: How many there are of each graph type: G0, G1, ... by rounds after the first.
        accuracy: Of the teams' decisions, in [0, 1]; None where there is no gold answer.
        accuracy_by_round: Of single turns, by round.
        simulated: MAGs in which a simulated teacher spoke.
        turns: Turns.
        invalid_turns: Those whose answer could not be read.
    """

    count: int
    structures: dict[str, int]
    accuracy: float | None
    accuracy_by_round: dict[int, float]
    simulated: int = 0
    turns: int = 0
    invalid_turns: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """What a distillation came to; see `magdi.core.distill.trainer.DistillReport`.

    Attributes:
        level: The level's name.
        steps: Optimizer steps.
        metrics: The last line of metrics.
        mags: MAGs trained on.
        epochs: Passes over them.
        tokens: Tokens read.
        roles: Of a team, the same by role and stage.
        examples: Of a team, right and wrong turns and preferences by role.
    """

    level: str
    steps: int
    metrics: dict[str, float] = field(default_factory=dict)
    mags: int = 0
    epochs: float = 0.0
    tokens: int = 0
    roles: dict[str, dict[str, state.Training]] = field(default_factory=dict)
    examples: dict[str, dict[str, int]] = field(default_factory=dict)


NAMES = {"base": "before distillation", "student": "distilled student"}
OF_TEAMS = {"base": "before training", "student": "trained team"}


class RunResult(Result):
    """What came out of a run; it stands for the run's directory wherever a path is taken. Keys are `RunDocument`'s.

    Attributes:
        status: ``done``, ``done until`` a stage, ``stopped``, ``interrupted``, ``failed`` or ``running``.
        simulated: Whether all teachers were simulated: no language models.
        failed: Discussions that failed; the same call tries them again.
        training: What the distillation came to.
        base: How good the student was before.
        student: How good it is.
        gain: Student against base, question by question.
        trained_on: How many of the questions asked were among those learned from.
        tokens: By stage.
        seconds: By stage, and in total.
    """

    status: str
    simulated: bool
    failed: int
    training: Trained
    base: Scores
    student: Scores
    gain: Comparison
    trained_on: int
    tokens: dict[str, dict[str, float]]
    seconds: dict[str, float]

    def __repr__(self) -> str:
        student = f", student {percent(self['student']['accuracy'])}" if "student" in self else ""
        return f"<run {self['run']}: {self['status']}{student}>"

    def __fspath__(self) -> str:
        return str(self["run"])

    @property
    def directory(self) -> Path:
        """The run's directory."""
        return Path(self)

    @property
    def discussions(self) -> Talk:
        """What the discussions came to."""
        return self._read(Talk, "mags")

    @property
    def mags(self) -> list[Mag]:
        """The discussions themselves, read anew."""
        return list(read_mags(RunDirectory(self.directory).mags))

    @property
    def metrics(self) -> list[dict[str, float]]:
        """What was measured during training, one dictionary a logged step; empty before there is any."""
        file = RunDirectory(self.directory).metrics
        return [json.loads(line) for line in read_text(file).splitlines()] if file.is_file() else []

    def sheets(self) -> Iterator[Sheet]:
        """Yields its tables: discussions, then base and student."""
        if "mags" in self:
            yield self._discussions()
        names = OF_TEAMS if self._roles else NAMES
        scored = {name: self[who] for who, name in names.items() if who in self}
        if scored:
            yield self._scores(scored)
        if any(score["by_task"] for score in scored.values()):
            yield by_task({name: score["by_task"] for name, score in scored.items()})

    def _discussions(self) -> Sheet:
        mags = self["mags"]
        teachers = ""
        if self["simulated"]:
            teachers = " (simulated teachers, no language models)"
        elif mags.get("simulated"):
            teachers = f" ({mags['simulated']:,} of them with simulated teachers)"
        imported = ""
        if "imported" in self:
            imported = f" of {', '.join(mags.get('protocols', {})) or 'an unknown protocol'}, taken from files"
        rounds = mags["accuracy_by_round"]
        headings = [*mags["structures"], *(f"right in round {number}" for number in rounds), "team right"]
        counts = [f"{count:,}" for count in mags["structures"].values()]
        shares = [percent(share) for share in (*rounds.values(), mags["accuracy"])]
        return Sheet.of(f"{mags['count']:,} discussions{imported}{teachers}", headings, [[*counts, *shares]])

    def _scores(self, scored: Mapping[str, state.Scored]) -> Sheet:
        questions = next(score["count"] for score in scored.values())
        known = self.get("trained_on")
        kind = f"questions ({known:,} of them learned from)" if known else "held-out questions"
        rows = [
            [name, percent(each["accuracy"]), span(each["interval"]), f"{each['output_tokens_mean']:.1f}"]
            for name, each in scored.items()
        ]
        if gain := self.get("gain"):
            rows += [[], ["gain, paired", f"{points(gain['difference'])} points", span(gain["interval"], "+"), ""]]
        by = f"by {', '.join(self._roles)}" if self._roles else "alone"
        headings = ["", "accuracy", "95 % interval", "tokens an answer"]
        return Sheet.of(f"{questions:,} {kind}, answered {by}", headings, rows)

    @property
    def _roles(self) -> list[str]:
        """The roles that were trained, where it is a team."""
        return list(self.get("training", {}).get("roles") or ())


def by_task(models: Mapping[str, Mapping[str, state.Accuracy]]) -> Sheet:
    """Returns each model's accuracy in every task of a mixture."""
    headings = ["model", "task", "questions", "accuracy", "95 % interval"]
    rows = [
        [model, task, f"{found['count']:,}", percent(found["accuracy"]), span(found["interval"])]
        for model, tasks in models.items()
        for task, found in tasks.items()
    ]
    return replace(Sheet.of("by task", headings, rows, left=("model", "task")), labels=2)
