"""Small batches of graphs for trying encoders on."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from magdi.core.encoder import GraphBatch, TokenStates
from magdi.core.views import EDGE_KINDS

Edges = tuple[tuple[int, int], ...]

ROUND_TABLE: Edges = tuple((u, v) for v in (3, 4, 5) for u in (0, 1, 2))
"""Three agents, one further round: G1."""

CHAIN: Edges = ((0, 1), (0, 2), (1, 2), (2, 3))
"""Four turns, one after the other, that end in a judge."""


def make_graph(nodes: int, edges: Edges, dim: int, seed: int = 0) -> GraphBatch:
    """Returns one graph with random states; node v has 3 to 5 tokens, edge i the kind i modulo their number."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.tensor([3 + v % 3 for v in range(nodes)])
    return GraphBatch(
        x=torch.randn(nodes, dim, generator=random),
        edge_index=torch.tensor(edges, dtype=torch.long).reshape(-1, 2).T.contiguous(),
        edge_kind=torch.arange(len(edges)) % len(EDGE_KINDS),
        graph=torch.zeros(nodes, dtype=torch.long),
        num_graphs=1,
        tokens=TokenStates(
            states=torch.randn(int(lengths.sum()), dim, generator=random),
            node=torch.arange(nodes).repeat_interleave(lengths),
        ),
    )


def sample_graphs(dim: int) -> list[GraphBatch]:
    """Returns three graphs of different sizes: a round table, a chain, and one without edges."""
    shapes = [(6, ROUND_TABLE), (4, CHAIN), (2, ())]
    return [make_graph(nodes, edges, dim, seed) for seed, (nodes, edges) in enumerate(shapes)]


def join(graphs: list[GraphBatch]) -> GraphBatch:
    """Returns a batch of graphs as one, with no edge between two of them."""
    sizes = [graph.x.shape[0] for graph in graphs]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    placed = list(zip(graphs, starts, strict=True))
    tokens = [graph.tokens for graph in graphs if graph.tokens is not None]
    return GraphBatch(
        x=torch.cat([graph.x for graph in graphs]),
        edge_index=torch.cat([graph.edge_index + start for graph, start in placed], dim=1),
        edge_kind=torch.cat([graph.edge_kind for graph in graphs]),
        graph=torch.arange(len(graphs)).repeat_interleave(torch.tensor(sizes)),
        num_graphs=len(graphs),
        tokens=TokenStates(
            states=torch.cat([each.states for each in tokens]),
            node=torch.cat([each.node + start for each, start in zip(tokens, starts, strict=True)]),
        ),
    )


def for_gradients(batch: GraphBatch) -> tuple[GraphBatch, list[Tensor]]:
    """Returns the batch with states that take gradients, and these states: x, and the tokens' where there are any."""
    x = batch.x.clone().requires_grad_()
    if batch.tokens is None:
        return replace(batch, x=x), [x]
    states = batch.tokens.states.clone().requires_grad_()
    return replace(batch, x=x, tokens=replace(batch.tokens, states=states)), [x, states]


def reorder_nodes(batch: GraphBatch, order: Tensor) -> GraphBatch:
    """Returns the batch of one graph with its nodes in another order: new node i is old node order[i]."""
    assert batch.tokens is not None
    place = order.argsort()
    by_node = place[batch.tokens.node].argsort(stable=True)
    return replace(
        batch,
        x=batch.x[order],
        edge_index=place[batch.edge_index],
        tokens=TokenStates(batch.tokens.states[by_node], place[batch.tokens.node][by_node]),
    )


def reorder_edges(batch: GraphBatch, order: Tensor) -> GraphBatch:
    """Returns the batch with its edges listed in another order."""
    return replace(batch, edge_index=batch.edge_index[:, order], edge_kind=batch.edge_kind[order])


def without_edges(batch: GraphBatch) -> GraphBatch:
    """Returns the batch with no edges."""
    return replace(batch, edge_index=batch.edge_index[:, :0], edge_kind=batch.edge_kind[:0])


def to_dtype(batch: GraphBatch, dtype: torch.dtype) -> GraphBatch:
    """Returns the batch with its states in another floating type."""
    tokens = batch.tokens and replace(batch.tokens, states=batch.tokens.states.to(dtype))
    return replace(batch, x=batch.x.to(dtype), tokens=tokens)


def to_device(batch: GraphBatch, device: torch.device) -> GraphBatch:
    """Returns the batch on a device."""
    names = ("x", "edge_index", "edge_kind", "graph")
    tokens = batch.tokens and TokenStates(batch.tokens.states.to(device), batch.tokens.node.to(device))
    return replace(batch, **{name: getattr(batch, name).to(device) for name in names}, tokens=tokens)
