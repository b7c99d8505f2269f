"""Every encoder against its formula, written out with dense matrices in float64."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.nn import GCNConv
from torch_geometric.utils import softmax

from magdi.core.encoder import Encoder, GraphBatch, TokenStates
from magdi.core.errors import ConfigError
from magdi.encoders.attention import SelfAttention
from magdi.encoders.dir_gnn import DirGnn
from magdi.encoders.gat import Gat
from magdi.encoders.gcn import Gcn
from magdi.encoders.gcn_symmetric import GcnSymmetric
from magdi.encoders.gin import Gin
from magdi.encoders.graph_transformer import GraphTransformer
from magdi.encoders.node_attention import NodeAttention
from magdi.encoders.none import NoEncoder
from magdi.encoders.rgcn import Rgcn
from magdi.encoders.sage import Sage
from magdi.encoders.token_attention import TokenAttention, pool
from magdi.plugins.objectives.margin import Margin
from magdi.plugins.testing.graphs import CHAIN, ROUND_TABLE, join, make_graph, to_dtype

DIM = 8
GRAPH_NETWORKS = [Gcn, GcnSymmetric, Sage, Gin, Gat, GraphTransformer, Rgcn, DirGnn]


@pytest.fixture
def batch() -> GraphBatch:
    return to_dtype(join([make_graph(6, ROUND_TABLE, DIM, 0), make_graph(4, CHAIN, DIM, 1)]), torch.float64)


@pytest.fixture
def adjacency(batch: GraphBatch) -> torch.Tensor:
    """[N, N], a 1 in row v and column u for every edge (u, v)."""
    matrix = torch.zeros(len(batch.x), len(batch.x), dtype=torch.float64)
    matrix[batch.edge_index[1], batch.edge_index[0]] = 1
    return matrix


def make(encoder: type[Encoder], dim: int = DIM, **settings: float) -> Any:
    torch.manual_seed(0)
    return encoder(dim, encoder.Config(**settings)).double().eval()


def mean_over(matrix: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    return (matrix @ h) / matrix.sum(1, keepdim=True).clamp(min=1)


def same(out: torch.Tensor, wanted: torch.Tensor) -> bool:
    torch.testing.assert_close(out, wanted, rtol=0, atol=1e-12)
    return True


def test_gcn_is_the_papers_formula(batch: GraphBatch, adjacency: torch.Tensor) -> None:
    encoder = make(Gcn, hidden=5)
    looped = adjacency + torch.eye(len(adjacency))
    h = batch.x
    for weight in encoder.weights:
        h = torch.relu(torch.diag(1 / looped.sum(1)) @ looped @ h @ weight.weight.T)
    assert same(encoder(batch), h)
    assert encoder.out_dim == 5
    assert [name for name, _ in encoder.named_parameters()] == ["weights.0.weight", "weights.1.weight"]


def test_gcn_symmetric_with_a_linear_classifier_is_the_authors_network(batch: GraphBatch) -> None:
    torch.manual_seed(1)
    first, second = GCNConv(DIM, 6).double(), GCNConv(6, 2).double()
    encoder, classifier = make(GcnSymmetric, hidden=6), nn.Linear(6, 2).double()
    encoder.convolutions[0].load_state_dict(first.state_dict())
    classifier.load_state_dict({"weight": second.lin.weight, "bias": second.bias})
    authors = second(first(batch.x, batch.edge_index).relu(), batch.edge_index)
    assert same(classifier(encoder(batch)), authors)


def test_gcn_symmetric_drops_out_in_training_only(batch: GraphBatch) -> None:
    encoder = make(GcnSymmetric)
    assert encoder(batch).equal(encoder(batch))
    assert not encoder.train()(batch).equal(encoder(batch))


def test_none_hands_the_states_on(batch: GraphBatch) -> None:
    assert make(NoEncoder)(batch) is batch.x


def test_sage(batch: GraphBatch, adjacency: torch.Tensor) -> None:
    encoder, h = make(Sage), batch.x
    for layer in encoder.layers:
        h = torch.relu(layer.lin_r(h) + layer.lin_l(mean_over(adjacency, h)))
    assert same(encoder(batch), h)


def test_gin(batch: GraphBatch, adjacency: torch.Tensor) -> None:
    encoder, h = make(Gin), batch.x
    for layer in encoder.layers:
        nn.init.constant_(layer.eps, 0.5)
        h = torch.relu(layer.nn(1.5 * h + adjacency @ h))
    assert same(encoder(batch), h)


def test_rgcn_has_weights_for_every_kind(batch: GraphBatch) -> None:
    encoder, h = make(Rgcn), batch.x
    for layer in encoder.layers:
        out = layer.root(h)
        for kind, weight in enumerate(layer.kinds):
            matrix = torch.zeros(len(h), len(h), dtype=h.dtype)
            chosen = batch.edge_index[:, batch.edge_kind == kind]
            matrix[chosen[1], chosen[0]] = 1
            out = out + mean_over(matrix, h) @ weight.weight.T
        h = torch.relu(out)
    assert same(encoder(batch), h)


def test_dir_gnn_tells_directions_apart(batch: GraphBatch, adjacency: torch.Tensor) -> None:
    encoder, h = make(DirGnn, backward=0.3), batch.x
    for layer in encoder.layers:
        seen, readers = layer.conv_in.lin_l(mean_over(adjacency, h)), layer.conv_out.lin_l(mean_over(adjacency.T, h))
        h = torch.relu(layer.lin(h) + 0.7 * seen + 0.3 * readers)
    assert same(encoder(batch), h)


def test_gat(batch: GraphBatch, adjacency: torch.Tensor) -> None:
    encoder = make(Gat, layers=1, heads=1)
    layer, nodes = encoder.layers[0], len(batch.x)
    source, target = layer.lin_l(batch.x), layer.lin_r(batch.x)
    scores = nn.functional.leaky_relu(source[None] + target[:, None], 0.2) @ layer.att[0, 0]
    allowed = (adjacency + torch.eye(nodes)).bool()
    weights = scores.masked_fill(~allowed, -math.inf).softmax(1)
    assert same(encoder(batch), torch.relu(weights @ source + layer.bias))


def test_graph_transformer(batch: GraphBatch) -> None:
    encoder = make(GraphTransformer, layers=1, heads=2)
    layer, (source, target) = encoder.layers[0], batch.edge_index
    queries, keys, values = (
        linear(batch.x).view(-1, 2, DIM // 2) for linear in (layer.lin_query, layer.lin_key, layer.lin_value)
    )
    scores = (queries[target] * keys[source]).sum(-1) / math.sqrt(DIM // 2)
    weighted = softmax(scores, target, num_nodes=len(batch.x))[..., None] * values[source]
    mixed = torch.zeros_like(values).index_add(0, target, weighted).flatten(1)
    # PyG divides by the sum plus 1e-16.
    assert same(encoder(batch), torch.relu(layer.lin_skip(batch.x) + mixed))


def attended(layer: SelfAttention, h: torch.Tensor) -> torch.Tensor:
    """Multi-head attention of one sequence [L, d] in its plainest form."""
    queries, keys, values = layer.project(h).view(len(h), 3, layer.heads, -1).unbind(1)
    heads = [
        ((queries[:, head] @ keys[:, head].T) / math.sqrt(layer.head_width)).softmax(1) @ values[:, head]
        for head in range(layer.heads)
    ]
    return layer.norm(h + layer.output(torch.cat(heads, 1)))


def test_node_attention_is_attention_within_each_mag(batch: GraphBatch) -> None:
    encoder = make(NodeAttention, hidden=12)
    parts = []
    for graph in range(batch.num_graphs):
        h = encoder.enter(batch.x[batch.graph == graph])
        for layer in encoder.layers:
            h = attended(layer, h)
        parts.append(h)
    assert same(encoder(batch), torch.cat(parts))


def test_token_attention_is_attention_over_all_tokens_of_each_mag(batch: GraphBatch) -> None:
    encoder, parts = make(TokenAttention, hidden=12), []
    owner = batch.graph[batch.tokens.node]
    for graph in range(batch.num_graphs):
        z = encoder.enter(batch.tokens.states[owner == graph])
        for layer in encoder.layers:
            z = attended(layer, z)
        parts.append(z)
    z = torch.cat(parts)
    pooled = []
    for node in range(len(batch.x)):
        tokens = z[batch.tokens.node == node]
        weights = torch.arange(1, len(tokens) + 1, dtype=z.dtype)
        pooled.append((weights[:, None] * tokens).sum(0) / weights.sum())
    assert same(encoder(batch), torch.stack(pooled))


def test_pool_gives_zero_for_a_node_without_tokens() -> None:
    tokens = TokenStates(torch.ones(3, 2), torch.tensor([0, 0, 2]))
    assert pool(tokens, 3).tolist() == [[1, 1], [0, 0], [1, 1]]


def test_token_attention_asks_for_tokens(batch: GraphBatch) -> None:
    bare = GraphBatch(batch.x, batch.edge_index, batch.edge_kind, batch.graph, batch.num_graphs)
    with pytest.raises(ValueError, match="tokens"):
        make(TokenAttention)(bare)


@pytest.mark.parametrize("encoder", GRAPH_NETWORKS, ids=lambda encoder: encoder.__name__)
def test_messages_flow_from_what_was_shown_to_who_was_shown(encoder: type[Encoder]) -> None:
    """On 0 -> 1 -> 2 -> 3, two layers reach two steps downstream, and nothing upstream unless both are meant."""
    chain = to_dtype(make_graph(4, ((0, 1), (1, 2), (2, 3)), DIM), torch.float64)
    torch.manual_seed(0)
    network = make(encoder, hidden=16)
    states = jacobian(lambda x: network(GraphBatch(x, *rest(chain))), chain.x)  # type: ignore[no-untyped-call]
    reach = states.abs()
    reach = reach.sum((1, 3)) > 0
    forward = {(1, 0), (2, 1), (3, 2), (2, 0), (3, 1)}
    backward = {(u, v) for v, u in forward} if encoder is DirGnn else set()
    within_itself = {(v, v) for v in range(4)}
    assert {tuple(pair) for pair in reach.nonzero().tolist()} == forward | backward | within_itself


def rest(batch: GraphBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
    return batch.edge_index, batch.edge_kind, batch.graph, batch.num_graphs


@pytest.mark.parametrize("encoder", [Gat, GraphTransformer, NodeAttention, TokenAttention])
def test_heads_that_do_not_share_the_width_are_a_config_error(encoder: type[Encoder]) -> None:
    with pytest.raises(ConfigError, match="a width of 10 cannot be shared by 4 heads"):
        encoder(10)


@pytest.mark.parametrize("encoder", GRAPH_NETWORKS, ids=lambda encoder: encoder.__name__)
def test_reset_parameters_draws_new_weights(encoder: type[Encoder], batch: GraphBatch) -> None:
    network = make(encoder)
    before = {name: value.clone() for name, value in network.named_parameters() if value.dim() > 1}
    network.reset_parameters()
    assert not any(value.equal(before[name]) for name, value in network.named_parameters() if name in before)


class LargestTensor(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the most elements that any tensor made under it has."""

    elements = 0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: tuple[type[torch.Tensor], ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> int | torch.Tensor | list[torch.Tensor] | tuple[torch.Tensor, ...]:
        out = func(*args, **(kwargs or {}))
        for each in out if isinstance(out, tuple | list) else [out]:
            if isinstance(each, torch.Tensor):
                self.elements = max(self.elements, each.numel())
        return out


def test_token_attention_stores_no_attention_matrix() -> None:
    tokens, width = 3000, 8
    graph = make_graph(2, (), width)
    long = TokenStates(torch.randn(tokens, width), torch.arange(2).repeat_interleave(tokens // 2))
    states = long.states.requires_grad_()
    encoder = TokenAttention(width, TokenAttention.Config(heads=2))
    with LargestTensor() as largest:  # type: ignore[no-untyped-call]
        encoder(GraphBatch(graph.x, *rest(graph), TokenStates(states, long.node))).sum().backward()
    assert states.grad is not None
    assert largest.elements <= 4 * tokens * width  # the three projections; an attention matrix has tokens ** 2


@pytest.mark.parametrize("encoder", [*GRAPH_NETWORKS, NodeAttention, TokenAttention])
def test_the_encoder_of_a_wide_student_is_not_as_wide_unless_asked(encoder: type[Encoder]) -> None:
    with torch.device("meta"):
        assert encoder(2048).out_dim <= 1024
        assert encoder(2048, encoder.Config.model_validate({"hidden": 2048})).out_dim == 2048


@pytest.mark.parametrize(("hidden", "width"), [(None, 1024), ("student", 2048), (7, 7)])
def test_the_score_head_of_a_wide_student_is_not_as_wide_unless_asked(hidden: int | str | None, width: int) -> None:
    with torch.device("meta"):
        head: Any = Margin(Margin.Config.model_validate({"hidden": hidden})).head(2048, None)
    assert head["score"].mlp[0].weight.shape == (width, 2048)
