"""The three losses the plain way: one stock forward pass a turn, full logits, one pair and one node at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from magdi.core.distill.encoded import Encoded
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.student import DistillStudent
from magdi.core.encoder import Encoder, GraphBatch
from tests.core.distill.distill_models import make_objectives


class MeanEncoder(Encoder):
    """h' = ReLU(D^-1 M h W), once, with dense matrices: small, and of this test's own making."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.out_dim = 8
        self.weight = torch.nn.Linear(dim, 8, bias=False)

    def forward(self, batch: GraphBatch) -> Tensor:
        adjacency = torch.eye(len(batch.x), dtype=batch.x.dtype, device=batch.x.device)
        adjacency[batch.edge_index[1], batch.edge_index[0]] = 1
        return torch.relu(self.weight(adjacency @ batch.x / adjacency.sum(1, keepdim=True)))


def heads_for(student: DistillStudent, dtype: torch.dtype) -> Heads:
    torch.manual_seed(5)
    encoder = MeanEncoder(student.hidden_size)
    return Heads(make_objectives(), student.hidden_size, encoder, seed=1).to(dtype)


def losses_of(
    student: DistillStudent, heads: Heads, layout: str, *, direct: bool = True, states: str = "live"
) -> MagLosses:
    objectives = make_objectives(margin={"states": states}, node={"states": states})
    return MagLosses(student, objectives, heads, Reader(LAYOUTS[layout], direct))


def plain_losses(student: DistillStudent, heads: Heads, mags: Sequence[Encoded]) -> dict[str, Tensor]:
    """Returns the sums of Eq. 1-3."""
    sums: dict[str, list[Tensor]] = {"positive": [], "margin": [], "node": []}
    for mag in mags:
        pooled = []
        for number, chain in enumerate(mag.chains):
            prompt = mag.prompts[mag.prompt_of[number]]
            ids = torch.tensor([[*prompt, *chain]])
            out = student.base(input_ids=ids, use_cache=False, output_hidden_states=True)
            if number in mag.columns["positive.learned"]:
                chances = out.logits[0].log_softmax(-1)
                first = len(prompt)
                sums["positive"] += [-chances[first + i - 1, token] for i, token in enumerate(chain)]
            states = out.hidden_states[-1][0]
            weights = torch.arange(1, len(states) + 1, dtype=states.dtype)
            pooled.append((weights[:, None] * states).sum(0) / weights.sum())
        scores = heads["margin"].get_submodule("score")(torch.stack(pooled))
        for plus, minus in mag.columns["margin.pairs"].T:
            sums["margin"].append(torch.clamp(1.0 - scores[plus] + scores[minus], min=0))
        edges, (kinds,) = (torch.from_numpy(mag.columns[f"node.{name}"]) for name in ("edges", "kinds"))
        graph = GraphBatch(torch.stack(pooled), edges, kinds, torch.zeros(len(pooled), dtype=torch.long), 1)
        chances = (
            heads["node"].get_submodule("classifier")(heads["node"].get_submodule("encoder")(graph)).log_softmax(-1)
        )
        sums["node"] += [-chances[i, label] for i, label in enumerate(mag.columns["node.labels"][0]) if label >= 0]
    return {term: torch.stack(values).sum() for term, values in sums.items()}
