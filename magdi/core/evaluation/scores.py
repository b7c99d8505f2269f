"""Accuracy with its interval, by task, with self-consistency and the length of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from magdi.core.errors import DataError
from magdi.core.evaluation.prediction import Prediction
from magdi.core.evaluation.statistics import Interval, wilson
from magdi.core.evaluation.voting import by_question, correct_by_question, elected


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of right answers.

    Attributes:
        accuracy: In [0, 1].
        interval: Wilson's 95 % interval.
        right: Right answers.
        count: Questions.
    """

    accuracy: float
    interval: Interval
    right: int
    count: int

    @classmethod
    def of(cls, correct: Sequence[bool]) -> Accuracy:
        """Counts."""
        right, count = sum(correct), len(correct)
        return cls(right / count if count else 0.0, wilson(right, count), right, count)


@dataclass(frozen=True, slots=True)
class Scores(Accuracy):
    """How good a set of predictions is.

    With one prediction a question all of it is about that one. With several, ``accuracy`` is that of the majority
    vote, and ``single`` that of a single draw, on average.

    Attributes:
        answered: Share of predictions in which an answer was found.
        cut_off: Share of predictions that reached the longest length.
        output_tokens_mean: Tokens of all outputs for a question, as the paper's Table 2 counts them.
        samples: Predictions a question.
        single: Mean accuracy of a single draw.
        oracle: Share of questions that any draw got right; None with one prediction a question.
        score_weighted: Accuracy of the vote weighted by the student's score head; None where there are no scores. A
            diagnostic: on the embedded task it is worse than the majority.
        by_task: Accuracy of each task of a mixture; empty where there is one task only.
    """

    answered: float
    cut_off: float
    output_tokens_mean: float
    samples: int = 1
    single: float | None = None
    oracle: float | None = None
    score_weighted: Accuracy | None = None
    by_task: dict[str, Accuracy] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Returns plain data for JSON."""
        return asdict(self)


def score(predictions: Sequence[Prediction]) -> Scores:
    """Returns how good predictions are.

    Args:
        predictions: One or more for each question, graded.

    Raises:
        DataError: There are none, or some have no gold answer to be graded by.
    """
    if not predictions:
        raise DataError("there are no predictions to score")
    if any(prediction.correct is None for prediction in predictions):
        raise DataError("some questions have no gold answer, so nothing can be said of their answers")
    groups = by_question(predictions)
    total = Accuracy.of(list(correct_by_question(predictions).values()))
    several = max(map(len, groups.values())) > 1
    scored = several and all(prediction.score is not None for prediction in predictions)
    weighted = Accuracy.of(list(correct_by_question(predictions, "score").values())) if scored else None
    return Scores(
        **asdict(total),
        answered=sum(prediction.answer is not None for prediction in predictions) / len(predictions),
        cut_off=sum(prediction.finish == "length" for prediction in predictions) / len(predictions),
        output_tokens_mean=sum(prediction.output_tokens for prediction in predictions) / len(groups),
        samples=max(map(len, groups.values())),
        single=sum(bool(prediction.correct) for prediction in predictions) / len(predictions),
        oracle=sum(any(one.correct for one in group) for group in groups.values()) / len(groups) if several else None,
        score_weighted=weighted,
        by_task=_by_task(groups),
    )


def _by_task(groups: dict[str, list[Prediction]]) -> dict[str, Accuracy]:
    names = dict.fromkeys(group[0].task for group in groups.values())
    if len(names) < 2:
        return {}
    return {
        name: Accuracy.of([bool(elected(group).correct) for group in groups.values() if group[0].task == name])
        for name in names
    }
