"""What is asked of an encoder: that it treats a MAG as a graph, keeps MAGs apart, and lets the student learn."""

from __future__ import annotations

from dataclasses import replace

import safetensors.torch
import torch
from torch import Tensor

from magdi.core.encoder import Encoder, GraphBatch
from magdi.plugins.testing.check_process import NotMade
from magdi.plugins.testing.graphs import (
    CHAIN,
    ROUND_TABLE,
    for_gradients,
    join,
    make_graph,
    reorder_edges,
    reorder_nodes,
    sample_graphs,
    to_device,
    to_dtype,
    without_edges,
)
from magdi.plugins.testing.pretend_device import DEVICE, pretending
from magdi.plugins.testing.specimen import Check, Specimen, growth, require

DIM = 32
"""Width of the states that encoders are tried on."""

IN_PLACE = "forward() changes batch.{} in place"

TOLERANCE = 1e-4
"""Largest difference, absolute and relative, that is put down to float32 rounding."""


def _given(encoder: Encoder, batch: GraphBatch) -> GraphBatch:
    """Returns a copy of a batch as the distiller hands it over: without tokens, unless the encoder asks for them."""
    tokens = batch.tokens if encoder.needs_tokens else None
    parts = {"x": batch.x, "edge_index": batch.edge_index, "edge_kind": batch.edge_kind, "graph": batch.graph}
    copied = replace(batch, **{name: part.clone() for name, part in parts.items()}, tokens=None)  # type: ignore[arg-type]
    if tokens is not None:
        copied = replace(copied, tokens=replace(tokens, states=tokens.states.clone(), node=tokens.node.clone()))
    return copied


def _run(encoder: Encoder, batch: GraphBatch) -> Tensor:
    with torch.no_grad():
        return _call(encoder.eval(), _given(encoder, batch))


def _train(encoder: Encoder, batch: GraphBatch) -> Tensor:
    """Returns the output in training, always with the same random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _call(encoder.train(), batch)


def _call(encoder: Encoder, batch: GraphBatch) -> Tensor:
    """Returns the output; says what is behind the usual errors, once for all checks that they stop."""
    try:
        out: Tensor = encoder(batch)
    except Exception as error:
        if "in-place" in str(error):
            raise NotMade(IN_PLACE.format("x")) from error
        if isinstance(error, AttributeError | TypeError) and "None" in str(error) and batch.tokens is None:
            raise NotMade("it reads batch.tokens, which is None: say needs_tokens = True") from error
        raise
    rows, what = len(batch.x), f"{type(out).__name__}, not a tensor"
    if not isinstance(out, Tensor) or out.ndim != 2 or len(out) != rows:
        what = f"{list(out.shape)}, not a row for each of {rows} nodes" if isinstance(out, Tensor) else what
        raise NotMade(f"forward() gives {what}: [N, out_dim] is wanted")
    return out


def _close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def check_shapes(specimen: Specimen) -> None:
    """The output is [N, out_dim], in the type of the states, and finite."""
    for dim in (DIM, 2 * DIM):
        encoder, batch = specimen.encoder(dim), join(sample_graphs(dim))
        out = _run(encoder, batch)
        wanted = (batch.x.shape[0], encoder.out_dim)
        require(tuple(out.shape) == wanted, f"the output is {tuple(out.shape)}, not [N, out_dim] = {wanted}")
        require(out.dtype == batch.x.dtype, f"the output is {out.dtype} for states of {batch.x.dtype}")
        require(out.isfinite().all(), "the output is not finite")


def check_inputs_unchanged(specimen: Specimen) -> None:
    """Nothing of the batch is changed in place: it is the student's states, and other losses read them."""
    encoder, batch = specimen.encoder(DIM), join(sample_graphs(DIM))
    for run in (encoder.eval(), encoder.train()):
        given = _given(encoder, batch)
        with torch.no_grad():
            _call(run, given)
        for name in ("x", "edge_index", "edge_kind", "graph"):
            same = torch.equal(getattr(given, name), getattr(batch, name))
            require(same, IN_PLACE.format(name))
        if given.tokens is not None and batch.tokens is not None:
            require(torch.equal(given.tokens.states, batch.tokens.states), IN_PLACE.format("tokens.states"))


def check_node_permutation(specimen: Specimen) -> None:
    """Nodes in another order give the same states in that order, unless ``uses_order`` says that it looks at it."""
    encoder, graph = specimen.encoder(DIM), make_graph(6, ROUND_TABLE, DIM)
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    out, reordered = _run(encoder, graph), _run(encoder, reorder_nodes(graph, order))
    if encoder.uses_order:
        require(not _close(out[order], reordered), "uses_order is True, but the order of the nodes changes nothing")
        return
    changes = "the states of the nodes change with their order; where that is wanted (positions) say uses_order = True"
    require(_close(out[order], reordered), changes)


