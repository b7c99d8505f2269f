"""How many turns of what sort, and how many of them are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from magdi.core.mag import Mag, Turn
from magdi.plugins.corpus.statistics.shares import Share, grade_of


class Totals:
    """The sizes of the whole: discussions, questions, turns, edges, tokens, and the graded decisions."""

    def __init__(self) -> None:
        self._sums: dict[str, Any] = dict.fromkeys(
            ("mags", "questions", "turns", "edges", "tokens", "cost", "calls"), 0
        )
        self._kinds = {name: Counter[str]() for name in ("protocols", "tasks", "structures", "stops", "edge_kinds")}
        self._questions: set[int] = set()
        self._accuracy = Share()

    def add(self, mag: Mag) -> None:
        """Takes a MAG in; of its question a hash is kept."""
        self._questions.add(hash(mag.question.id))
        sums: dict[str, Any] = {
            "mags": 1,
            "turns": len(mag.turns),
            "edges": len(mag.edges),
            "tokens": mag.usage.total_tokens,
        }
        sums |= {"cost": mag.usage.cost, "calls": sum(turn.attempts for turn in mag.turns)}
        for name, value in sums.items():
            self._sums[name] += value
        kinds = {"protocols": mag.protocol, "tasks": mag.question.task, "structures": mag.structure, "stops": mag.stop}
        for name, kind in kinds.items():
            self._kinds[name][kind] += 1
        self._kinds["edge_kinds"].update(seen.kind for turn in mag.turns for seen in turn.seen)
        self._accuracy.add(mag.decision.correct)

    def document(self) -> dict[str, Any]:
        """Returns them by name."""
        kinds = {name: dict(counts.most_common()) for name, counts in self._kinds.items()}
        kinds["structures"] = dict(sorted(kinds["structures"].items()))
        return self._sums | {"questions": len(self._questions)} | kinds | {"accuracy": self._accuracy.document()}


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

    def document(self) -> dict[str, list[dict[str, Any]]]:
        """Returns a table for each, its rows in the order of their groups."""
        return {
            name: [{"group": group} | table[group].document() for group in sorted(table, key=_order)]
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
        names = ("turns", "answered", "invalid", "repaired", "right", "wrong", "unlabelled", "accuracy", "tokens")
        self._counts: dict[str, Any] = dict.fromkeys(names, 0)
        self._accuracy = Share()

    def add(self, turn: Turn) -> None:
        label = {True: "right", False: "wrong", None: "unlabelled"}[turn.label]
        self._counts["turns"] += 1
        self._counts["answered"] += turn.answer is not None
        if turn.status in ("invalid", "repaired"):
            self._counts[turn.status] += 1
        self._counts[label] += 1
        self._counts["tokens"] += turn.usage.completion_tokens
        self._accuracy.add(grade_of(turn))

    def document(self) -> dict[str, Any]:
        return self._counts | {"accuracy": self._accuracy.document()}
