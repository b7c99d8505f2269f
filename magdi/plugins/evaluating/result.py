"""What came out of an evaluation, as an object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from magdi.core.evaluation.scores import Scores
from magdi.core.evaluation.statistics import Comparison
from magdi.plugins.runs.result import ComparisonDocument, Result, by_task
from magdi.plugins.sheet import Sheet, p_value, percent, points, span


class ModelsComparison(ComparisonDocument):
    """Two of the models on the same questions: the one that is compared with, and the other."""

    first: str
    second: str


class EvaluationDocument(TypedDict):
    """An evaluation of some models on one task (`ModelScores`), each further one compared with the first."""

    task: str
    split: str
    questions: int
    seed: int
    settings: dict[str, object]
    models: list[dict[str, object]]
    comparisons: list[ModelsComparison]


@dataclass(frozen=True, slots=True)
class ModelScores(Scores):
    """How good one of the models is.

    Attributes:
        name: What it was called.
        predictions: The file of its answers.
        seconds: What they took.
        trained_on: How many of the questions it has learned from; None where that is not known.
    """

    name: str = ""
    predictions: Path = Path()
    seconds: float = 0.0
    trained_on: int | None = None


@dataclass(frozen=True, slots=True)
class ModelComparison(Comparison):
    """Two of the models on the same questions.

    Attributes:
        first: The one that is compared with.
        second: The other.
    """

    first: str
    second: str


class EvaluationResult(Result):
    """An evaluation (`EvaluationDocument`), with attributes.

    Attributes:
        task: The task's name.
        split: The split that was asked.
        questions: How many questions were asked.
        models: The models, in the order in which they were named.
        comparisons: Each further model against the first.
    """

    task: str
    split: str
    questions: int
    models: list[ModelScores]
    comparisons: list[ModelComparison]

    def __repr__(self) -> str:
        models = ", ".join(f"{model.name} {percent(model.accuracy)}" for model in self.models)
        return f"<evaluation on {self['questions']:,} questions of {self['task']}: {models}>"

    def sheets(self) -> Iterator[Sheet]:
        """Yields its tables: accuracies, and comparisons with the first model."""
        models = self.models
        several = any(model.samples > 1 for model in models)
        headings = ["model", "questions", "accuracy", "95 % interval", "answered", "cut off", "tokens a question"]
        headings += ["one answer", "any answer", "weighted by own score"] if several else []
        rows = [[model.name, *_scored(model), *(_drawn(model) if several else ())] for model in models]
        yield Sheet.of(f"{self['task']}, {self['split']} questions", headings, rows, left=("model",))
        if any(model.by_task for model in models):
            yield by_task({model["name"]: model["by_task"] for model in self["models"]})
        if self["comparisons"]:
            yield self._compared()

    def _compared(self) -> Sheet:
        found = self["comparisons"]
        headings = ["model", "points", "95 % interval", "only first right", "only this right", "p (McNemar)", "verdict"]
        rows = [[each["second"], *_difference(each), each["verdict"]] for each in found]
        return Sheet.of(f"against {found[0]['first']}, same questions", headings, rows, left=("model", ""))


def _scored(model: ModelScores) -> list[str]:
    accuracy = [f"{model.count:,}", percent(model.accuracy), span(model.interval)]
    return [*accuracy, percent(model.answered), percent(model.cut_off), f"{model.output_tokens_mean:.1f}"]


def _drawn(model: ModelScores) -> list[str]:
    weighted = model.score_weighted.accuracy if model.score_weighted else None
    return [percent(share) for share in (model.single, model.oracle, weighted)]


def _difference(found: ComparisonDocument) -> list[str]:
    only = [str(found["only_first"]), str(found["only_second"])]
    return [points(found["difference"]), span(found["interval"]), *only, p_value(found["p"])]
