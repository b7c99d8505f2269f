"""Predictions: every answer that was measured, kept whole as one line of JSON each."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import IO, Literal, Self, cast

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from magdi.core.errors import DataError, RunDirectoryError
from magdi.core.files import read_bytes, whole_file, writing
from magdi.core.mag import Question
from magdi.core.shard import Shard
from magdi.core.task import Task

SCHEMA = "magdi.predictions/1"
SQLITE = b"SQLite format 3\0"
SHARD = re.compile(r"\.shard-\d+-of-\d+$")
Finish = Literal["end", "answer", "length"]


class Prediction(BaseModel):
    """One answer of a model to one question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="The question's id.")
    sample: int = Field(0, ge=0, description="Tells repeated draws for one question apart.")
    task: str = Field("", description="The question's task.")
    prompt: str = Field(description="What the model was given, whole.")
    output: str = Field(description="What it wrote, as far as it is read.")
    answer: str | None = Field(None, description="The answer in it, in normal form.")
    gold: str | None = Field(None, description="The right answer.")
    correct: bool | None = Field(None, description="Whether it is right; None without a gold answer.")
    prompt_tokens: int = Field(0, ge=0, le=2**53)
    output_tokens: int = Field(0, ge=0, le=2**53, description="Tokens of the output.")
    finish: Finish = Field("end", description="end: the model ended; answer: it had answered; length: it was cut off.")
    score: float | None = Field(None, description="The score head's value in [-1, 1], where there is one.")

    @property
    def key(self) -> tuple[str, int]:
        """What it answers: the question's id, and the number of the draw."""
        return self.id, self.sample


class OtherPredictions(DataError):
    """A file that holds no predictions, or those of another model or with other settings."""


