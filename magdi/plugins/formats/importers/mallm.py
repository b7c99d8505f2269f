"""MALLM's outputs: a list of discussions, each with its messages in ``globalMemory`` and their ``memory_ids``.

MALLM is the one system that records what each message had been shown. First drafts list a history that was withheld
from them when all agents draft alone; those edges are dropped, as are all where the recorded prompt had no memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from magdi.core.decision import vote
from magdi.core.mag import Decision, Mag, Question, Seen, Turn
from magdi.plugins.formats.importer import Importer, has
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader, scalar

_OLD_NAMES = {
    "message_id": "messageId",
    "agent_id": "agentId",
    "memory_ids": "memoryIds",
    "message": "text",
    "solution": "extractedDraft",
}


class Mallm(Importer):
    """MALLM's discussions, memory_ids as edges."""

    example = {
        "input": "What is 2 + 3?",
        "references": ["5"],
        "globalMemory": [{"message_id": 0, "agent_id": "a", "message": "The answer is 5."}],
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a discussion."""
        return has(value, "globalMemory", "references")

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one discussion."""
        row = item.value
        inputs = row["input"] if isinstance(row["input"], list) else [row["input"]]
        context = row.get("context") or []
        context = context if isinstance(context, list) else [context]
        question = reader.question("\n".join(map(str, [*context, *inputs])), row["references"])
        names = _names(row)
        turns: list[Turn] = []
        steps: dict[Any, int] = {}
        for message in row["globalMemory"]:
            turns.append(_turn(reader, question, turns, steps, message, names))
            steps[_get(message, "message_id")] = turns[-1].step
        final = row.get("finalAnswer") or row.get("answer")
        answer = reader.task.extract(scalar(final), question) if final else None
        decision = (
            Decision(answer=answer, rule=str(row.get("decisionProtocol") or "mallm")) if answer else vote(turns[-1:])
        )
        return reader.mag(
            item,
            question,
            f"mallm-{row.get('paradigm', 'memory')}",
            turns,
            decision=decision,
            format="mallm",
            example=row.get("exampleId"),
        )


def _turn(
    reader: Reader,
    question: Question,
    turns: list[Turn],
    steps: Mapping[Any, int],
    message: Any,
    names: Mapping[str, str],
) -> Turn:
    named = str(message.get("persona") or _get(message, "agent_id") or "agent")
    agent = names.get(str(_get(message, "agent_id")), named)
    listed = [steps[each] for each in _listed(message, steps) if each in steps]
    solution = _get(message, "solution")
    talks = message.get("contribution") in ("feedback", "judge") or message.get("persona") == "Moderator"
    return reader.turn(
        question,
        len(turns),
        agent,
        scalar(_get(message, "message")),
        round=max(int(message.get("turn") or 1) - 1, 0) if listed else 0,
        seen=[
            Seen(step=step, kind="self" if turns[step].agent == agent else "content") for step in dict.fromkeys(listed)
        ],
        role="critic" if talks and not solution else "solver",
        answer=scalar(solution) or None,
    )


def _listed(message: Mapping[str, Any], steps: Mapping[Any, int]) -> Sequence[Any]:
    """Returns the ids of the messages that one was shown; a single model that improves its answer sees its last one."""
    listed = _get(message, "memory_ids")
    if listed is None and "contribution" not in message:
        return list(steps)[-1:]
    filled = message.get("additional_args") or {}
    if "agent_memory" in filled:
        return (listed or ()) if filled["agent_memory"] or filled.get("current_draft") else ()
    return () if message.get("contribution") == "draft" else listed or ()


def _names(row: Mapping[str, Any]) -> dict[str, str]:
    personas = [each for each in row.get("personas") or () if isinstance(each, dict)]
    named = {str(_get(each, "agent_id")): str(each.get("persona") or "") for each in personas}
    twice = len(set(named.values())) < len(named)
    return {key: f"{name or 'agent'} {k}" if twice else name for k, (key, name) in enumerate(named.items(), start=1)}


def _get(message: Mapping[str, Any], name: str) -> Any:
    return message[name] if name in message else message.get(_OLD_NAMES[name])
