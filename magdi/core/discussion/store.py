"""Discussions into a MAG file, in the order of the questions, so that the same call goes on where a killed one was.

The file holds whole lines only, one for each question whose discussion was held, in the order of the questions; a line
is written as soon as it is its turn. After a kill or a failure, lines that are there are kept, and what is missing is
made out of the journal, which asks nobody, or held. So the finished file is the same bytes whatever happened before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from pydantic import ValidationError

from magdi.core.discussion.driver import Failure, hold_discussions
from magdi.core.errors import RunDirectoryError
from magdi.core.files import PARTIAL, lines_of, writing
from magdi.core.mag import Mag, Question
from magdi.core.redact import redact


@dataclass(frozen=True, slots=True)
class Stored:
    """What `discuss_to_file` did.

    Attributes:
        mags: Lines in the file.
        kept: Of these, how many were there before.
        failed: Questions whose discussion failed; the next call tries them again.
    """

    mags: int
    kept: int
    failed: int


class _Line(NamedTuple):
    position: int  # of its question
    start: int  # in bytes
    end: int


def discuss_to_file(
    questions: Sequence[Question],
    path: Path,
    failures_path: Path,
    *,
    on_mag: Callable[[Mag], None] | None = None,
    **options: Any,
) -> Stored:
    """Holds the discussions that a MAG file does not have yet, and writes them into it.

    Args:
        questions: All questions, ids unique, in the order of the file.
        path: The MAG file; a torn last line is cut off.
        failures_path: JSONL of the discussions that failed in this call: ``question``, ``error``, ``turns``; there is
            no such file when none did.
        on_mag: Called with each MAG, those that were there before first.
        **options: Arguments of `hold_discussions`.

    Raises:
        RunDirectoryError: The file holds other discussions than these.
        StorageError: A file cannot be written; what was written is kept.
        MagdiError: As `hold_discussions` raises it; what was finished is in the file.
    """
    tell = on_mag or (lambda mag: None)
    places = {question.id: place for place, question in enumerate(questions)}
    with writing(path):
        lines = list(_lines(path, questions, places, options["protocol_name"], tell))
    have = {line.position for line in lines}
    missing = [question for place, question in enumerate(questions) if place not in have]
    held = failed = 0
    with writing(failures_path):
        failures_path.unlink(missing_ok=True)
    # Closing the discussions, whatever happens here, ends all calls before the caller closes the journal.
    with writing(path), _merging(path, lines) as write, closing(hold_discussions(missing, **options)) as items:
        for item in items if missing else ():
            if isinstance(item, Failure):
                failed += 1
                with writing(failures_path), failures_path.open("a", encoding="utf-8") as failures:
                    failures.write(_failure_line(item))
            else:
                held += 1
                write(places[item.question.id], item.to_line().encode() + b"\n")
                tell(item)
    return Stored(len(lines) + held, len(lines), failed)


def _lines(
    path: Path, questions: Sequence[Question], places: dict[str, int], protocol: str, tell: Callable[[Mag], None]
) -> Iterator[_Line]:
    """Yields the good lines of a MAG file, up to the first that is torn or broken."""
    if not path.exists():
        return
    start, last = 0, -1
    with path.open("rb") as file:
        for line in lines_of(file, path):
            try:
                mag = Mag.model_validate_json(line)
            except ValidationError:
                return
            if not line.endswith(b"\n"):
                return
            place = places.get(mag.question.id, -1)
            if place <= last or questions[place].prompt != mag.question.prompt or mag.protocol != protocol:
                raise RunDirectoryError(
                    f"{path} holds other discussions than these: {mag.protocol} on question {mag.question.id!r}",
                    hint="name another file, or take this one away",
                )
            tell(mag)
            yield _Line(place, start, start + len(line))
            start, last = start + len(line), place


@contextmanager
def _merging(path: Path, lines: Sequence[_Line]) -> Iterator[Callable[[int, bytes], None]]:
    """Opens a MAG file and gives a function that writes a question's line among those that are there already.

    Where lines are missing between others, a new file is written and takes the old one's place in the end.
    """
    first = next((place for place, line in enumerate(lines) if line.position != place), len(lines))
    end, later = (lines[first - 1].end if first else 0), list(lines[first:])
    target = path.with_name(path.name + PARTIAL) if later else path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    if later:
        target.unlink(missing_ok=True)  # left by a kill; were it a link, another file would be written
    with path.open("rb") as old, target.open("wb" if later else "r+b") as file:
        if later:
            file.write(old.read(end))
        file.truncate(end)
        file.seek(end)

        def copy_up_to(place: float) -> None:
            while later and later[0].position < place:
                line = later.pop(0)
                old.seek(line.start)
                file.write(old.read(line.end - line.start))

        def write(place: int, line: bytes) -> None:
            copy_up_to(place)
            file.write(line)
            file.flush()

        try:
            yield write
        except OSError:
            raise  # the disk is full: the old file stays as it is
        except BaseException:
            _finish(file, copy_up_to, target, path)
            raise
        _finish(file, copy_up_to, target, path)


def _finish(file: IO[bytes], copy_up_to: Callable[[float], None], target: Path, path: Path) -> None:
    copy_up_to(float("inf"))
    file.flush()
    os.fsync(file.fileno())
    if target != path:
        target.replace(path)


def _failure_line(failure: Failure) -> str:
    turns = [turn.model_dump(mode="json", exclude_defaults=True) for turn in failure.turns]
    record = {"question": failure.question.id, "error": redact(failure.error), "turns": turns}
    return json.dumps(record, ensure_ascii=False) + "\n"
