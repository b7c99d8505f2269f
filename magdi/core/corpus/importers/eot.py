"""EoT's records (Yin et al., 2023): ``{question, answer, response_list, message_record_dict, ...}``, one a line.

Each participant's messages stand in ``message_record_dict``, the first one being its answer alone; a question on
which all agreed at once has only ``response_list``. The record does not say who read whom: it is ``memory`` (all)
unless a key ``communication_mode`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from magdi.core.corpus.importers.format import Format, has
from magdi.core.corpus.importers.reader import Reader
from magdi.core.corpus.importers.source import Item
from magdi.core.mag import Mag, Seen, Turn

READS: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "memory": {0: (0, 1, 2), 1: (0, 1, 2), 2: (0, 1, 2)},
    "report": {0: (0, 1, 2), 1: (0, 1), 2: (0, 2)},
    "relay": {0: (0, 1), 1: (1, 2), 2: (0, 2)},
    "debate": {0: (0, 1, 2), 1: (1, 2), 2: (1, 2)},
}
"""Whom each of the three participants reads, itself included; the code has three, always."""


def read(item: Item, reader: Reader) -> Mag:
    """Returns the MAG of one record."""
    row = item.value
    mode = str(row.get("communication_mode", "memory")).lower()
    records: dict[str, Sequence[str]] = row.get("message_record_dict") or {
        f"agent-{k + 1}": [text] for k, text in enumerate(row["response_list"])
    }
    agents = list(records)
    question = reader.question(row["question"], str(row["answer"]))
    confidences: Mapping[str, Sequence[float]] = row.get("confidence_record_dict") or {}
    turns: list[Turn] = []
    for round in range(max(map(len, records.values()))):  # noqa: A001
        before = [turn for turn in turns if turn.round == round - 1]
        turns += [
            reader.turn(
                question,
                step,
                agent,
                records[agent][round],
                round=round,
                seen=[_edge(turn, agent) for turn in before if agents.index(turn.agent) in _sources(mode, k, agents)],
                confidence=_confidence(confidences.get(agent, ()), round),
            )
            for step, (k, agent) in enumerate(
                [(k, agent) for k, agent in enumerate(agents) if round < len(records[agent])], start=len(turns)
            )
        ]
    return reader.mag(item, question, "eot", turns, format="eot", communication_mode=mode)


def _edge(turn: Turn, agent: str) -> Seen:
    return Seen(step=turn.step, kind="self" if turn.agent == agent else "content")


def _sources(mode: str, k: int, agents: Sequence[str]) -> Sequence[int]:
    if mode not in READS:
        raise ValueError(f"communication_mode {mode!r} is none of {', '.join(READS)}")
    return range(len(agents)) if mode == "memory" else READS[mode][k]


def _confidence(record: Sequence[float], round: int) -> float | None:  # noqa: A002
    """Returns the confidence with which a message was handed on; it is computed from round 1 on."""
    return record[round - 1] if 0 < round <= len(record) else None


def recognises(value: Any) -> bool:
    """Returns whether a value is a record."""
    return has(value, "question", "answer", "response_list")


FORMAT = Format("eot", "EoT's records (Exchange-of-Thought)", recognises, read)
