"""Encoders with one thing wrong each. `Honest` has nothing wrong."""

import torch
from pydantic import BaseModel
from torch import Tensor, nn
from torch.nn import functional

from magdi.core.encoder import Encoder, GraphBatch
from tests.plugins.testing.mutant_register import caught_by


class Honest(Encoder):
    """Own state, and the sum of what was shown."""

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.own, self.others = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x

    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        source, target = batch.edge_index
        return torch.zeros_like(x).index_add(0, target, x[source])

    def forward(self, batch: GraphBatch) -> Tensor:
        x = self.states(batch)
        return torch.tanh(self.own(x) + self.others(self.gathered(x, batch)))


@caught_by("graphs_apart")
class MixesGraphs(Honest):
    """Centres the states over the batch, not over the graph."""

    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x - batch.x.mean(0)


@caught_by("graphs_apart")
class NormalisesTheBatch(Honest):
    """Only in training, where evaluation does not show it."""

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.norm = nn.BatchNorm1d(dim)

    def states(self, batch: GraphBatch) -> Tensor:
        return self.norm(batch.x) if len(batch.x) > 1 else batch.x


@caught_by("graphs_apart")
class CyclesGraphs(Honest):
    """The authors' code: a node is given the edges of another graph."""

    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        return super().gathered(x, batch).roll(1, 0)


@caught_by("uses_edges", alone=True)
class IgnoresEdges(Honest):
    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        return x


@caught_by("uses_edges")
class UsesEdgesSecretly(Honest):
    uses_edges = False


@caught_by("uses_edges")
class FlowsBackwards(Honest):
    """The authors' code: agent 0 hears nobody, and is heard before it speaks."""

    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        source, target = batch.edge_index
        return torch.zeros_like(x).index_add(0, source, x[target])


@caught_by("gradients")
class DetachesItsInputs(Honest):
    """The authors' code: the node loss trains the graph network alone."""

    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x.detach()


@caught_by("gradients")
class WorksWithoutGradients(Honest):
    def forward(self, batch: GraphBatch) -> Tensor:
        with torch.no_grad():
            return super().forward(batch)


@caught_by("gradients", alone=True)
class HasAnIdleParameter(Honest):
    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.idle = nn.Linear(dim, dim)


