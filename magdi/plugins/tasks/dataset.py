"""Tasks that are made from the rows of a dataset: one small class each, all over this one."""

from __future__ import annotations

import logging
import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field

from magdi.core.errors import DataError
from magdi.core.mag import AnswerType, Question
from magdi.core.task import Split, Task
from magdi.plugins import answers
from magdi.plugins.tasks.hub import hub_rows
from magdi.plugins.tasks.rows import Row, find_files, read_rows

logger = logging.getLogger("magdi.tasks")

LEAST_SPARE = 100
"""Training rows beyond those wanted that are enough for a validation split."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a dataset is.

    Attributes:
        path: Its name on the hub.
        config: Its configuration there.
        splits: The hub's split for each of ours; no validation split means that it is cut from the training rows.
        files: File names that a split may have in a local folder, the preferred one first.
        folder: Name of the local folder, where several datasets share a parent.
        licence: The data's licence.
    """

    path: str
    config: str | None = None
    splits: Mapping[Split, str] = field(default_factory=dict)
    files: Mapping[Split, tuple[str, ...]] = field(default_factory=dict)
    folder: str = ""
    licence: str = ""


class DatasetConfig(BaseModel, extra="forbid", frozen=True):
    """Settings that all datasets share."""

    data: Path | None = Field(None, description="Local folder or file with the hub's columns; null for the hub.")
    train: int | None = Field(1000, ge=1, description="Training questions, drawn with the seed; null for all.")
    validation: int | None = Field(500, ge=1, description="Validation questions; null for all.")
    test: int | None = Field(None, ge=1, description="Test questions, the first ones; null for all.")
    seed: int = Field(0, ge=0, description="Seed of the draw of training questions.")


