"""What is asked of an encoder: that it treats a MAG as a graph, keeps MAGs apart, and lets the student learn."""

from __future__ import annotations

import safetensors.torch
import torch
from torch import Tensor

from magdi.core.encoder import Encoder, GraphBatch
from magdi.plugins.testing.graphs import (
    ROUND_TABLE,
    for_gradients,
    join,
    make_graph,
    reorder_edges,
    reorder_nodes,
    sample_graphs,
    to_dtype,
    without_edges,
)
from magdi.plugins.testing.specimen import Check, Specimen, require

DIM = 32
"""Width of the states that encoders are tried on."""

TOLERANCE = 1e-4
"""Largest difference, absolute and relative, that is put down to float32 rounding."""


def _run(encoder: Encoder, batch: GraphBatch) -> Tensor:
    with torch.no_grad():
        out: Tensor = encoder.eval()(batch)
    return out


def _close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def check_shapes(specimen: Specimen) -> None:
    """The output is [N, out_dim], in the type of the states, and finite."""
    encoder, batch = specimen.encoder(DIM), join(sample_graphs(DIM))
    out = _run(encoder, batch)
    wanted = (batch.x.shape[0], encoder.out_dim)
    require(tuple(out.shape) == wanted, f"the output is {tuple(out.shape)}, not [N, out_dim] = {wanted}")
    require(out.dtype == batch.x.dtype, f"the output is {out.dtype} for states of {batch.x.dtype}")
    require(out.isfinite().all(), "the output is not finite")


def check_node_permutation(specimen: Specimen) -> None:
    """Nodes in another order give the same states in that order: equivariance."""
    encoder, graph = specimen.encoder(DIM), make_graph(6, ROUND_TABLE, DIM)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    out, reordered = _run(encoder, graph), _run(encoder, reorder_nodes(graph, order))
    require(_close(out[order], reordered), "the states of the nodes change with the order of the nodes")


def check_edge_order(specimen: Specimen) -> None:
    """The order in which edges are listed does not matter."""
    encoder, graph = specimen.encoder(DIM), make_graph(6, ROUND_TABLE, DIM)
    shuffled = reorder_edges(graph, torch.tensor([8, 3, 1, 0, 7, 2, 6, 5, 4]))
    require(_close(_run(encoder, graph), _run(encoder, shuffled)), "the output changes with the order of the edges")


def check_graphs_apart(specimen: Specimen) -> None:
    """A graph alone gives what it gives in a batch, and no gradient crosses from one MAG to another in training."""
    encoder, graphs = specimen.encoder(DIM), sample_graphs(DIM)
    together = torch.split(_run(encoder, join(graphs)), [graph.x.shape[0] for graph in graphs])
    for place, (graph, states) in enumerate(zip(graphs, together, strict=True)):
        require(_close(_run(encoder, graph), states), f"graph {place} of a batch is not encoded as it is alone")
    batch, inputs = for_gradients(join(graphs))
    first = encoder.train()(batch)[batch.graph == 0]
    if not first.requires_grad:
        return
    weighted = (first * torch.randn(first.shape, generator=torch.Generator().manual_seed(0))).sum()
    for gradient, owner in zip(torch.autograd.grad(weighted, inputs, allow_unused=True), _owners(batch), strict=True):
        crossed = gradient is not None and bool(gradient[owner != 0].any())
        require(not crossed, "in training, the states of one MAG depend on another MAG of the batch")


def _owners(batch: GraphBatch) -> list[Tensor]:
    assert batch.tokens is not None
    return [batch.graph, batch.graph[batch.tokens.node]]


def check_no_edges(specimen: Specimen) -> None:
    """A batch without any edge is encoded."""
    out = _run(specimen.encoder(DIM), without_edges(join(sample_graphs(DIM))))
    require(out.isfinite().all(), "the output is not finite where there are no edges")


