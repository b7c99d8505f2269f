"""Self-consistency: several answers to one question, and the one that most of them give (Wang et al., 2023)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from magdi.core.evaluation.prediction import Prediction

Weight = Literal["majority", "score"]


def by_question(predictions: Iterable[Prediction]) -> dict[str, list[Prediction]]:
    """Returns predictions by question, in the order in which the questions first come."""
    found: dict[str, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        found[prediction.id].append(prediction)
    return dict(found)


def elected(samples: Sequence[Prediction], weight: Weight = "majority") -> Prediction:
    """Returns the first prediction whose answer got the most votes; ties go to the answer given first.

    Args:
        samples: Predictions for one question, in the order of their draws.
        weight: ``majority`` is one prediction, one vote; ``score`` weighs a vote by (1 + s) / 2, s being the student's
            own score head's value, 0 where it has none. Samples without an answer have no vote.
    """
    votes: dict[str, float] = {}
    for sample in samples:
        if sample.answer is not None:
            value = 1.0 if weight == "majority" else (1 + (sample.score or 0.0)) / 2
            votes[sample.answer] = votes.get(sample.answer, 0.0) + value
    if not votes:
        return samples[0]
    winner = max(votes, key=lambda answer: votes[answer])
    return next(sample for sample in samples if sample.answer == winner)


def correct_by_question(predictions: Iterable[Prediction], weight: Weight = "majority") -> dict[str, bool]:
    """Returns for each question whether its answer, elected where there are several, is right."""
    return {name: bool(elected(samples, weight).correct) for name, samples in by_question(predictions).items()}
