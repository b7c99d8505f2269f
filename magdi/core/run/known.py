"""Which of the questions that a student is asked it has learned from: these do not show what it can do with others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from magdi.core.errors import MagFileError
from magdi.core.mag import Question, read_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.keep import KEPT


def learned_mags(run: RunDirectory) -> Path | None:
    """Returns the file of the MAGs that a run's student has learned from; None where it is not there any more."""
    return next((file for file in (run.path / KEPT, run.mags) if file.is_file()), None)


def count_known(questions: Sequence[Question], mags: Path) -> int:
    """Returns how many of the questions the MAGs of a file discuss; lines that cannot be read are passed over."""
    bad: list[MagFileError] = []
    asked = {question.text for question in questions}
    discussed = {mag.question.text for mag in read_mags(mags, on_bad_line=bad) if mag.question.text in asked}
    return sum(question.text in discussed for question in questions)


def warning(known: int, count: int, who: str) -> str:
    """Returns what is said where some of the questions are known."""
    return (
        f"warning: {known:,} of {count:,} evaluated questions were among those that {who} learned from; "
        "its accuracy is not that on held-out questions"
    )