def check_edge_order(specimen: Specimen) -> None:
    """The order in which edges are listed does not matter."""
    encoder, graph = specimen.encoder(DIM), make_graph(6, ROUND_TABLE, DIM)
    shuffled = reorder_edges(graph, torch.tensor([8, 3, 1, 0, 7, 2, 6, 5, 4]))
    require(_close(_run(encoder, graph), _run(encoder, shuffled)), "the output changes with the order of the edges")


def check_graphs_apart(specimen: Specimen) -> None:
    """A graph alone gives what it gives in a batch, and in training nothing of one MAG reaches another."""
    encoder, graphs = specimen.encoder(DIM), sample_graphs(DIM)
    together = torch.split(_run(encoder, join(graphs)), [graph.x.shape[0] for graph in graphs])
    for place, (graph, states) in enumerate(zip(graphs, together, strict=True)):
        require(_close(_run(encoder, graph), states), f"graph {place} of a batch is not encoded as it is alone")
    batch = join(graphs)
    others = batch.graph != 0
    with torch.no_grad():
        before, after = (_train(encoder, _given(encoder, each)) for each in (batch, _moved(batch, others)))
    same = torch.equal(before[~others], after[~others])
    require(same, "in training, the states of one MAG depend on another MAG of the batch")


def _moved(batch: GraphBatch, nodes: Tensor) -> GraphBatch:
    """Returns the batch with other states, and other tokens' states, of some nodes (a mask)."""
    assert batch.tokens is not None
    random = torch.Generator().manual_seed(1)
    by_node = torch.randn(batch.x.shape, generator=random) * nodes[:, None]
    states = batch.tokens.states + by_node[batch.tokens.node].to(batch.x.dtype)
    return replace(batch, x=batch.x + by_node, tokens=replace(batch.tokens, states=states))


def _owners(batch: GraphBatch) -> list[Tensor]:
    return [batch.graph, *([batch.graph[batch.tokens.node]] if batch.tokens is not None else [])]


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
    require(
        _train(encoder, _given(encoder, graph)).isfinite().all(), "the output is not finite for one node in training"
    )


