"""L_I, classification of a discussion's turns through the graph encoder (MAGDi, Eq. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from magdi.core.objective import CHAINS, NUMBERS, PAIRS, Chain, Ints, Objective, ObjectiveConfig, Selecting, Taken
from magdi.core.views import EDGE_KINDS

if TYPE_CHECKING:
    from torch import Tensor, nn

    from magdi.core.distill.objective_batch import ObjectiveBatch
    from magdi.core.encoder import Encoder

NO_LABEL = -1


class Node(Objective):
    r"""Wants each turn to be known for right or wrong from the states of the turns around it.

    .. math:: L_I = -\sum_x \log \mathrm{softmax}(W h_x^{(L)})_{y_x}, \quad h^{(L)} = \mathrm{encoder}(h, E)
    """

    columns = {"nodes": CHAINS, "labels": NUMBERS, "edges": PAIRS, "kinds": NUMBERS}
    unit = "nodes"
    sign = "L_I"
    lacking = "no turn with a label"
    uses_encoder = True

    class Config(ObjectiveConfig):
        """How far it reaches."""

        weight: float = Field(1.0, ge=0, description="gamma of Eq. 4.")
        states: Literal["live", "frozen"] = Field(
            "live", description="Whether it reaches the student, or trains encoder and classifier only."
        )

    def select(self, given: Selecting) -> Taken:
        """Takes all turns that have a label, and as their context those that have a text."""
        turns = given.mag.turns
        if all(turn.label is None for turn in turns):
            return {name: [] for name in self.columns}
        nodes = {turn.step for turn in turns if turn.label is not None or turn.text.strip()}
        listed = [edge for edge in given.edges if edge[0] in nodes and edge[1] in nodes]
        labels = [turn.label for turn in turns if turn.step in nodes]
        return {
            "nodes": [Chain(step) for step in sorted(nodes)],
            "labels": [NO_LABEL if label is None else int(label) for label in labels],
            "edges": [(Chain(source), Chain(target)) for source, target, _ in listed],
            "kinds": [EDGE_KINDS.index(kind) for _, _, kind in listed],
        }

    def count(self, columns: Mapping[str, Ints], lengths: Ints) -> int:
        """Counts the turns that have a label."""
        return int((columns["labels"] != NO_LABEL).sum())

    def head(self, dim: int, encoder: Encoder | None) -> nn.Module:
        """Makes W of Eq. 3, and keeps the encoder beside it."""
        from torch import nn

        assert encoder is not None
        return nn.ModuleDict({"classifier": nn.Linear(encoder.out_dim, 2), "encoder": encoder})

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns L_I of Eq. 3."""
        from torch.nn.functional import cross_entropy

        frozen = self.config.states == "frozen"
        graph = batch.graph("nodes", "edges", "kinds", frozen=frozen, tokens=batch.head["encoder"].needs_tokens)
        logits = batch.head["classifier"](batch.head["encoder"](graph))
        labels = batch["labels"]
        batch.log("accuracy/nodes", (logits.argmax(1) == labels).sum())
        batch.ranked("nodes", logits[:, 1] - logits[:, 0], labels)
        return cross_entropy(logits, labels, ignore_index=NO_LABEL, reduction="sum")
