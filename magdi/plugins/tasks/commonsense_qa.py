"""CommonsenseQA: questions with five options (Talmor et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping

from magdi.plugins.tasks.columns import hub_choices
from magdi.plugins.tasks.dataset import DatasetTask, Source
from magdi.plugins.tasks.rows import Row


class CommonsenseQa(DatasetTask):
    """9,741 training and 1,221 test questions (the dataset's validation split; its test split has no answers)."""

    name = "commonsense-qa"
    source = Source(
        "tau/commonsense_qa",
        splits={"train": "train", "test": "validation"},
        files={"test": ("validation", "dev"), "validation": ()},
        folder="commonsense_qa",
        licence="MIT",
    )
    answer_type = "letter"

    def question(self, row: Row) -> Mapping[str, object]:
        """Reads ``question``, ``choices`` and ``answerKey``."""
        choices, gold = hub_choices(row)
        return {"text": row["question"], "choices": choices, "gold": gold}
