"""The request and the reply of a call, however a log has wrapped them: known by their shapes, not by their names.

A gateway keeps bodies of HTTP, a callback what it was called with, a batch's files one half of each call in a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from magdi.plugins.formats.importers.otel.messages import CHOICES, INSTRUCTIONS, parsed

_HOLDS_CHAT = ("messages", "contents", "input", "prompt")
_MARKS = {"role", "kwargs", "parts"}
_TOLD = {"message", "text", "delta", "content"}
_TELLS = re.compile(r'"(?:messages|contents|choices|candidates|role)"')
_DEEPEST = 4
_BESIDE = ("metadata", "attributes", "tags", "headers")
HALVED = "custom_id"
"""The name by which the two halves of a batch's call are known for one."""


def is_chat(value: Any) -> bool:
    """Returns whether a request holds messages."""
    if isinstance(value, dict):
        return any(is_chat(value.get(name)) for name in _HOLDS_CHAT)
    held = value[0] if isinstance(value, list) and value else None
    return is_chat(held) if isinstance(held, list) else isinstance(held, dict) and not held.keys().isdisjoint(_MARKS)


def is_reply(value: Any) -> bool:
    """Returns whether something is what an interface of models gives back."""
    if not isinstance(value, dict):
        return False
    listed = (value.get(name) for name in CHOICES)
    if any(isinstance(e, list) and e and isinstance(e[0], dict) and not _TOLD.isdisjoint(e[0]) for e in listed):
        return True
    if value.get("role") in ("assistant", "model") or value.get("object") == "response":
        return bool(value.get("content") or value.get("output"))
    held = value.get("output")
    inner = value.get("message") or (held.get("message") if isinstance(held, dict) else None)
    return isinstance(inner, dict) and inner.get("role") == "assistant" and "usage" not in inner  # which is whole


def exchange_in(raw: Mapping[str, object], given: Any, replied: Any) -> tuple[Any, Any]:
    """Returns the request and the reply of a call; None for what a record does not hold.

    Args:
        raw: The record.
        given: What it has under a name for requests.
        replied: What it has under a name for replies.
    """
    request, reply = parsed(given), parsed(replied)
    if not is_chat(request):
        given = _found(raw if given is None else request, is_chat, given)
    elif not isinstance(request, dict):
        beside = {name: raw[name] for name in INSTRUCTIONS if raw.get(name)}
        given = {**beside, "messages": request} if beside else given
    if isinstance(reply, dict) and not is_reply(reply) or reply is None:
        replied = _found(raw if replied is None else reply, is_reply, replied)
    return given, replied


def _found(value: Any, fits: Callable[[Any], bool], otherwise: Any) -> Any:
    """Returns the outermost object inside of a value that has a shape."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [each for outer in level for each in _inner(outer)]
        if (found := next(filter(fits, level), None)) is not None:
            return found
    return otherwise


def _inner(value: Any) -> Iterator[Mapping[str, object]]:
    for name, each in value.items() if isinstance(value, dict) else ():
        inner = parsed(each) if isinstance(each, str) and _TELLS.search(each) else each
        if isinstance(inner, dict) and name not in _BESIDE:
            yield inner
