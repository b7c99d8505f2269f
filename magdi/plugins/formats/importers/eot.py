"""EoT's records (Yin et al., 2023): ``{question, answer, response_list, message_record_dict, ...}``, one a line.

Each participant's messages stand in ``message_record_dict``, the first one being its answer alone; a question on
which all agreed at once has only ``response_list``. The record does not say who read whom: it is ``memory`` (all)
unless a key ``communication_mode`` or the file's name says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from magdi.core.mag import Mag, Seen, Turn
from magdi.core.reply import read_confidence
from magdi.plugins.formats.importer import Importer, has
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader

READS: Mapping[str, Mapping[int, tuple[int, ...]]] = {
    "memory": {0: (0, 1, 2), 1: (0, 1, 2), 2: (0, 1, 2)},
    "report": {0: (0, 1, 2), 1: (0, 1), 2: (0, 2)},
    "relay": {0: (0, 1), 1: (1, 2), 2: (0, 2)},
    "debate": {0: (0, 1, 2), 1: (1, 2), 2: (1, 2)},
}
"""Whom each of the three participants reads, itself included; the code has three, always."""
_FILE = re.compile(r"_EoT_(?:log_)?(?:(?P<mode>memory|report|relay|debate)_)?(?P<model>.+)$", re.IGNORECASE)


class ExchangeOfThought(Importer):
    """EoT's records (Exchange-of-Thought)."""

    example = {"question": "What is 2 + 3?", "answer": "5", "response_list": ["2 + 3 = 5. The answer is 5."]}

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a record."""
        return has(value, "question", "answer", "response_list") or has(value, "question", "message_record_dict")

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one record."""
        row = item.value
        named = _FILE.search(item.stem)
        mode = str(row.get("communication_mode") or (named and named["mode"]) or "memory").lower()
        records = _records(row)
        agents = list(records)
        question = reader.question(row["question"], row.get("answer"))
        confidences: Mapping[str, Sequence[Any]] = row.get("confidence_record_dict") or {}
        turns: list[Turn] = []
        for round in range(max(map(len, records.values()))):
            before = [turn for turn in turns if turn.round == round - 1]
            turns += [
                reader.turn(
                    question,
                    step,
                    agent,
                    records[agent][round],
                    round=round,
                    seen=[
                        _edge(turn, agent) for turn in before if agents.index(turn.agent) in _sources(mode, k, agents)
                    ],
                    confidence=_confidence(confidences.get(agent) or (), round),
                    model=named["model"] if named else "",
                )
                for step, (k, agent) in enumerate(
                    [(k, agent) for k, agent in enumerate(agents) if round < len(records[agent])], start=len(turns)
                )
            ]
        return reader.mag(item, question, "eot", turns, format="eot", communication_mode=mode)


def _records(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns what each participant said; the first replies are in ``response_list`` with their lines as they were."""
    alone = row.get("response_list") or []
    alone = [alone] if isinstance(alone, str) else list(alone)
    said = row.get("message_record_dict") or {f"agent-{k + 1}": text for k, text in enumerate(alone)}
    records = {str(agent): _texts(texts) for agent, texts in said.items()}
    if not any(records.values()):
        raise ValueError("nobody has said anything")
    for messages, whole in zip(records.values(), alone, strict=False):
        if messages and whole.split() == messages[0].split():
            messages[0] = whole
    return records


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return ["" if each is None else str(each) for each in values]


def _edge(turn: Turn, agent: str) -> Seen:
    return Seen(step=turn.step, kind="self" if turn.agent == agent else "content")


def _sources(mode: str, k: int, agents: Sequence[str]) -> Sequence[int]:
    if mode not in READS:
        raise ValueError(f"communication_mode {mode!r} is none of {', '.join(READS)}")
    if mode != "memory" and k not in READS[mode]:
        raise ValueError(f"communication_mode {mode!r} says who reads whom of three, and here are {len(agents)}")
    return range(len(agents)) if mode == "memory" else READS[mode][k]


def _confidence(record: Sequence[Any], round: int) -> float | None:
    """Returns the confidence with which a message was handed on; it is computed from round 1 on."""
    return read_confidence(record[round - 1]) if 0 < round <= len(record) else None