class PredictionFile:
    """A JSONL file of predictions that grows as they come; its first line says how they were made.

    What shards of the same evaluation have answered, each in a file of its own beside it, is taken over. So does a
    shard with what the whole and all other shards have answered of its questions, in whatever number they were.

    Args:
        path: The file.
        made_by: Settings, model and all else that decides what is predicted.
        fresh: Throw away what is there, journal and all.
        asked: Ids of the questions; only a shard has to know them.
    """

    def __init__(
        self, path: Path, made_by: Mapping[str, object], *, fresh: bool = False, asked: Container[str] = ()
    ) -> None:
        self._path, self._fresh, self._asked = path, fresh, asked
        self._whole = path.with_name(SHARD.sub("", path.stem) + path.suffix)
        self._is_whole = path == self._whole
        self._lock = FileLock(path.with_name(f".{path.name}.lock"))
        self._header = json.dumps({"schema": SCHEMA, "made_by": dict(made_by)}, ensure_ascii=False, default=str)
        self._made = json.loads(self._header)
        self._file: IO[str] | None = None
        self.kept: list[Prediction] = []

    def __enter__(self) -> Self:
        """Opens the file and reads what is there; lines that a kill or a fault has torn are dropped, and asked again.

        Raises:
            OtherPredictions: What is there was made by something else.
            StorageError: It cannot be written.
            RunDirectoryError: Another process is at work on it.
        """
        with writing(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise RunDirectoryError(
                f"another process is at work on {self._path}", hint="wait for it, or name another folder with -o"
            ) from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    @property
    def journal(self) -> Path:
        """Where replies that are paid for are kept until they are predictions, and after."""
        return self._path.with_suffix(".sqlite")

    def _open(self) -> None:
        if self._fresh:
            self._throw_away()
        if self._path.exists() and self._path.stat().st_size:
            header, self.kept = _parse(self._path, drop_torn=True)
            if header != self._made:
                raise OtherPredictions(
                    f"{self._path} has predictions of another model or with other settings",
                    hint="name another file, or start over with --fresh",
                )
        if not self._fresh:
            self.kept += self._of_others({prediction.key for prediction in self.kept})
        self._write(self.kept)
        with writing(self._path):
            self._file = self._path.open("a", encoding="utf-8", newline="\n")

    def _of_others(self, had: set[tuple[str, int]]) -> list[Prediction]:
        """Returns what is in the files beside and not here."""
        found: dict[tuple[str, int], Prediction] = {}
        for file in self._others:
            for prediction in _parse(file, drop_torn=True)[1]:
                if prediction.key not in had and (self._is_whole or prediction.id in self._asked):
                    found[prediction.key] = prediction
        return list(found.values())

    @property
    def _others(self) -> list[Path]:
        """The files of shards, and that of the whole, that were made as this one is."""
        beside = [file for file in with_shards(self._whole) if file != self._path and file.exists()]
        return [file for file in beside if _header(_first_line(file)) == self._made]

    def _throw_away(self) -> None:
        """Deletes what is there, where it is what magdi has kept there."""
        journal = [self.journal.with_name(self.journal.name + end) for end in ("", "-wal", "-shm")]
        shards = self._others if self._is_whole else []
        for file, ours in ((self._path, _holds_predictions), (self.journal, _is_database)):
            if file.exists() and not ours(file):
                raise OtherPredictions(
                    f"{file} is none of magdi's predictions, and is not deleted", hint="name another place with -o"
                )
        with writing(self._path):
            for file in (self._path, *journal, *shards):
                file.unlink(missing_ok=True)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Appends predictions, and sees to it that they are in the file before it returns."""
        assert self._file is not None
        with writing(self._path):
            self._file.writelines(prediction.model_dump_json() + "\n" for prediction in predictions)
            self._file.flush()

    def finish(self, predictions: Iterable[Prediction]) -> None:
        """Writes all predictions anew, in the order given, so that the file says nothing of who was faster."""
        self._write(predictions)

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()
        self._lock.release()

    def _write(self, predictions: Iterable[Prediction]) -> None:
        with whole_file(self._path) as file:
            file.write(self._header + "\n")
            file.writelines(prediction.model_dump_json() + "\n" for prediction in predictions)


def of_shard(path: Path, shard: Shard) -> Path:
    """Returns where a shard keeps its part of the predictions of a file."""
    return path.with_name(f"{path.stem}.shard-{shard.number}-of-{shard.of}{path.suffix}")


def with_shards(path: Path) -> list[Path]:
    """Returns a file of predictions, there or not, and those of its shards that there are."""
    return [path, *sorted(path.parent.glob(f"{escape(path.stem)}.shard-*-of-*{path.suffix}"))]


def read_predictions(path: Path, *, drop_torn: bool = False) -> list[Prediction]:
    """Returns the predictions of a file; on request without lines that a kill has torn.

    Raises:
        DataError: The file is missing, or a line of it is none; names the line.
    """
    return _parse(path, drop_torn=drop_torn)[1]


def made_by(path: Path) -> dict[str, object]:
    """Returns what a file of predictions says of how they were made.

    Raises:
        DataError: The file is missing or is none of predictions.
    """
    return dict(cast("Mapping[str, object]", _parse(path)[0]["made_by"]))


def _parse(path: Path, *, drop_torn: bool = False) -> tuple[dict[str, object], list[Prediction]]:
    first, *lines = read_bytes(path).split(b"\n")
    header = _header(first)
    if header is None:
        raise OtherPredictions(f"{path}:1: is no file of predictions")
    if lines and (drop_torn or not lines[-1]):
        lines.pop()  # what stands behind the last line's end: nothing, unless its writer was killed
    predictions = []
    for number, line in enumerate(lines, start=2):
        try:
            predictions.append(Prediction.model_validate_json(line))
        except ValidationError as error:
            if not drop_torn:
                raise DataError(f"{path}:{number}: {error.errors()[0]['msg']}") from None
    return header, predictions


def _holds_predictions(path: Path) -> bool:
    """Returns whether a file is one of predictions, or an empty one."""
    first = _first_line(path)
    return not first.strip(b"\n") or _header(first) is not None


def _is_database(path: Path) -> bool:
    found = _first_line(path)
    return not found or found.startswith(SQLITE)


def _first_line(path: Path) -> bytes:
    if not path.is_file():
        return b"\0"
    with path.open("rb") as file:
        return file.readline()


def _header(line: bytes) -> dict[str, object] | None:
    with suppress(ValueError, RecursionError):
        header = json.loads(line)
        if isinstance(header, dict) and header.get("schema") == SCHEMA and isinstance(header.get("made_by"), dict):
            return header
    return None


def regraded(task: Task, question: Question, prediction: Prediction) -> Prediction:
    """Returns a prediction with its output read and graded anew."""
    answer = task.read(prediction.output, question).answer
    correct = None if question.gold is None else task.graded(answer, question.gold)
    return prediction.model_copy(update={"answer": answer, "gold": question.gold, "correct": correct})
