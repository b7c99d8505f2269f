"""A format: how it is recognised, and how one item of it becomes a MAG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from magdi.core.mag import Mag, Message
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importers.source import Item, OnBad


@dataclass(frozen=True, slots=True)
class Format:
    """Another system's format.

    Attributes:
        name: As in ``--format``.
        summary: What it is, in a line.
        recognises: Whether an item looks like one of its items.
        read: Makes a MAG of an item; may raise KeyError, TypeError, ValueError, IndexError, which are told with line.
        keyed: Whether a file is one object whose values are the items.
        gather: Puts the items of all files together into others, each of which is one discussion.
    """

    name: str
    summary: str
    recognises: Callable[[Any], bool]
    read: Callable[[Item, Reader], Mag]
    keyed: bool = False
    gather: Callable[[Reader], Gatherer] | None = None


class Gatherer(Protocol):
    """Takes the items of files, which may be parts of discussions, and gives whole ones."""

    def add(self, item: Item, on_bad: OnBad | None = None) -> None:
        """Takes an item.

        Raises:
            MagFileError: A part of it cannot be read, and there is no ``on_bad`` to tell.
        """

    def items(self) -> Iterator[Item]:
        """Yields the discussions; nothing can be added any more."""


def has(value: Any, *keys: str) -> bool:
    """Returns whether a value is an object with all these keys."""
    return isinstance(value, dict) and all(key in value for key in keys)


def messages_of(chat: Iterable[Mapping[str, Any]]) -> list[Message]:
    """Returns a chat's messages, whatever else stands beside role and content; no content is an empty text.

    Raises:
        KeyError: A message has no role.
        ValueError: The role is no chat's.
    """
    return [Message(role=each["role"], content=content_of(each.get("content"))) for each in chat]


def content_of(value: Any) -> str:
    """Returns a message's text; one of several parts is those of text, one after another."""
    if isinstance(value, list):
        return "".join(content_of(part.get("text") if isinstance(part, dict) else part) for part in value)
    return "" if value is None else str(value)
