"""By which rule the answers of a file's turns are read, the least certain first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from magdi.core.mag import Mag
from magdi.core.task import Task
from magdi.plugins import answers

MOST_TURNS = 100
"""Turns of each rule that are listed; all are counted."""
END = 140
"""Characters of a text's end that are listed with it."""


@dataclass(frozen=True, slots=True)
class TurnReading:
    """How the answer of one turn is read.

    Attributes:
        mag: The MAG's id.
        step: The turn's step.
        agent: Who spoke.
        rule: The rule that reads the answer, see `magdi.core.verdict.Rule`.
        answer: What it reads; None for no answer.
        recorded: The answer that the file has.
        end: The end of the turn's text.
    """

    mag: str
    step: int
    agent: str
    rule: str
    answer: str | None
    recorded: str | None
    end: str


@dataclass(slots=True)
class Readings:
    """The readings of a file.

    Attributes:
        rules: Turns by rule, the least certain first.
        differ: Turns for which the file has another answer than is read.
        turns: Turns, the least certain first; at most `MOST_TURNS` of each rule.
    """

    rules: dict[str, int] = field(default_factory=dict)
    differ: int = 0
    turns: list[TurnReading] = field(default_factory=list)


def readings(mags: Iterable[Mag], task: Task | None = None) -> Readings:
    """Reads the answers of turns anew, as the task does, or as magdi's own tasks do where none is given."""
    found, kept = Readings(), dict[tuple[int, str], list[TurnReading]]()
    counts = Counter[tuple[int, str]]()
    for mag in mags:
        for doubt, turn in _turns(mag, task):
            counts[doubt, turn.rule] += 1
            found.differ += turn.answer != turn.recorded
            if counts[doubt, turn.rule] <= MOST_TURNS:
                kept.setdefault((doubt, turn.rule), []).append(turn)
    found.rules = {rule: count for (_, rule), count in sorted(counts.items(), reverse=True)}
    found.turns = [turn for _, turns in sorted(kept.items(), reverse=True) for turn in turns]
    return found


def _turns(mag: Mag, task: Task | None) -> Iterator[tuple[int, TurnReading]]:
    """Yields the turns that were to answer; critics and moderators say what they like."""
    for turn in mag.turns:
        if turn.role != "solver" and turn.answer is None:
            continue
        read = task.read(turn.text, mag.question) if task else answers.read(turn.text, mag.question)
        end = " ".join(turn.text[-2 * END :].split())[-END:]
        yield read.doubt, TurnReading(mag.id, turn.step, turn.agent, str(read.rule), read.answer, turn.answer, end)
