"""Batches of like length under a budget of tokens, and groups that are worth handing on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yields the places of items, shortest first, so many at once that rows x longest row stays within a budget.

    Args:
        lengths: Tokens of each item.
        budget: Most tokens of a batch, padding included; an item that is longer is a batch by itself.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if batch and lengths[place] * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def gathered(groups: Iterable[list[Item]], least: int) -> Iterator[list[Item]]:
    """Yields groups put together until they have ``least`` items; the last one may have fewer."""
    found: list[Item] = []
    for group in groups:
        found += group
        if len(found) >= least:
            yield found
            found = []
    if found:
        yield found
