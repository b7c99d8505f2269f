"""BoolQ: yes-no questions that people asked a search engine (Clark et al., 2019); for out-of-domain evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from magdi.plugins.tasks.dataset import DatasetConfig, DatasetTask, Source, gold_form
from magdi.plugins.tasks.rows import Row


class BoolQConfig(DatasetConfig):
    """Settings of boolq."""

    passage: bool = Field(True, description="Put the passage before the question, where there is one.")


class BoolQ(DatasetTask):
    """9,427 training and 3,270 test questions (the dataset's validation split; its test split has no answers)."""

    Config = BoolQConfig
    name = "boolq"
    source = Source(
        "google/boolq",
        splits={"train": "train", "test": "validation"},
        files={"test": ("validation", "dev", "test"), "validation": ()},
        folder="boolq",
        licence="CC BY-SA 3.0",
    )
    answer_type = "boolean"

    def question(self, row: Row) -> Mapping[str, object]:
        """Reads ``question``, ``answer`` and ``passage``; the question is given a capital and a question mark."""
        asked = row["question"].strip().rstrip("?")
        text = f"{asked[:1].upper()}{asked[1:]}?"
        passage = str(row.get("passage") or "").strip() if self.config.passage else ""
        return {"text": f"{passage}\n{text}" if passage else text, "gold": gold_form(row["answer"], "boolean")}
