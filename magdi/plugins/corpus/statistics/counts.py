"""How many turns of what sort, and how many of them are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, TypedDict

from magdi.core.mag import Mag, Turn, Usage
from magdi.plugins.corpus.statistics.shares import Share, ShareFound, grade_of


class TotalsFound(TypedDict):
    """The sizes of the whole: sums over MAGs, how many there are of each kind, and the graded decisions."""

    mags: int
    questions: int
    turns: int
    edges: int
    tokens: int
    cost: float
    calls: int
    protocols: dict[str, int]
    tasks: dict[str, int]
    structures: dict[str, int]
    stops: dict[str, int]
    edge_kinds: dict[str, int]
    accuracy: ShareFound


class TurnsFound(TypedDict):
    """Turns of one round, agent, model, role or structure: how many, and their labels, grades and tokens."""

    group: Any
    turns: int
    answered: int
    invalid: int
    repaired: int
    right: int
    wrong: int
    unlabelled: int
    accuracy: ShareFound
    tokens: int


class Totals:
    """Counts the sizes of the whole."""

    def __init__(self) -> None:
        self._mags = self._turns = self._edges = self._calls = 0
        self._usage = Usage()
        self._kinds = {name: Counter[str]() for name in ("protocols", "tasks", "structures", "stops", "edge_kinds")}
        self._questions: set[int] = set()
        self._accuracy = Share()

    def add(self, mag: Mag) -> None:
        """Takes a MAG in; of its question a hash is kept."""
        self._questions.add(hash(mag.question.id))
        self._mags += 1
        self._turns += len(mag.turns)
        self._edges += len(mag.edges)
        self._calls += sum(turn.attempts for turn in mag.turns)
        self._usage += mag.usage
        kinds = {"protocols": mag.protocol, "tasks": mag.question.task, "structures": mag.structure, "stops": mag.stop}
        for name, kind in kinds.items():
            self._kinds[name][kind] += 1
        self._kinds["edge_kinds"].update(seen.kind for turn in mag.turns for seen in turn.seen)
        self._accuracy.add(mag.decision.correct)

    def document(self) -> TotalsFound:
        """Returns them by name."""
        kinds = {name: dict(counts.most_common()) for name, counts in self._kinds.items()}
        return {
            "mags": self._mags,
            "questions": len(self._questions),
            "turns": self._turns,
            "edges": self._edges,
            "tokens": self._usage.total_tokens,
            "cost": self._usage.cost,
            "calls": self._calls,
            "protocols": kinds["protocols"],
            "tasks": kinds["tasks"],
            "structures": dict(sorted(kinds["structures"].items())),
            "stops": kinds["stops"],
            "edge_kinds": kinds["edge_kinds"],
            "accuracy": self._accuracy.document(),
        }


class TurnTables:
    """The turns by round, agent, model, role and structure: how many, and right, wrong, without label."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Hashable, _Row]] = {name: {} for name in (*_KEYS, "structure")}

    def add(self, mag: Mag) -> None:
        """Takes a MAG in."""
        structure = mag.structure
        for turn in mag.turns:
            groups = {name: key(turn) for name, key in _KEYS.items()} | {"structure": structure}
            for name, group in groups.items():
                self._tables[name].setdefault(group, _Row()).add(turn)

    def document(self) -> dict[str, list[TurnsFound]]:
        """Returns a table for each, its rows in the order of their groups."""
        return {
            name: [table[group].document(group) for group in sorted(table, key=_order)]
            for name, table in self._tables.items()
        }


_KEYS: dict[str, Callable[[Turn], Hashable]] = {
    "round": lambda turn: turn.round,
    "agent": lambda turn: turn.agent,
    "model": lambda turn: turn.model,
    "role": lambda turn: turn.role,
}


def _order(group: Any) -> tuple[bool, Any]:
    return isinstance(group, str), group


class _Row:
    """Counts of some turns."""

    def __init__(self) -> None:
        self._turns = self._answered = self._tokens = 0
        self._statuses, self._labels, self._accuracy = Counter[str](), Counter[bool | None](), Share()

    def add(self, turn: Turn) -> None:
        self._turns += 1
        self._answered += turn.answer is not None
        self._statuses[turn.status] += 1
        self._labels[turn.label] += 1
        self._tokens += turn.usage.completion_tokens
        self._accuracy.add(grade_of(turn))

    def document(self, group: Hashable) -> TurnsFound:
        return {
            "group": group,
            "turns": self._turns,
            "answered": self._answered,
            "invalid": self._statuses["invalid"],
            "repaired": self._statuses["repaired"],
            "right": self._labels[True],
            "wrong": self._labels[False],
            "unlabelled": self._labels[None],
            "accuracy": self._accuracy.document(),
            "tokens": self._tokens,
        }
