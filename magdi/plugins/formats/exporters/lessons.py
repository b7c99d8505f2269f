"""What a MAG teaches, in TRL's formats: JSONL, a row an example, with role, question and value beside it.

Rows are what `magdi distill` trains on with the same settings: `Selecting.written` and `Selecting.preferences`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

from magdi.core.distill.lessons import Lessons, Prompt
from magdi.core.distill.prompt import student_target
from magdi.core.files import whole_file
from magdi.core.mag import Mag, Message, Turn
from magdi.core.objective import Selecting

Row = dict[str, Any]
Rows = Callable[["Lesson"], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One MAG with what is taught of it.

    Attributes:
        given: The MAG as objectives see it.
        prompts: By turn, its own prompt; empty where the question is the prompt of all.
    """

    given: Selecting
    prompts: tuple[Prompt, ...]

    def prompt(self, turn: Turn) -> list[dict[str, str]]:
        """Returns the messages after which a turn is written."""
        asked = (Message(role="user", content=self.given.mag.question.prompt),)
        own = self.prompts[turn.step] if self.prompts else asked
        return [message.model_dump() for message in own]

    def said(self, turn: Turn) -> str:
        """Returns what a turn teaches to write."""
        return turn.text.strip() if self.prompts else student_target(turn)

    def reply(self, turn: Turn) -> list[dict[str, str]]:
        """Returns it as a message."""
        return [{"role": "assistant", "content": self.said(turn)}]

    def beside(self, turn: Turn) -> Row:
        """Returns what stands beside an example."""
        mag = self.given.mag
        facts = {"task": mag.question.task, "protocol": mag.protocol, "agent": turn.agent, "turn": turn.step}
        return {"role": turn.role, "question_id": mag.question.id, "mag_id": mag.id, "value": value(turn), **facts}


def value(turn: Turn) -> float | None:
    """Returns a turn's value; where it has none, what its label is worth."""
    return turn.value if turn.value is not None or turn.label is None else float(turn.label)


def sft(lesson: Lesson) -> Iterator[Row]:
    """Yields TRL's prompt-completion rows: right turns."""
    for turn in lesson.given.written:
        if turn.label:
            yield {"prompt": lesson.prompt(turn), "completion": lesson.reply(turn), **lesson.beside(turn)}


def kto(lesson: Lesson) -> Iterator[Row]:
    """Yields TRL's unpaired preferences: right and wrong turns."""
    for turn in lesson.given.written:
        row = {"prompt": lesson.prompt(turn), "completion": lesson.reply(turn), "label": turn.label}
        yield {**row, **lesson.beside(turn)}


def dpo(lesson: Lesson) -> Iterator[Row]:
    """Yields TRL's preferences: right and wrong turns after the same prompt."""
    for right, wrong in lesson.given.preferences:
        pair = {"chosen": lesson.reply(right), "rejected": lesson.reply(wrong)}
        worse = {"rejected_value": value(wrong), "rejected_turn": wrong.step}
        yield {"prompt": lesson.prompt(right), **pair, **lesson.beside(right), **worse}


def prm(lesson: Lesson) -> Iterator[Row]:
    """Yields TRL's stepwise rows: the question, and what led to a turn that nobody was shown, each right or wrong."""
    mag = lesson.given.mag
    shown = {step for turn in mag.turns for step in turn.sources}
    for last in mag.turns:
        if last.step in shown or last.label is None:
            continue
        steps = [turn for turn in _led_to(mag, last) if turn.label is not None and turn.text.strip()]
        each = {"completions": [turn.text.strip() for turn in steps], "labels": [turn.label for turn in steps]}
        values = {"roles": [turn.role for turn in steps], "values": [value(turn) for turn in steps]}
        yield {"prompt": mag.question.prompt, **each, **values, **lesson.beside(last)}


def _led_to(mag: Mag, last: Turn) -> list[Turn]:
    found = {last.step}
    for turn in reversed(mag.turns[: last.step + 1]):
        if turn.step in found:
            found.update(turn.sources)
    return [mag.turns[step] for step in sorted(found)]


FORMATS: Mapping[str, tuple[Rows, str]] = {
    "sft": (sft, "TRL's prompt-completion rows: right turns after their prompts"),
    "dpo": (dpo, "TRL's preferences: right and wrong turns after the same prompt"),
    "kto": (kto, "TRL's unpaired preferences: right and wrong turns"),
    "prm": (prm, "TRL's stepwise rows: the turns that led to an answer, each right or wrong"),
}
"""By name, what makes a MAG's rows, and what they are."""

EXAMPLE = ("prompt", "completion", "label", "chosen", "rejected", "completions", "labels")
"""Columns that TRL reads."""


def write_lessons(
    mags: Iterable[Mag], path: Path, to: str, lessons: Lessons, *, balance: bool = False, seed: int = 0
) -> Counter[str]:
    """Writes rows as JSONL, each once; returns how many there are by role, right and wrong apart where both are.

    Args:
        mags: MAGs, read as a stream.
        path: The file.
        to: One of `FORMATS`.
        lessons: Which turns are taught, and after which prompts.
        balance: Draw as many rows of every role, and as many right as wrong ones where there are both.
        seed: What is drawn by.

    Raises:
        DataError: Prompts are not to be had.
    """
    make, _ = FORMATS[to]
    groups: list[tuple[str, int]] = []
    with TemporaryFile("w+", encoding="utf-8") as scratch, whole_file(path) as file:
        target: Any = scratch if balance else file
        for mag in mags:
            once = {_example(row): row for row in reversed([*make(Lesson(*lessons.of(mag)))])}
            for example, row in reversed(once.items()):
                target.write(json.dumps(row, ensure_ascii=False) + "\n")
                groups.append((_group(row), _lot(example, seed) if balance else 0))
        if balance:
            groups = list(_copied(scratch, file, groups))
    return Counter(group for group, _ in groups)


def _example(row: Row) -> str:
    """Returns what makes a row another example than others of its MAG."""
    return json.dumps([row.get(key) for key in EXAMPLE], ensure_ascii=False)


def _group(row: Row) -> str:
    label = row.get("label")
    return str(row["role"]) if label is None else f"{row['role']}, {'right' if label else 'wrong'}"


def _lot(example: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{example}".encode(), digest_size=8).digest())


def _copied(scratch: TextIO, file: Any, groups: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Copies as many lines of each group as the smallest has, those of the lowest lots."""
    fewest = min(Counter(group for group, _ in groups).values(), default=0)
    kept = {
        place
        for group in {group for group, _ in groups}
        for _, place in sorted((lot, place) for place, (own, lot) in enumerate(groups) if own == group)[:fewest]
    }
    scratch.seek(0)
    for place, line in enumerate(scratch):
        if place in kept:
            file.write(line)
            yield groups[place]
