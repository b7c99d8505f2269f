"""AutoGen's TaskResult as JSON: ``{messages: [{source, content, type, ...}], stop_reason}``.

In a group chat every message is sent to all: E = {(m_s, m_t) : s < t}. That is the default of agentchat's teams; a
TaskResult does not tell whether a context was windowed or filtered. The task is the first message of source "user";
a gold answer may stand beside the result as ``gold_answer`` or ``answer`` (then the result is under ``result``).
"""

from __future__ import annotations

from typing import Any, ClassVar

from magdi.plugins.formats.importer import has
from magdi.plugins.formats.importers.chats import Chats


class AutogenResults(Chats):
    """AutoGen's TaskResult."""

    example: ClassVar[Any] = {
        "messages": [{"source": "user", "content": "What is 2 + 3?"}, {"source": "ann", "content": "The answer is 5."}]
    }
    general = False
    protocol = "autogen"

    def recognises(self, value: Any) -> bool:
        """Returns whether a value is a TaskResult, alone or under ``result``."""
        result = value.get("result", value) if isinstance(value, dict) else value
        listed = has(result, "messages") and isinstance(result["messages"], list)
        return listed and any(has(each, "source", "content") and "role" not in each for each in result["messages"])
