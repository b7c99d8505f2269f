"""The outcome of a run or an evaluation: its tables, and what is to be said below them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from magdi.cli.drawn import drawn
from magdi.core.run.state import Talk
from magdi.plugins.evaluating.result import EvaluationDocument, EvaluationResult
from magdi.plugins.runs.result import RunDocument, RunResult

UNREADABLE = 0.1  # share of replies above which it is said that they could not be read


def outcome_table(outcome: RunDocument | RunResult) -> RenderableType:
    """Returns what came out of a run: discussions, then base and student."""
    seconds = outcome["seconds"]
    spent = ", ".join(f"{stage} {seconds[stage]:.1f} s" for stage in seconds if stage != "total")
    unread = _told_unreadable(outcome.get("mags"), outcome["run"])
    last = "; ".join(filter(None, (spent, f"run directory: {outcome['run']}")))
    return Group(*map(drawn, RunResult(outcome).sheets()), *map(Text, filter(None, (unread, last))))


def _told_unreadable(mags: Talk | None, run: str) -> str:
    """Returns a line about replies that hold no answer which could be read; empty where they are few.

    Args:
        mags: What discussions came to; None where none has ended.
        run: The run's directory.
    """
    turns, unread = (mags.get("turns", 0), mags.get("invalid_turns", 0)) if mags else (0, 0)
    if unread <= UNREADABLE * turns:
        return ""
    right = ", so that none could be right" if unread == turns else ""
    return f"{unread:,} of {turns:,} replies hold no answer that could be read{right}: magdi mags show '#1' {run}"


def evaluation_table(document: EvaluationDocument) -> RenderableType:
    """Returns accuracies, comparisons with the first model, and where the predictions are."""
    known = [
        Text(f"{model['name']} has learned from {model['trained_on']:,} of these questions: not held out for it")
        for model in document["models"]
        if model["trained_on"]
    ]
    predictions = Text("predictions: " + ", ".join(model["predictions"] for model in document["models"]))
    return Group(*map(drawn, EvaluationResult(document).sheets()), *known, predictions)
