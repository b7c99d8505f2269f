"""Who changed their minds, for better or worse, and who had moved them.

A *change* is an agent's answer that differs from its own answer before. An edge (u, v) *moved* v when v changed to the
very answer that u had given and that v's agent had not: u may have moved it; the graph cannot say more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypedDict, cast, get_args

from magdi.core.mag import Mag, Turn
from magdi.plugins.corpus.statistics.shares import counted


class Change(NamedTuple):
    """An agent's step from one answer to the next.

    Attributes:
        before: The agent's newest earlier turn with an answer.
        after: The turn.
        movers: Turns of others that ``after`` had been shown and whose answer it took over; empty where none.
    """

    before: Turn
    after: Turn
    movers: tuple[Turn, ...]

    @property
    def kind(self) -> str:
        """kept, wrong-to-right, right-to-wrong, wrong-to-wrong, or changed where a grade is missing."""
        if self.before.answer == self.after.answer:
            return "kept"
        if self.before.correct is None or self.after.correct is None:
            return "changed"
        names = {True: "right", False: "wrong"}
        return f"{names[self.before.correct]}-to-{names[self.after.correct]}"


def changes(mag: Mag) -> Iterator[Change]:
    """Yields every agent's steps from answer to answer, in the order of time.

    Samples that are no continuation of one another (the branches of a tree, the draws of self-consistency) are not
    steps: a step needs an edge between the two turns, or a later round.
    """
    newest: dict[tuple[str, str], Turn] = {}
    for turn in mag.turns:
        if turn.answer is None:
            continue
        before = newest.get((turn.agent, turn.role))
        if before is not None and not turn.branch and (before.step in turn.sources or before.round < turn.round):
            yield Change(before, turn, tuple(_movers(mag, before, turn)))
        newest[turn.agent, turn.role] = turn


def _movers(mag: Mag, before: Turn, after: Turn) -> Iterator[Turn]:
    if before.answer != after.answer:
        shown = (mag.turns[seen.step] for seen in after.seen if seen.kind != "control")
        yield from (turn for turn in shown if turn.agent != after.agent and turn.answer == after.answer)


Kind = Literal["kept", "wrong-to-right", "right-to-wrong", "wrong-to-wrong", "changed"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Kinds = TypedDict(
    "Kinds", {"kept": int, "wrong-to-right": int, "right-to-wrong": int, "wrong-to-wrong": int, "changed": int}
)
"""How many changes there are of each kind."""


class OfAgent(Kinds):
    """Changes of one agent."""

    agent: str


class OfEdges(Kinds):
    """Changes that edges may have led to, beside how many edges ``shown`` somebody what another had said."""

    shown: int


class OfPair(Kinds):
    """Changes in which one agent may have moved another."""

    mover: str
    moved: str


class FlipsFound(TypedDict):
    """Changes over all, ``unmoved`` those in which nobody had given the new answer before, and tables of them."""

    steps: int
    kinds: dict[str, int]
    unmoved: dict[str, int]
    by_agent: list[OfAgent]
    edges: OfEdges
    who_moved_whom: list[OfPair]


class Flips:
    """Counts of changes over all, by agent and by edge, and who moved whom."""

    def __init__(self) -> None:
        self._overall, self._alone = Counter[str](), Counter[str]()
        self._by_agent: dict[str, Counter[str]] = {}
        self._moved: dict[tuple[str, str], Counter[str]] = {}
        self._edges = 0

    def add(self, mag: Mag) -> None:
        """Takes a MAG in."""
        self._edges += sum(seen.kind not in ("self", "control") for turn in mag.turns for seen in turn.seen)
        for change in changes(mag):
            self._overall[change.kind] += 1
            self._by_agent.setdefault(change.after.agent, Counter())[change.kind] += 1
            if change.kind != "kept" and not change.movers:
                self._alone[change.kind] += 1
            for mover in change.movers:
                self._moved.setdefault((mover.agent, change.after.agent), Counter())[change.kind] += 1

    def document(self) -> FlipsFound:
        """Returns counts and tables."""
        along = sum(self._moved.values(), Counter[str]())
        return {
            "steps": sum(self._overall.values()),
            "kinds": dict(self._overall),
            "unmoved": dict(self._alone),
            "by_agent": [{"agent": agent, **_counts(counts)} for agent, counts in sorted(self._by_agent.items())],
            "edges": {"shown": self._edges, **_counts(along)},
            "who_moved_whom": [
                {"mover": mover, "moved": agent, **_counts(counts)}
                for (mover, agent), counts in sorted(self._moved.items())
            ],
        }


def flips(mags: Iterable[Mag]) -> FlipsFound:
    """Returns counts of changes over all, by agent and by edge, and the table of who moved whom."""
    return counted(Flips(), mags).document()


def _counts(counts: Counter[str]) -> Kinds:
    return cast(Kinds, {kind: counts[kind] for kind in KINDS})
