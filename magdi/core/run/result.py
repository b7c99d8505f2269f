"""What came out of a run: the document that ``--json`` prints and tables are drawn from, and the object that has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from magdi.core.errors import DataError
from magdi.core.files import read_text
from magdi.core.mag import Mag, read_mags
from magdi.core.run.directory import RunDirectory

if TYPE_CHECKING:
    from magdi.core.evaluation.scores import Scores
    from magdi.core.evaluation.statistics import Comparison

Part = TypeVar("Part")


def document(directory: RunDirectory) -> dict[str, Any]:
    """Returns a run's outcome.

    Keys: ``run`` (the directory), ``status`` (``running``, ``stopped`` at a limit or by a kill, ``interrupted``,
    ``failed``, ``done``, ``done until`` a stage), ``simulated`` (whether all teachers were), ``mags`` (count,
    ``simulated``: those in which a simulated teacher spoke, structures, rounds, accuracy of the teams' decisions),
    ``base`` and ``student`` (accuracy, interval, count, output_tokens_mean),
    ``gain`` (difference in points with interval and p, over the same questions), ``trained_on`` (how many of these
    questions were among those learned from), ``failed`` (discussions that did, and are tried again by the same
    command), ``tokens`` and ``seconds`` by stage.
    Keys of stages that are not done are absent.

    Raises:
        DataError: run.json is torn.
    """
    stages = directory.stages()
    talk, training, scores = (stages.get(name, {}) for name in ("discussion", "distillation", "evaluation"))
    found: dict[str, Any] = {"run": str(directory.path), "status": directory.status}
    if talk.get("done") and "mags" in talk:
        found |= {"simulated": talk.get("simulated", False), "mags": talk["mags"], "failed": talk.get("failed", 0)}
    if training.get("done") and "training" in training:
        found |= {"training": training["training"]}
    found |= {key: value for key, value in scores.items() if key in ("base", "student", "gain", "trained_on")}
    found["tokens"] = {
        name: stage["tokens"] for name, stage in stages.items() if stage.get("done") and "tokens" in stage
    }
    found["seconds"] = {name: stage.get("seconds", 0.0) for name, stage in stages.items()}
    found["seconds"]["total"] = round(sum(found["seconds"].values()), 3)
    return found


class Result(Mapping[str, Any]):
    """A document with attributes: ``result.student.accuracy`` is ``result["student"]["accuracy"]``.

    ``"student" in result`` says whether there is one; an attribute that there is not raises `DataError`. A notebook
    shows it as a table.

    Args:
        document: Plain data, as ``--json`` prints it.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
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

    def _read(self, kind: type[Part], key: str) -> Part:
        """Returns what stands under a key as an object of a kind.

        Raises:
            DataError: There is nothing.
        """
        if key not in self._document:
            raise DataError(f"{self!r} has no {key}", hint=f"it has {', '.join(self._document)}")
        return TypeAdapter(kind).validate_python(self._document[key])


@dataclass(frozen=True, slots=True)
class Talk:
    """What discussions came to.

    Attributes:
        count: MAGs.
        structures: How many there are of each graph type, G0 to G3.
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
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    examples: dict[str, dict[str, int]] = field(default_factory=dict)


class RunResult(Result):
    """What came out of a run; it stands for the run's directory wherever a path is taken. Keys are `document`'s."""

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
    def status(self) -> str:
        """``done``, ``done until`` a stage, ``stopped``, ``interrupted``, ``failed`` or ``running``."""
        return self._read(str, "status")

    @property
    def simulated(self) -> bool:
        """Whether all teachers were simulated: no language models."""
        return self._read(bool, "simulated")

    @property
    def failed(self) -> int:
        """Discussions that failed; the same call tries them again."""
        return self._read(int, "failed")

    @property
    def discussions(self) -> Talk:
        """What the discussions came to."""
        return self._read(Talk, "mags")

    @property
    def mags(self) -> list[Mag]:
        """The discussions themselves, read anew."""
        return list(read_mags(RunDirectory(self.directory).mags))

    @property
    def training(self) -> Trained:
        """What the distillation came to."""
        return self._read(Trained, "training")

    @property
    def metrics(self) -> list[dict[str, float]]:
        """What was measured during training, one dictionary a logged step; empty before there is any."""
        file = RunDirectory(self.directory).metrics
        return [json.loads(line) for line in read_text(file).splitlines()] if file.is_file() else []

    @property
    def base(self) -> Scores:
        """How good the student was before."""
        from magdi.core.evaluation.scores import Scores

        return self._read(Scores, "base")

    @property
    def student(self) -> Scores:
        """How good the student is."""
        from magdi.core.evaluation.scores import Scores

        return self._read(Scores, "student")

    @property
    def gain(self) -> Comparison:
        """Student against base, question by question."""
        from magdi.core.evaluation.statistics import Comparison

        return self._read(Comparison, "gain")

    @property
    def trained_on(self) -> int:
        """How many of the questions asked were among those learned from."""
        return self._read(int, "trained_on")

    @property
    def tokens(self) -> dict[str, dict[str, float]]:
        """Tokens by stage."""
        return self._read(dict[str, dict[str, float]], "tokens")

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage, and in total."""
        return self._read(dict[str, float], "seconds")

    def _repr_html_(self) -> str:
        names = {"base": "before distillation", "student": "distilled student"}
        rows = [
            [name, percent(self[who]["accuracy"]), between(self[who]["interval"]), f"{self[who]['count']:,}"]
            for who, name in names.items()
            if who in self
        ]
        if "mags" in self:
            talk = self.discussions
            simulated = " (simulated teachers)" if self.simulated else ""
            rows.insert(0, [f"teachers' decisions{simulated}", percent(talk.accuracy), "", f"{talk.count:,}"])
        if "gain" in self:
            gain = self.gain
            rows.append(
                ["gain, paired", f"{100 * gain.difference:+.1f} points", between(gain.interval), f"p {gain.p:.2g}"]
            )
        return html_table(f"{self['run']}: {self.status}", ["", "accuracy", "95 % interval", "questions"], rows)


def percent(share: float | None) -> str:
    """Returns a share as per cent with one decimal."""
    return "-" if share is None else f"{100 * share:.1f} %"


def between(bounds: Sequence[float] | None) -> str:
    """Returns an interval of shares in per cent."""
    return "" if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"


def html_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table as HTML for a notebook; whatever the cells hold is text in it."""

    def row(cells: Sequence[str], tag: str) -> str:
        aligned = (f'<{tag} style="text-align:{"right" if place else "left"}">' for place in range(len(cells)))
        return (
            "<tr>"
            + "".join(f"{start}{escape(cell)}</{tag}>" for start, cell in zip(aligned, cells, strict=True))
            + "</tr>"
        )

    caption = f'<caption style="caption-side:top;text-align:left">{escape(title)}</caption>'
    body = "".join(row(cells, "td") for cells in rows)
    return f"<table>{caption}<thead>{row(headings, 'th')}</thead><tbody>{body}</tbody></table>"
