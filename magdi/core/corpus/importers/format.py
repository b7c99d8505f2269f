"""A format: how it is recognised, and how one item of it becomes a MAG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from magdi.core.corpus.importers.reader import Reader
from magdi.core.corpus.importers.source import Item
from magdi.core.mag import Mag


@dataclass(frozen=True, slots=True)
class Format:
    """Another system's format.

    Attributes:
        name: As in ``--format``.
        summary: What it is, in a line.
        recognises: Whether an item looks like one of its items.
        read: Makes a MAG of an item; may raise KeyError, TypeError, ValueError, IndexError, which are told with line.
        keyed: Whether a file is one object whose values are the items.
    """

    name: str
    summary: str
    recognises: Callable[[Any], bool]
    read: Callable[[Item, Reader], Mag]
    keyed: bool = False


def has(value: Any, *keys: str) -> bool:
    """Returns whether a value is an object with all these keys."""
    return isinstance(value, dict) and all(key in value for key in keys)
