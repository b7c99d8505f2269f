"""ARC-Challenge: science questions of school exams that simple methods get wrong (Clark et al., 2018)."""

from __future__ import annotations

from collections.abc import Mapping

from magdi.plugins.tasks.columns import hub_choices
from magdi.plugins.tasks.dataset import DatasetTask, Source
from magdi.plugins.tasks.rows import Row


class ArcChallenge(DatasetTask):
    """1,119 training, 299 validation and 1,172 test questions, with three to five options called A, B, C, ..."""

    name = "arc-challenge"
    source = Source(
        "allenai/ai2_arc",
        "ARC-Challenge",
        {"train": "train", "validation": "validation", "test": "test"},
        folder="arc_challenge",
        licence="CC BY-SA 4.0",
    )
    answer_type = "letter"

    def question(self, row: Row) -> Mapping[str, object]:
        """Reads ``question``, ``choices`` and ``answerKey``; options that are called 1, 2, 3 become A, B, C."""
        choices, gold = hub_choices(row)
        return {"text": row["question"], "choices": choices, "gold": gold}
