"""What came out of an evaluation, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from magdi.core.evaluation.scores import Scores
from magdi.core.evaluation.statistics import Comparison
from magdi.core.run.result import Result, between, html_table, percent


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
    """What `magdi.plugins.evaluating.evaluate.evaluate` returns, with attributes."""

    def __repr__(self) -> str:
        models = ", ".join(f"{model['name']} {percent(model['accuracy'])}" for model in self["models"])
        return f"<evaluation on {self['questions']:,} questions of {self['task']}: {models}>"

    @property
    def task(self) -> str:
        """The task's name."""
        return self._read(str, "task")

    @property
    def split(self) -> str:
        """The split that was asked."""
        return self._read(str, "split")

    @property
    def questions(self) -> int:
        """How many questions were asked."""
        return self._read(int, "questions")

    @property
    def models(self) -> list[ModelScores]:
        """The models, in the order in which they were named."""
        return self._read(list[ModelScores], "models")

    @property
    def comparisons(self) -> list[ModelComparison]:
        """Each further model against the first."""
        return self._read(list[ModelComparison], "comparisons")

    def _repr_html_(self) -> str:
        against = {each.second: each for each in self.comparisons}
        rows = []
        for model in self.models:
            beside = against.get(model.name)
            gain = f"{100 * beside.difference:+.1f} ({beside.verdict})" if beside else ""
            tokens = f"{model.output_tokens_mean:.1f}"
            rows.append([model.name, percent(model.accuracy), between(model.interval), tokens, gain])
        headings = ["model", "accuracy", "95 % interval", "tokens an answer", "points to the first"]
        return html_table(f"{self.questions:,} questions of {self.task}, {self.split}", headings, rows)
