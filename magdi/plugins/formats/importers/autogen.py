"""AutoGen's TaskResult as JSON: ``{messages: [{source, content, type, ...}], stop_reason}``.

In a group chat every message is sent to all: E = {(m_s, m_t) : s < t}. That is the default of agentchat's teams; a
TaskResult does not tell whether a context was windowed or filtered. The task is the first message of source "user";
a gold answer may stand beside the result as ``gold_answer`` or ``answer`` (then the result is under ``result``).
"""

from __future__ import annotations

from typing import Any

from magdi.core.decision import vote
from magdi.core.mag import Mag, Seen, Turn, Usage
from magdi.plugins.formats.importer import Importer, content_of, has
from magdi.plugins.formats.importers.items import Item
from magdi.plugins.formats.importers.reader import Reader

SPOKEN = ("TextMessage", "StopMessage", "HandoffMessage", "StructuredMessage", "ToolCallSummaryMessage")


class AutogenResults(Importer):
    """AutoGen's TaskResult."""

    example = {
        "messages": [{"source": "user", "content": "What is 2 + 3?"}, {"source": "ann", "content": "The answer is 5."}]
    }

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a TaskResult, alone or under ``result``."""
        result = value.get("result", value) if isinstance(value, dict) else value
        listed = has(result, "messages") and isinstance(result["messages"], list)
        return listed and any(has(message, "source", "content") for message in result["messages"])

    def read(self, item: Item, reader: Reader) -> Mag:
        """Returns the MAG of one run of a team."""
        row = item.value
        result = row.get("result", row)
        messages = [message for message in result["messages"] if message.get("type", "TextMessage") in SPOKEN]
        task = next((message for message in messages if message["source"] == "user"), None)
        asked = row.get("question") or (task or {}).get("content")
        if not asked:
            raise ValueError('no message of source "user" says what the task was')
        gold = row.get("gold_answer")
        question = reader.question(content_of(asked), row.get("answer") if gold is None else gold)
        turns: list[Turn] = []
        for message in messages:
            if message is not task:
                turns.append(_turn(reader, question, turns, message))
        final = vote([turn for turn in turns if turn.answer is not None][-1:], rule="last")
        stop = str(result.get("stop_reason") or "")
        return reader.mag(item, question, "autogen", turns, decision=final, stop=stop, format="autogen")


def _turn(reader: Reader, question: Any, turns: list[Turn], message: Any) -> Turn:
    usage = message.get("models_usage") or {}
    return reader.turn(
        question,
        len(turns),
        str(message["source"]),
        content_of(message["content"]),
        round=len(turns),
        seen=[Seen(step=turn.step, kind="self" if turn.agent == message["source"] else "content") for turn in turns],
        usage=Usage(
            prompt_tokens=int(usage.get("prompt_tokens") or 0),
            completion_tokens=int(usage.get("completion_tokens") or 0),
        ),
    )
