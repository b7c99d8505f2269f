"""A part of the questions, for one of several jobs that share them: ``2/8``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Self, TypeVar

from magdi.core.errors import ConfigError

T = TypeVar("T")


class Shard(NamedTuple):
    """Every ``of``-th question, from the ``number``-th on; all shards together have each question once."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads ``2/8``.

        Raises:
            ConfigError: It is no shard.
        """
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        shard = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise ConfigError(f"{text!r} is no shard", hint="e.g. 2/8, the second of eight; they count from 1")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def take(self, items: Sequence[T]) -> Sequence[T]:
        """Returns the shard's items, in order."""
        return items[self.number - 1 :: self.of]


def sharded(items: Sequence[T], shard: str | None) -> Sequence[T]:
    """Returns the items of a shard; all of them where there is none."""
    return items if shard is None else Shard.read(shard).take(items)
