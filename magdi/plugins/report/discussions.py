"""The discussions of a MAG file, for a page's browser and for its tables."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter

from magdi.core.mag import Mag
from magdi.core.views import View
from magdi.plugins.corpus.statistics.flips import changes
from magdi.plugins.report.blocks import Browser, Notice, Section, may_have_mathematics
from magdi.plugins.report.chunks import Store
from magdi.plugins.report.drawing.svg import svg
from magdi.plugins.report.prompts import Reworder
from magdi.plugins.report.talk import TalkFigures

COLUMNS = ("question", "gold", "answer", "correct", "structure", "turns", "first", "up", "down", "stop", "protocol")
MORE_COLUMNS = ("task", "tokens", "invalid")
MOST = 5000
"""Discussions that a page has; of more it has a sample."""

LISTED = 400  # characters of a question that the list and its search have; all of it is in the record


@dataclass(slots=True)
class Discussions:
    """All discussions of a page, or a sample of them; they are shown to it one at a time.

    Attributes:
        reworder: Makes prompts again that were not kept.
        talk: Counts over them.
        teachers: By question, what was said in the end; for questions in ``wanted``.
        count: All that there are.
        edges: The edges that are drawn.
        mathematics: Whether there may be some in what was asked or said.
        first: Whether a page of a run that goes on has the first that there are, and no sample.
    """

    reworder: Reworder | None = None
    wanted: frozenset[str] = frozenset()
    talk: TalkFigures = field(default_factory=TalkFigures)
    teachers: dict[str, Mag] = field(default_factory=dict)
    store: Store = field(default_factory=lambda: Store("discussions", COLUMNS + MORE_COLUMNS))
    count: int = 0
    edges: View = "exact"
    mathematics: bool = False
    first: bool = False

    def read(self, mags: Iterable[Mag]) -> None:
        """Takes all MAGs in; of more than `MOST` every one is as likely to be kept, and the same are each time."""
        kept: list[tuple[int, Mag]] = []
        lot = random.Random(0)
        for mag in mags:
            if mag.question.id in self.wanted:
                self.teachers[mag.question.id] = mag
            if self.count < MOST:
                kept.append((self.count, mag))
            elif (place := lot.randint(0, self.count)) < MOST:
                kept[place] = self.count, mag
            self.count += 1
        for _, mag in sorted(kept, key=itemgetter(0)):
            self._take(mag)

    def add(self, mag: Mag) -> None:
        """Takes a MAG in that has just come, unless there are `MOST` already."""
        self.count += 1
        if self.count <= MOST:
            self._take(mag)

    def _take(self, mag: Mag) -> None:
        self.talk.add(mag)
        self.mathematics = self.mathematics or any(map(may_have_mathematics, _words(mag)))
        whole = self.reworder.complete(mag) if self.reworder else mag
        drawing = json.dumps(svg(mag, self.edges, standalone=False), ensure_ascii=False)
        self.store.add(f'{{"mag":{whole.to_line()},"drawing":{drawing}}}', **_row(mag))

    def notices(self) -> list[Notice]:
        """Returns what is to be said where this is a sample."""
        if self.count <= MOST:
            return []
        which = "the first ones" if self.first else "drawn at random"
        text = f"This page has {MOST:,} of {self.count:,} discussions, {which}; its figures are of these alone."
        return [Notice(f"{text} magdi mags stats counts all of them.")]

    def sections(self) -> list[Section]:
        """Returns what was said in numbers, and every discussion."""
        if not self.talk.mags:
            return []
        return [Section("talk", "Rounds", (*self.notices(), *self.talk.blocks())), self.browser()]

    def browser(self) -> Section:
        """Returns every discussion, for a reader to look through."""
        note = "Right and wrong are told by colour and by shape. An edge leads to the prompt that quotes a turn."
        more = self._of_prompts | ({"live": True} if self.first else {})
        browser = Browser("discussions", "discussion", self.store, more, self.mathematics)
        return Section("discussions", "Discussions", (*self.notices(), browser), note)

    @property
    def _of_prompts(self) -> dict[str, object]:
        """What is said where prompts stand, or would."""
        again = bool(self.reworder and self.reworder.restored)
        return {
            "prompts": "made again by the protocol from the replies, with this version of magdi" if again else "",
            "no_prompts": "It was not kept. Runs with --set discussion.keep_prompts=true keep all prompts. This one "
            "held the question and the turns listed above.",
        }


def _words(mag: Mag) -> Iterator[str]:
    yield mag.question.text
    yield from (choice.text for choice in mag.question.choices)
    yield from (turn.reasoning or turn.text for turn in mag.turns)


def _row(mag: Mag) -> dict[str, object]:
    moves = [change.kind for change in changes(mag)]
    first = [turn.correct for turn in mag.turns if turn.round == 0 and turn.correct is not None]
    return {
        "id": mag.id,
        "question": mag.question.text[:LISTED],
        "gold": mag.question.gold or "",
        "answer": mag.decision.answer or "",
        "correct": _flag(mag.decision.correct),
        "structure": mag.structure,
        "turns": len(mag.turns),
        "first": f"{sum(first)}/{len(first)}" if first else "",
        "up": moves.count("wrong-to-right"),
        "down": moves.count("right-to-wrong"),
        "stop": mag.stop,
        "protocol": mag.protocol,
        "task": mag.question.task,
        "tokens": mag.usage.total_tokens,
        "invalid": sum(turn.status == "invalid" for turn in mag.turns),
    }


def _flag(correct: bool | None) -> int | None:
    """Takes half the room that true and false take in JSON."""
    return None if correct is None else int(correct)
