"""What a MAG teaches, in TRL's formats: JSONL, a row an example, with role, question and value beside it.

Rows are what `magdi distill` trains on with the same settings: `Selecting.written` and `Selecting.preferences`.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal, TextIO

from pydantic import BaseModel, Field

from magdi.core.credit import Credit
from magdi.core.distill.lessons import Lessons, OwnPrompts, Prompt
from magdi.core.distill.prompt import student_target
from magdi.core.files import whole_file
from magdi.core.mag import Mag, Message, Turn
from magdi.core.objective import Selecting
from magdi.core.views import View
from magdi.plugins.formats.exporter import Exporter

Row = dict[str, Any]


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


class LessonsConfig(Credit):
    """Which turns are taught, after which prompts."""

    role: str | None = Field(None, description="The turns of this role alone; null for all.")
    prompt: Literal["role", "question"] = Field(
        "role", description="What a turn is written after: what it was asked, or the question."
    )
    balance: bool = Field(False, description="As many rows of every role, and as many right as wrong ones.")
    seed: int = Field(0, ge=0, description="What rows are drawn by, where they are balanced.")


class LessonsExporter(Exporter):
    """Base of those that write rows."""

    unit = "rows"
    Config = LessonsConfig

    config: LessonsConfig

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.needs_prompts = self.config.prompt == "role"

    @abstractmethod
    def rows(self, lesson: Lesson) -> Iterator[Row]:
        """Yields the rows of a MAG."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        """Writes rows as JSONL, those of a MAG each once; returns how many."""
        own = self.config
        lessons = Lessons(own.role, OwnPrompts() if self.needs_prompts else None, own)
        groups: list[tuple[str, int]] = []
        with TemporaryFile("w+", encoding="utf-8") as scratch, whole_file(path) as file:
            target: Any = scratch if own.balance else file
            for mag in mags:
                once = {_example(row): row for row in reversed([*self.rows(Lesson(*lessons.of(mag)))])}
                for example, row in reversed(once.items()):
                    target.write(json.dumps(row, ensure_ascii=False) + "\n")
                    groups.append((_group(row), _lot(example, own.seed) if own.balance else 0))
            if own.balance:
                groups = list(_copied(scratch, file, groups))
        self.counted = Counter(group for group, _ in groups)
        return len(groups)


class Sft(LessonsExporter):
    """TRL's prompt-completion rows: right turns."""

    def rows(self, lesson: Lesson) -> Iterator[Row]:
        """Yields a row a right turn."""
        for turn in lesson.given.written:
            if turn.label:
                yield {"prompt": lesson.prompt(turn), "completion": lesson.reply(turn), **lesson.beside(turn)}


class Kto(LessonsExporter):
    """TRL's unpaired preferences: right and wrong turns."""

    def rows(self, lesson: Lesson) -> Iterator[Row]:
        """Yields a row a turn."""
        for turn in lesson.given.written:
            row = {"prompt": lesson.prompt(turn), "completion": lesson.reply(turn), "label": turn.label}
            yield {**row, **lesson.beside(turn)}


class Dpo(LessonsExporter):
    """TRL's preferences: right and wrong turns after the same prompt."""

    def rows(self, lesson: Lesson) -> Iterator[Row]:
        """Yields a row a pair."""
        for right, wrong in lesson.given.preferences:
            pair = {"chosen": lesson.reply(right), "rejected": lesson.reply(wrong)}
            worse = {"rejected_value": value(wrong), "rejected_turn": wrong.step}
            yield {"prompt": lesson.prompt(right), **pair, **lesson.beside(right), **worse}


class Prm(LessonsExporter):
    """TRL's stepwise rows: the question, and what led to a turn that nobody was shown, each right or wrong."""

    def rows(self, lesson: Lesson) -> Iterator[Row]:
        """Yields a row for each turn that nobody was shown."""
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


EXAMPLE = ("prompt", "completion", "label", "chosen", "rejected", "completions", "labels")
"""Columns that TRL reads."""


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
