"""Your own questions, from JSONL, JSON or parquet files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from magdi.core.errors import ConfigError
from magdi.core.mag import Question
from magdi.core.task import Split
from magdi.plugins import answers
from magdi.plugins.tasks.columns import Columns, read_columns
from magdi.plugins.tasks.dataset import DatasetConfig, DatasetTask, Source
from magdi.plugins.tasks.rows import Row


class JsonlConfig(DatasetConfig):
    """Where the files are, which column is what, and how many questions to take."""

    data: Path = Field(description="Folder with train, validation and test files, or one file that is divided.")
    columns: Columns = Columns()
    train: int | None = Field(None, ge=1, description="Training questions, drawn with the seed; null for all.")


class ColumnTask(DatasetTask):
    """A dataset whose columns are settings; each question has its own answer type."""

    answer_type = "text"

    def question(self, row: Row) -> Mapping[str, object]:
        """Reads the columns that the settings name."""
        return read_columns(row, self.config.columns)

    def grade(self, answer: str | None, gold: str) -> bool:
        """Compares as expressions only where the settings say that answers are such, otherwise exactly."""
        return answers.grade(answer, gold, "expression" if self.config.columns.answer_type == "expression" else "text")


class Jsonl(ColumnTask):
    """Questions from local files.

    One file is divided by a hash of each question's text, so that adding rows moves none: a fifth is for testing.
    """

    Config = JsonlConfig
    name = "jsonl"
    source = Source("", files={"validation": ("validation", "dev", "valid")})

    @classmethod
    def from_target(cls, target: str) -> dict[str, object]:
        """Returns the settings of ``jsonl:PATH``."""
        if not target:
            raise ConfigError("the task jsonl needs a file or folder", hint="jsonl:PATH, or -t data=PATH")
        return {"data": target}

    def _rows(self, split: Split) -> list[Question]:
        if not self.config.data.is_file() or split == "validation":
            return super()._rows(split)
        everything = super()._rows("test")
        return [question for question in everything if _for_testing(question) == (split == "test")]

    def _id_prefix(self, split: Split) -> str:
        return "" if self.config.data.is_file() else super()._id_prefix(split)


def _for_testing(question: Question) -> bool:
    return int(hashlib.sha256(question.text.encode()).hexdigest(), 16) % 5 == 0