def check_one_node(specimen: Specimen) -> None:
    """A MAG of one turn is encoded, in training too."""
    encoder, graph = specimen.encoder(DIM), make_graph(1, (), DIM)
    out = _run(encoder, graph)
    require(out.shape == (1, encoder.out_dim), f"the output is {tuple(out.shape)} for one node")
    require(out.isfinite().all(), "the output is not finite for one node")
    require(encoder.train()(graph).isfinite().all(), "the output is not finite for one node in training")


def check_deterministic(specimen: Specimen) -> None:
    """The same seed gives the same weights, and in evaluation the same states give the same output."""
    encoder, batch = specimen.encoder(DIM), join(sample_graphs(DIM))
    out = _run(encoder, batch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        require(torch.equal(out, _run(encoder, batch)), "in evaluation, two calls give two outputs")
    require(torch.equal(out, _run(specimen.encoder(DIM), batch)), "two encoders made with one seed differ")


def check_gradients(specimen: Specimen) -> None:
    """Finite gradients reach every parameter and the student's states: they are what the student learns from."""
    encoder = specimen.encoder(DIM).train()
    batch, inputs = for_gradients(join(sample_graphs(DIM)))
    out = encoder(batch)
    require(out.requires_grad, "the output takes no gradient at all")
    (out * torch.randn(out.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    for name, parameter in encoder.named_parameters():
        gradient = parameter.grad
        require(gradient is not None or not parameter.requires_grad, f"no gradient reaches the parameter {name}")
        require(gradient is None or gradient.isfinite().all(), f"the gradient of the parameter {name} is not finite")
    reached = [
        {int(graph) for graph in owner[states.grad.abs().sum(1) > 0]}
        for states, owner in zip(inputs, _owners(batch), strict=True)
        if states.grad is not None and bool(states.grad.isfinite().all())
    ]
    missed = sorted(set(range(batch.num_graphs)).difference(*reached))
    require(not missed, "no finite gradient reaches the student's states: the student would learn nothing from it")


def check_bfloat16(specimen: Specimen) -> None:
    """In bfloat16 it gives finite bfloat16 states, and takes gradients."""
    encoder = specimen.encoder(DIM).to(torch.bfloat16)
    batch, _ = for_gradients(to_dtype(join(sample_graphs(DIM)), torch.bfloat16))
    out = encoder.train()(batch)
    require(out.dtype == torch.bfloat16, f"states in bfloat16 come out as {out.dtype}")
    require(out.isfinite().all(), "the output is not finite in bfloat16")
    out.sum().backward()


def check_safetensors(specimen: Specimen) -> None:
    """The weights survive safetensors: another encoder that loads them gives the same output."""
    encoder, batch = specimen.encoder(DIM), join(sample_graphs(DIM))
    out = _run(encoder, batch)
    saved = safetensors.torch.save({name: value.contiguous() for name, value in encoder.state_dict().items()})
    other = specimen.encoder(DIM, seed=1)
    other.load_state_dict(safetensors.torch.load(saved))
    require(torch.equal(out, _run(other, batch)), "an encoder that loads the saved weights gives another output")


def check_uses_edges(specimen: Specimen) -> None:
    """It looks at edges if and only if ``uses_edges`` says so, and messages flow to the target."""
    encoder, graph = specimen.encoder(DIM), make_graph(6, ROUND_TABLE, DIM)
    out, alone = _run(encoder, graph), _run(encoder, without_edges(graph))
    if not encoder.uses_edges:
        require(torch.equal(out, alone), "the output depends on the edges, but uses_edges is False")
        return
    targets = [3, 4, 5]
    require(not _close(out[targets], alone[targets]), "the output does not depend on the edges; say uses_edges = False")


CHECKS: tuple[Check, ...] = (
    check_shapes,
    check_node_permutation,
    check_edge_order,
    check_graphs_apart,
    check_no_edges,
    check_one_node,
    check_deterministic,
    check_gradients,
    check_bfloat16,
    check_safetensors,
    check_uses_edges,
)
