"""Who reads whom in a debate: adjacency A in [n] x [n], as one tuple of sources for each reader.

Sizes |A| with own earlier answers: full n^2; ring 3n (n >= 3); star and report 3n - 2; relay 2n; debate
n + (n - 1)(n - 2) + (n - 1); regular n (degree + 1); random n (n + 1) / 2 on average. Report, relay and debate are
those of EoT (Yin et al., 2023).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Literal

Topology = Literal["full", "ring", "star", "report", "relay", "debate", "regular", "random", "custom"]

Adjacency = tuple[tuple[int, ...], ...]
"""For each agent, by position, the positions of those whom it reads."""


def adjacency(
    topology: Topology, n: int, *, degree: int = 2, own: bool = True, lot: random.Random | None = None
) -> Adjacency:
    """Returns who reads whom.

    Args:
        topology: ``full`` all; ``ring`` both neighbours; ``star`` and ``report`` the first reads all and all read the
            first; ``relay`` the next one; ``debate`` the first reads all, the others read each other; ``regular`` the
            ``degree`` nearest on the ring, by turns right and left; ``random`` each other one or not, by lot.
        n: Number of agents.
        degree: Whom ``regular`` reads, itself not counted.
        own: Whether agents read what they said themselves.
        lot: Decides on ``random``.

    Raises:
        ValueError: ``custom``, whose adjacency is given, not made.
    """
    lot = lot or random.Random(0)
    return tuple(_sorted(_read_by(topology, k, n, degree, lot), k, own) for k in range(n))


def given(reads: Adjacency, *, own: bool = True) -> Adjacency:
    """Returns a custom adjacency with every agent's own position in it, named or not, or without it.

    Args:
        reads: For each agent, whom it reads.
        own: Whether agents read what they said themselves.
    """
    return tuple(_sorted(sources, k, own) for k, sources in enumerate(reads))


def _sorted(others: Iterable[int], k: int, own: bool) -> tuple[int, ...]:
    return tuple(sorted({*others} - {k} | ({k} if own else set())))


def _read_by(topology: Topology, k: int, n: int, degree: int, lot: random.Random) -> Iterable[int]:
    match topology:
        case "full":
            return range(n)
        case "ring":
            return _nearest(k, n, 2)
        case "star" | "report":
            return range(n) if k == 0 else (0,)
        case "relay":
            return ((k + 1) % n,)
        case "debate":
            return range(n) if k == 0 else range(1, n)
        case "regular":
            return _nearest(k, n, degree)
        case "random":
            return [i for i in range(n) if lot.random() < 0.5]
        case "custom":
            raise ValueError("a custom topology needs its adjacency")


def _nearest(k: int, n: int, degree: int) -> list[int]:
    by_distance = [(k + sign * distance) % n for distance in range(1, n) for sign in (1, -1)]
    return list(dict.fromkeys(by_distance))[: min(degree, n - 1)]
