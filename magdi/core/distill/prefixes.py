"""Prompts that begin alike as a tree: what they have in common stands in it once."""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST = 16
"""Fewest tokens for which a node of its own pays."""


def shared_prefixes(prompts: Sequence[list[int]]) -> tuple[list[list[int]], list[int], list[int]]:
    """Returns the nodes of a tree of prompts, each after its parent.

    Args:
        prompts: Token ids, none of them empty.

    Returns:
        The nodes' token ids, their parents (-1: none), and by prompt the node at which it ends: those from the root to
        it make the prompt.
    """
    nodes: list[list[int]] = []
    parents: list[int] = []
    ends = [0] * len(prompts)

    def add(tokens: list[int], parent: int) -> int:
        nodes.append(tokens)
        parents.append(parent)
        return len(nodes) - 1

    def grow(group: Sequence[int], start: int, parent: int) -> None:
        first = prompts[group[0]]
        stop = _common([prompts[each] for each in group], start)
        if stop - start >= SHORTEST or len(group) == 1 or (stop > start and stop == len(first)):
            parent, start = add(first[start:stop], parent), stop
        parts: dict[int | None, list[int]] = {}
        for each in group:
            parts.setdefault(prompts[each][stop] if stop < len(prompts[each]) else None, []).append(each)
        for token, part in parts.items():
            if token is None and start == stop:
                for each in part:
                    ends[each] = parent
            else:
                grow(part, start, parent)

    grow(range(len(prompts)), 0, -1)
    return nodes, parents, ends


def _common(prompts: Sequence[list[int]], start: int) -> int:
    """Returns how far prompts that agree up to a place agree at all."""
    low, high = min(prompts), max(prompts)  # whatever lies between two lists in their order begins as both do
    stop, most = start, min(len(low), len(high))
    while stop < most and low[stop] == high[stop]:
        stop += 1
    return stop
