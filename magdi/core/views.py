"""Edge views of a MAG, orthogonal to the encoder (MAGDi, section 3.1 and Table 11).

A view is a rule that turns a MAG into a set of edges (u, v), u the source and v the target. ``exact`` is what was
really shown; the others are for comparison. All are simple digraphs without self-loops; encoders add their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from magdi.core.mag import EdgeKind, Mag

if TYPE_CHECKING:
    import networkx

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


def to_networkx(mag: Mag, view: View = "exact") -> networkx.DiGraph[int]:
    """Returns a MAG as a networkx DiGraph; nodes are steps with the turn's fields, edges carry ``kind``."""
    import networkx

    graph: networkx.DiGraph[int] = networkx.DiGraph(id=mag.id, protocol=mag.protocol, question=mag.question.text)
    for turn in mag.turns:
        fields = turn.model_dump(include={"agent", "role", "round", "text", "answer", "confidence", "label", "status"})
        graph.add_node(turn.step, **{key: value for key, value in fields.items() if value is not None})
    graph.add_edges_from((u, v, {"kind": kind}) for u, v, kind in edges(mag, view))
    return graph


def to_pyg(mag: Mag, view: View = "exact") -> Any:
    """Returns a MAG as a ``torch_geometric.data.Data``.

    Fields: ``edge_index`` [2, E] int64, ``edge_kind`` [E] int64 (index into ``EDGE_KINDS``), ``y`` [N] int64 (1 right,
    0 wrong, -1 no label), ``round`` [N] int64, ``num_nodes`` N.
    """
    import torch
    from torch_geometric.data import Data

    listed = edges(mag, view)
    return Data(
        edge_index=torch.tensor([[u for u, _, _ in listed], [v for _, v, _ in listed]], dtype=torch.long),
        edge_kind=torch.tensor([EDGE_KINDS.index(kind) for _, _, kind in listed], dtype=torch.long),
        y=torch.tensor([-1 if turn.label is None else int(turn.label) for turn in mag.turns]),
        round=torch.tensor([turn.round for turn in mag.turns]),
        num_nodes=len(mag.turns),
    )
