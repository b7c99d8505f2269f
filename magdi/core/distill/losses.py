"""Student, heads and encoder as one module: from a batch to the three losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from magdi.core.distill.batch import MagBatch
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import Layout
from magdi.core.distill.objectives import margin_loss, node_loss, positive_loss
from magdi.core.distill.student import DistillStudent
from magdi.core.encoder import GraphBatch, TokenStates

Term = Literal["positive", "margin", "node"]
TERMS: tuple[Term, ...] = ("positive", "margin", "node")


@dataclass(frozen=True, slots=True)
class Weighing:
    """What the sums of an optimizer step are multiplied by.

    Attributes:
        lessons: For the tokens of each lesson: alpha over their number in the step, or alpha.
        margin: For each pair.
        node: For each labelled node.
    """

    lessons: tuple[float, ...]
    margin: float = 0.0
    node: float = 0.0


@dataclass(frozen=True, slots=True)
class Reader:
    """How the student reads a batch, as the start-up probe found it to be exact.

    Attributes:
        layout: How turns share a forward pass.
        direct_head: Whether the logits are the projected last states and nothing else.
    """

    layout: Layout
    direct_head: bool = True


class MagLosses(nn.Module):
    """The three losses of a batch, weighted, and what is counted beside them.

    Args:
        student: What learns.
        heads: Score head, encoder and classifier; those that are missing have no loss.
        reader: How the student reads.
        margin: rho of Eq. 2.
        frozen: Whether the margin and node losses stop at the pooled states.
    """

    def __init__(self, student: DistillStudent, heads: Heads, reader: Reader, *, margin: float, frozen: bool) -> None:
        super().__init__()
        self.model = student.model
        self.heads = heads
        self.student, self.reader = student, reader
        self.rho, self.frozen = margin, frozen

    def forward(self, batch: MagBatch, weighing: Weighing) -> dict[str, Tensor]:
        """Returns weighted losses ``positive``, ``margin``, ``node`` (those that there are), and counts.

        ``pairs_right`` and ``nodes_right`` count what the heads get right. Heads and pooling are never autocast.
        """
        states, logits = self._read(batch)
        found = self._positive(states, logits, batch, weighing) if any(weighing.lessons) else {}
        score, classifier = self.heads.score, self.heads.classifier
        if not (score is not None and weighing.margin or classifier is not None and weighing.node):
            return found
        with torch.autocast(states.device.type, enabled=False):
            exact = states.to(torch.promote_types(states.dtype, torch.float32))
            pooled = pool(exact, batch)
            pooled = pooled.detach() if self.frozen else pooled
            if score is not None and weighing.margin:
                scores = score(pooled)
                found["margin"] = weighing.margin * margin_loss(scores, batch.pairs, self.rho)
                found["pairs_right"] = (scores[batch.pairs[0]] > scores[batch.pairs[1]]).sum().detach()
            if classifier is not None and weighing.node:
                guesses = classifier(self._encode(pooled, exact, batch))
                found["node"] = weighing.node * node_loss(guesses, batch.node_label)
                found["nodes_right"] = (guesses.argmax(1) == batch.node_label).sum().detach()
        return found

    @property
    def terms(self) -> tuple[Term, ...]:
        """The losses that there are."""
        return (
            "positive",
            *(("margin",) if self.heads.score is not None else ()),
            *(("node",) if self.heads.classifier is not None else ()),
        )

    def _read(self, batch: MagBatch) -> tuple[Tensor, Tensor | None]:
        if self.reader.direct_head:
            return self.student.states(batch, self.reader.layout), None
        return self.student.states_and_logits(batch, self.reader.layout)

    def _positive(
        self, states: Tensor, logits: Tensor | None, batch: MagBatch, weighing: Weighing
    ) -> dict[str, Tensor]:
        wide = torch.promote_types(states.dtype, torch.float32)
        lessons = torch.tensor(weighing.lessons, dtype=wide, device=states.device)
        scale = lessons[batch.state_lesson]
        if logits is not None:
            each = F.cross_entropy(logits[batch.state_index].to(wide), batch.state_label, reduction="none")
            return {"positive": (each * scale).sum()}
        head: Any = self.student.head
        read = states.index_select(0, batch.state_index)
        return {"positive": positive_loss(read, head.weight, head.bias, batch.state_label, scale)}

    def _encode(self, pooled: Tensor, states: Tensor, batch: MagBatch) -> Tensor:
        encoder = self.heads.encoder
        assert encoder is not None
        tokens = None
        if encoder.needs_tokens:
            chains = states.index_select(0, batch.chain_index)
            tokens = TokenStates(chains.detach() if self.frozen else chains, batch.chain_node)
        out: Tensor = encoder(
            GraphBatch(pooled, batch.edge_index, batch.edge_kind, batch.graph, len(batch.ids), tokens)
        )
        return out


def pool(states: Tensor, batch: MagBatch) -> Tensor:
    """Returns [N, d], h_x of every node: the mean of its tokens' states, weighted 1..T by position.

    One matrix product: the question's states are read once, however many nodes follow it.
    """
    weights = states.new_zeros(len(batch.node_label), len(states))
    weights[batch.pool_node, batch.pool_index] = batch.pool_weight.to(states.dtype)
    return weights @ states


def total(found: dict[str, Tensor], terms: Sequence[Term] = TERMS) -> Tensor:
    """Returns the sum of the weighted losses that there are."""
    present = [found[term] for term in terms if term in found]
    return torch.stack(present).sum()
