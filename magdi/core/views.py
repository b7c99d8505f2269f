"""Edge views of a MAG, orthogonal to the encoder (MAGDi, section 3.1 and Table 11).

A view is a rule that turns a MAG into a set of edges (u, v), u the source and v the target. ``exact`` is what was
really shown; the others are for comparison. All are simple digraphs without self-loops; encoders add their own.
"""

from __future__ import annotations

from typing import Literal, get_args

from magdi.core.mag import EdgeKind, Mag

View = Literal["exact", "adjacent", "undirected", "full", "none"]
VIEWS: tuple[View, ...] = get_args(View)
EDGE_KINDS: tuple[EdgeKind, ...] = get_args(EdgeKind)

Edge = tuple[int, int, EdgeKind]


def edges(mag: Mag, view: View = "exact") -> tuple[Edge, ...]:
    """Returns a MAG's edges under a view, as (source step, target step, kind).

    ``exact``: E = {(u, v) : u in seen(v)}. ``adjacent``: of each source agent, only the newest turn that v was shown
    (MAGDi's drawing). ``undirected``: exact with every edge in both directions. ``full``: all ordered pairs
    (Table 11's FC-MAG). ``none``: no edges.
    """
    if view == "none":
        return ()
    if view == "full":
        steps = range(len(mag.turns))
        return tuple((u, v, "content") for v in steps for u in steps if u != v)
    exact = tuple((seen.step, turn.step, seen.kind) for turn in mag.turns for seen in turn.seen)
    if view == "undirected":
        forward = {(u, v) for u, v, _ in exact}
        return exact + tuple((v, u, kind) for u, v, kind in exact if (v, u) not in forward)
    return exact if view == "exact" else _newest_of_each_source(mag, exact)


def _newest_of_each_source(mag: Mag, exact: tuple[Edge, ...]) -> tuple[Edge, ...]:
    newest: dict[tuple[int, str], int] = {}
    for u, v, _ in exact:
        key = (v, mag.turns[u].agent)
        newest[key] = max(newest.get(key, -1), u)
    return tuple((u, v, kind) for u, v, kind in exact if newest[v, mag.turns[u].agent] == u)