def check_deterministic(specimen: Specimen) -> None:
    """One seed gives the same weights, another one others; in evaluation the same states give the same output."""
    encoder, batch = specimen.encoder(DIM), join(sample_graphs(DIM))
    out = _run(encoder, batch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        require(torch.equal(out, _run(encoder, batch)), "in evaluation, two calls give two outputs")
    require(torch.equal(out, _run(specimen.encoder(DIM), batch)), "two encoders made with one seed differ")
    other = dict(specimen.encoder(DIM, seed=1).named_parameters())
    drawn = {name: weight for name, weight in encoder.named_parameters() if bool((weight != weight.flatten()[0]).any())}
    moved = any(not torch.equal(weight, other[name]) for name, weight in drawn.items())
    require(moved or not drawn, "every seed gives the same weights: something in it seeds the generator")
    seeded = "forward() seeds torch's generator: the student's dropout would be the same at every step"
    require(_next_draw(encoder, batch, 0) != _next_draw(encoder, batch, 1), seeded)


def _next_draw(encoder: Encoder, batch: GraphBatch, seed: int) -> float:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _call(encoder.train(), _given(encoder, batch))
        return float(torch.rand(1))


def check_keeps_nothing(specimen: Specimen) -> None:
    """Nothing of a batch is kept when the next one comes."""
    encoder, batch = specimen.encoder(DIM), join(sample_graphs(DIM))
    more = growth(lambda: _call(encoder.train(), for_gradients(_given(encoder, batch))[0]))
    require(more <= 0, f"it keeps {more} tensors of every batch: memory would grow with every step")


def check_gradients(specimen: Specimen) -> None:
    """Finite gradients reach every parameter and the student's states: they are what the student learns from."""
    encoder = specimen.encoder(DIM)
    batch, inputs = for_gradients(_given(encoder, join(sample_graphs(DIM))))
    known = {name for name, _ in encoder.named_parameters()}
    out = _train(encoder, batch)
    late = sorted(name for name, _ in encoder.named_parameters() if name not in known)
    require(not late, f"forward() makes the parameter {', '.join(late)}: it is never trained, make it in __init__")
    require(out.requires_grad, "the output takes no gradient at all")
    (out * torch.randn(out.shape, generator=torch.Generator().manual_seed(0))).sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in encoder.named_parameters():
        gradient = parameter.grad
        require(gradient is not None or not parameter.requires_grad, f"no gradient reaches the parameter {name}")
        require(gradient is None or gradient.isfinite().all(), f"the gradient of the parameter {name} is not finite")
    reached = [
        {int(graph) for graph in owner[states.grad.abs().sum(1) > 0]}
        for states, owner in zip(inputs, _owners(batch), strict=True)
        if states.grad is not None and bool(states.grad.isfinite().all())
    ]
    with_edges = {int(graph) for graph in batch.graph[batch.edge_index[1]]}  # a turn may be all that it was shown
    missed = sorted(with_edges.difference(*reached))
    require(not missed, "no finite gradient reaches the student's states: the student would learn nothing from it")


def check_neighbours_gradients(specimen: Specimen) -> None:
    """Wherever a turn's state shows in another's output, a gradient goes back to it: nothing is detached on the way."""
    encoder, graph = specimen.encoder(DIM), make_graph(6, ROUND_TABLE, DIM)
    out = _run(encoder, graph)
    batch, inputs = for_gradients(_given(encoder, graph))
    states = _call(encoder.eval(), batch)
    owners = [torch.arange(6), *([batch.tokens.node] if batch.tokens is not None else [])]
    for target in range(6):
        gradients = torch.autograd.grad(states[target].pow(2).sum(), inputs, retain_graph=True, allow_unused=True)
        found = [(owner, each) for owner, each in zip(owners, gradients, strict=True) if each is not None]
        reached = {int(node) for owner, each in found for node in owner[each.abs().sum(1) > 0]}
        for source in range(6):
            shows = not _close(_run(encoder, _moved(graph, torch.arange(6) == source))[target], out[target])
            whose = "its own state" if source == target else "the state of another, whom it was shown,"
            require(
                source in reached or not shows, f"a turn's output depends on {whose} and no gradient goes back to it"
            )


def check_bfloat16(specimen: Specimen) -> None:
    """In bfloat16 it gives finite bfloat16 states, and takes gradients."""
    encoder = specimen.encoder(DIM).to(torch.bfloat16)
    batch, _ = for_gradients(to_dtype(_given(encoder, join(sample_graphs(DIM))), torch.bfloat16))
    out = _train(encoder, batch)
    mend = "make what forward() makes in batch.x.dtype, or end it with .to(batch.x.dtype)"
    require(out.dtype == torch.bfloat16, f"states in bfloat16 come out as {out.dtype}: {mend}")
    require(out.isfinite().all(), "the output is not finite in bfloat16")
    out.sum().backward()  # type: ignore[no-untyped-call]


def check_device(specimen: Specimen) -> None:
    """It computes where its inputs are, so that it does on a GPU; none is needed to see it."""
    encoder, batch = specimen.encoder(DIM), join(sample_graphs(DIM))
    usual = _run(encoder, batch)
    with pretending():
        encoder.to(DEVICE)
        out = _run(encoder, to_device(batch, DEVICE))
        require(out.device == DEVICE, "its output is on the processor where its inputs are on a GPU")
    require(_close(out, usual), "its output is another where its inputs are on a GPU")


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
    sources, targets = [0, 1, 2], [3, 4, 5]
    heard, told = not _close(out[targets], alone[targets]), not _close(out[sources], alone[sources])
    require(heard or not told, "its edges are reversed: messages flow from edge_index[1] to edge_index[0]")
    require(heard, "the output does not depend on the edges; say uses_edges = False")


def check_reads_tokens(specimen: Specimen) -> None:
    """It reads ``batch.tokens`` if and only if ``needs_tokens`` says so; the distiller leaves them out otherwise."""
    encoder, graph = specimen.encoder(DIM), make_graph(4, CHAIN, DIM)
    if not encoder.needs_tokens:
        _run(encoder, graph)
        return
    assert graph.tokens is not None
    other = replace(graph, tokens=replace(graph.tokens, states=graph.tokens.states + 1))
    require(not _close(_run(encoder, graph), _run(encoder, other)), "needs_tokens is True, but they change nothing")


CHECKS: tuple[Check, ...] = (
    check_shapes,
    check_inputs_unchanged,
    check_node_permutation,
    check_edge_order,
    check_graphs_apart,
    check_no_edges,
    check_one_node,
    check_deterministic,
    check_keeps_nothing,
    check_gradients,
    check_neighbours_gradients,
    check_bfloat16,
    check_device,
    check_safetensors,
    check_uses_edges,
    check_reads_tokens,
)