@caught_by("gradients")
class TakesTheRootOfNothing(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x + (batch.x - batch.x).pow(2).sum(1, keepdim=True).sqrt()


@caught_by("gradients")
class TeachesFromTheFirstGraphOnly(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return torch.where((batch.graph == 0)[:, None], batch.x, batch.x.detach())


@caught_by("node_permutation")
class KnowsPlaces(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x + torch.arange(len(batch.x), dtype=batch.x.dtype)[:, None]


@caught_by("node_permutation")
class ReadsTokensInOrder(Honest):
    needs_tokens = True

    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x + batch.tokens.states.cumsum(0)[-len(batch.x) :]


@caught_by("edge_order", alone=True)
class HearsTheLastEdgeOnly(Honest):
    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        heard = torch.zeros_like(x)
        for source, target in batch.edge_index.T.tolist():
            heard = heard.index_copy(0, torch.tensor([target], device=x.device), x[source][None])
        return heard


@caught_by("deterministic")
class AlwaysDropsOut(Honest):
    """The authors' code."""

    def states(self, batch: GraphBatch) -> Tensor:
        return functional.dropout(batch.x, 0.5)


@caught_by("deterministic", alone=True)
class DrawsItsOwnSeed(Honest):
    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        fresh = torch.Generator()
        fresh.seed()
        nn.init.normal_(self.own.weight, generator=fresh)


@caught_by("bfloat16", alone=True)
class FallsBackToFloat32(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x.float()


@caught_by("bfloat16")
class ComesOutInFloat32(Honest):
    def forward(self, batch: GraphBatch) -> Tensor:
        return super().forward(batch).float()


@caught_by("shapes")
class ForgetsItsWidth(Honest):
    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.own, self.others = nn.Linear(dim, 8), nn.Linear(dim, 8)


@caught_by("shapes")
class PoolsTheGraph(Honest):
    def forward(self, batch: GraphBatch) -> Tensor:
        states = super().forward(batch)
        return states.new_zeros(batch.num_graphs, self.out_dim).index_add(0, batch.graph, states)


@caught_by("no_edges")
class NeedsEdges(Honest):
    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        return super().gathered(x, batch) + 0 * batch.edge_index.max()


@caught_by("one_node", alone=True)
class NeedsTwoNodes(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x + 0 * batch.x.std(0)


@caught_by("safetensors", alone=True)
class HidesItsWeights(Honest):
    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.hidden = [torch.randn(dim)]

    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x * self.hidden[0].to(batch.x)


@caught_by("safetensors")
class TiesItsWeights(Honest):
    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.others.weight = self.own.weight


@caught_by("inputs_unchanged", alone=True)
class ChangesItsInputs(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        with torch.no_grad():
            batch.x.mul_(0.5)
        return batch.x * 1


@caught_by("inputs_unchanged")
class ChangesTheEdges(Honest):
    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        found = super().gathered(x, batch)
        batch.edge_index.copy_(batch.edge_index.flip(0))
        return found


@caught_by("inputs_unchanged")
class RectifiesInPlace(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x.relu_()


@caught_by("neighbours_gradients", alone=True)
class DetachesItsNeighbours(Honest):
    def gathered(self, x: Tensor, batch: GraphBatch) -> Tensor:
        return super().gathered(x.detach(), batch)


@caught_by("reads_tokens")
class ReadsTokensSecretly(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x + torch.zeros_like(batch.x).index_add(0, batch.tokens.node, batch.tokens.states)


@caught_by("reads_tokens", alone=True)
class AsksForTokensInVain(Honest):
    needs_tokens = True


@caught_by("graphs_apart", alone=True)
class CentresInTraining(Honest):
    """No gradient crosses, and in evaluation nothing shows."""

    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x - batch.x.mean(0).detach() if self.training else batch.x


@caught_by("gradients")
class MakesItsWeightsLate(Honest):
    def forward(self, batch: GraphBatch) -> Tensor:
        if not hasattr(self, "late"):
            self.late = nn.Linear(self.dim, self.dim)
        return self.late(super().forward(batch))


@caught_by("shapes", alone=True)
class KnowsOneWidth(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x + batch.x.new_zeros(32)


@caught_by("node_permutation", alone=True)
class KnowsPlacesInTheMag(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        first = torch.searchsorted(batch.graph, batch.graph)
        place = torch.arange(len(batch.x), device=batch.x.device)
        return batch.x + (place - first).to(batch.x.dtype)[:, None]


@caught_by("no_edges", alone=True)
class NeedsAnEdgeInABatch(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x + 0 * batch.edge_kind.max() if batch.num_graphs > 1 else batch.x


class Degrees(Honest):
    """Honest: it looks at how many were heard, and at nobody's state but its own; it has no parameters."""

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        Encoder.__init__(self, dim, config)

    def forward(self, batch: GraphBatch) -> Tensor:
        each = batch.x.new_ones(batch.edge_index.shape[1])
        return batch.x * batch.x.new_ones(len(batch.x)).index_add(0, batch.edge_index[1], each)[:, None]


class JustStates(Encoder):
    """Honest: neither edges nor parameters."""

    uses_edges = False

    def forward(self, batch: GraphBatch) -> Tensor:
        return batch.x


@caught_by("deterministic", alone=True)
class SeedsInForward(Honest):
    """Every mask of dropout that the student draws after it would be the same."""

    def states(self, batch: GraphBatch) -> Tensor:
        torch.manual_seed(0)
        return batch.x


@caught_by("keeps_nothing", alone=True)
class KeepsEveryBatch(Honest):
    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.seen: list[Tensor] = []

    def states(self, batch: GraphBatch) -> Tensor:
        self.seen.append(batch.x.detach())
        return batch.x


@caught_by("process_unchanged", alone=True)
class ChangesTheDefaultDtype(Honest):
    def states(self, batch: GraphBatch) -> Tensor:
        torch.set_default_dtype(torch.float64)
        return batch.x


@caught_by("device", alone=True)
class CountsOnTheProcessor(Honest):
    """In-degrees, gathered where a tensor is made by default."""

    def states(self, batch: GraphBatch) -> Tensor:
        degree = torch.zeros(len(batch.x)).index_add(0, batch.edge_index[1], torch.ones(batch.edge_index.shape[1]))
        return batch.x / (1 + degree[:, None]).to(batch.x.dtype)


@caught_by("device", alone=True)
class KeepsAPlainTensor(Honest):
    """No buffer: it stays where it was made when the encoder is moved."""

    def __init__(self, dim: int, config: BaseModel | None = None) -> None:
        super().__init__(dim, config)
        self.scale = torch.linspace(0.5, 1.5, dim)

    def states(self, batch: GraphBatch) -> Tensor:
        return batch.x * self.scale.to(batch.x.dtype)


class Positions(Honest):
    """A state for each place in the discussion, as transformers have it."""

    uses_order = True

    def states(self, batch: GraphBatch) -> Tensor:
        first = torch.searchsorted(batch.graph, batch.graph)
        at = batch.x.device
        place = torch.arange(len(batch.x), device=at) - first
        waves = 2.0 ** torch.arange(batch.x.shape[1], device=at)
        return batch.x + torch.sin(place[:, None] / waves).to(batch.x.dtype)


@caught_by("node_permutation", alone=True)
class SaysThatItLooksAtTheOrder(Honest):
    uses_order = True


HONEST = [Honest, Degrees, JustStates, Positions]