class DatasetTask(Task):
    """Base of tasks whose questions are the rows of a dataset.

    The test split is the paper's; training questions are drawn from the training rows with the seed, and validation
    questions from what is left where the dataset has no validation split of its own. A training row whose question
    is also held out, for testing or validation, is left out with a warning.

    Attributes:
        name: The task's name; ids start with it.
        source: Where the rows are.
        answer_type: The form of all its answers.
    """

    Config: ClassVar[type[BaseModel]] = DatasetConfig
    name: ClassVar[str]
    source: ClassVar[Source]
    answer_type: ClassVar[AnswerType]

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self._read: dict[str, list[Question]] = {}
        self._told = False

    @abstractmethod
    def question(self, row: Row) -> Mapping[str, object]:
        """Returns the fields of a row's question: text, gold and what else there is, e.g. choices, metadata.

        ``id`` need not be among them: it is made from the task's name, the file's split and the row's number.

        Raises:
            KeyError, TypeError, ValueError: A column is missing or malformed.
        """

    def questions(self, split: Split) -> Sequence[Question]:
        """Returns a split; see the class for how they are drawn."""
        config = self.config
        if split == "test":
            return self._told_of_twins(self._rows("test")[: config.test])
        train, held_out = self._divided()
        if split == "train":
            return train
        official = self._rows("validation") if self._has("validation") else held_out
        return official[: config.validation]

    def extract(self, text: str, question: Question) -> str | None:
        """Returns the answer in a text; see `magdi.plugins.answers`."""
        return answers.extract(text, question)

    def grade(self, answer: str | None, gold: str) -> bool:
        """Returns whether an answer is right; see `magdi.plugins.answers`."""
        return answers.grade(answer, gold, self.answer_type)

    def _divided(self) -> tuple[list[Question], list[Question]]:
        """Returns the training questions, and those held out of them for validation."""
        pool = self._pool()
        random.Random(f"{self.name} {self.config.seed}").shuffle(pool)
        if self._has("validation"):
            return pool[: self.config.train], []
        held_out = self._held_out(len(pool))
        return pool[held_out:][: self.config.train], pool[:held_out]

    def _told_of_twins(self, questions: list[Question]) -> list[Question]:
        """Returns test questions as they are, and says once how many stand there twice: each is asked and scored."""
        marks = Counter(map(_fingerprint, questions))
        if (twins := len(questions) - len(marks)) and not self._told:
            first = next(question for question in questions if marks[_fingerprint(question)] > 1)
            logger.warning(
                "%s: %d of %d test questions stand there more than once, and count each time (the first is %s)",
                self.name,
                twins,
                len(questions),
                first.id,
            )
            self._told = True
        return questions

    def _held_out(self, count: int) -> int:
        """Returns how many of the training rows are for validation: what is to spare, or else a fifth."""
        spare = count - (self.config.train or count)
        most = spare if spare >= LEAST_SPARE else count // 5
        return min(most, self.config.validation or most)

    def _pool(self) -> list[Question]:
        """Returns the training rows' questions, each once, without those of the other splits."""
        rows = {_fingerprint(question): question for question in reversed(self._rows("train"))}
        others: tuple[Split, ...] = ("test", "validation")
        held_out = {_fingerprint(question) for split in others if self._has(split) for question in self._rows(split)}
        kept = [question for mark, question in rows.items() if mark not in held_out]
        if len(kept) < len(rows):
            logger.warning(
                "%s: %d of %d training questions are held-out questions too, and are left out of training",
                self.name,
                len(rows) - len(kept),
                len(rows),
            )
        return kept[::-1]

    def _has(self, split: Split) -> bool:
        """Returns whether there are rows for a split, without reading them."""
        if self.config.data is None:
            return split in self.source.splits
        return bool(self._local_files(split))

    def _rows(self, split: Split) -> list[Question]:
        if split not in self._read:
            rows, where = self._load(split)
            prefix = self._id_prefix(split)
            read = [self._question(row, f"{prefix}{index}", where) for index, row in enumerate(rows)]
            if not read:
                raise DataError(f"{self.name}: {where} has no questions")
            twice = [name for name, count in Counter(question.id for question in read).items() if count > 1]
            if twice:
                raise DataError(f"{self.name}: {where} has the id {twice[0]!r} more than once")
            self._read[split] = read
        return self._read[split]

    def _id_prefix(self, split: Split) -> str:
        """Returns what stands between the task's name and a row's number in its id."""
        return f"{split}-"

    def _load(self, split: Split) -> tuple[Sequence[Row], str]:
        if self.config.data is None:
            if split not in self.source.splits:
                raise DataError(f"{self.name}: the dataset {self.source.path} has no {split} split")
            return hub_rows(self.source.path, self.source.config, self.source.splits[split]), self.source.path
        if not self.config.data.exists():
            raise DataError(f"{self.name}: there is no file or folder {self.config.data}", hint="it is the task's data")
        files = self._local_files(split)
        if not files:
            names = " or ".join(f"{name}.jsonl" for name in self._file_names(split))
            raise DataError(
                f"{self.name}: no {split} questions in {self.config.data}",
                hint=f"expected {names or 'nothing: this task has no such split'} (or .json, .csv, .parquet) there",
            )
        return [row for file in files for row in read_rows(file)], str(files[0])

    def _file_names(self, split: Split) -> tuple[str, ...]:
        return self.source.files.get(split, (split,))

    def _local_files(self, split: Split) -> list[Path]:
        data = self.config.data
        if data.is_file():
            return [data] if split == "test" else []
        inside = data / self.source.folder
        folder = inside if self.source.folder and inside.is_dir() else data
        return find_files(folder, self._file_names(split))

    def _question(self, row: Row, number: str, where: str) -> Question:
        try:
            fields = {"id": f"{self.name}-{number}", "task": self.name, "answer_type": self.answer_type}
            return Question.model_validate(fields | dict(self.question(row)))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            problem = f"column {error} is missing" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{self.name}: row {number} of {where}: {problem}") from None


def gold_form(answer: object, answer_type: AnswerType) -> str:
    """Returns a gold answer in normal form.

    Raises:
        ValueError: It is not of that type.
    """
    text = ("yes" if answer else "no") if isinstance(answer, bool) else str(answer)
    normal = answers.normal_form(text, answer_type)
    if normal is None:
        raise ValueError(f"the gold answer {text[:60]!r} is no {answer_type}")
    return normal


def _fingerprint(question: Question) -> str:
    return " ".join(question.prompt.casefold().split())
