"""Right and wrong reasoning told apart by the student's log-probabilities, propagated over the discussion's graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from magdi.core.objective import NUMBERS, Chain, Selecting, Taken
from magdi.plugins.objectives.classification import ClassificationConfig, logistic
from magdi.plugins.objectives.node import Node

if TYPE_CHECKING:
    from torch import Tensor, nn

    from magdi.core.distill.objective_batch import ObjectiveBatch
    from magdi.core.encoder import Encoder, GraphBatch


class Propagation(Node):
    r"""Wants a turn to be likely if it is right, unless the graph around it says as much already.

    .. math:: L = -\sum_x \log \sigma(\pm z_x), \quad z_x = \kappa (\ell(x) - b) + w^T h_x^{(L)}, \quad
              h^{(L)} = \mathrm{encoder}(h^{(0)}, E), \quad h_x^{(0)} = U [\kappa (\ell(x) - b), a_x]

    \ell(x) is the student's own length-normalised log-probability of a turn, a_x the share of the other turns that say
    the same answer. The logit of `classification`, corrected by what the chosen encoder makes of the neighbours' logits
    and of agreement: L_I of MAGDi (Eq. 3) on what the student will write, not on pooled states. Where the graph knows a
    label, little is left for the student to explain; where it errs, as on a right turn that most contradict, the more.
    w starts at 0, so that the first step is `classification`.
    """

    columns = {**Node.columns, "agreeing": NUMBERS, "others": NUMBERS}

    class Config(ClassificationConfig):
        """The logistic, what the encoder is given, and controls."""

        agreement: bool = Field(True, description="Whether the encoder is told who agrees with how many.")
        wiring: Literal["given", "none", "shuffled"] = Field(
            "given", description="Controls: no edges, or edges between turns of the MAG drawn by lot, as many."
        )

    def select(self, given: Selecting) -> Taken:
        """Takes what `node` takes, and with how many of how many others a turn agrees."""
        taken = {**super().select(given)}
        answers = [given.mag.turns[chain.step].answer for chain in taken["nodes"]]
        said = [answer for answer in answers if answer is not None]
        taken["agreeing"] = [max(0, said.count(answer) - 1) for answer in answers]
        taken["others"] = [len(said) - (answer is not None) for answer in answers]
        return taken | self._wired(taken, given)

    def _wired(self, taken: Taken, given: Selecting) -> dict[str, list[Any]]:
        """Returns the edges of a control."""
        if self.config.wiring == "none":
            return {"edges": [], "kinds": []}
        if self.config.wiring == "given":
            return {}
        nodes: list[Chain] = list(taken["nodes"])
        other = dict(zip(nodes, [nodes[place] for place in given.rng.permutation(len(nodes))], strict=True))
        return {"edges": [(other[source], other[target]) for source, target in taken["edges"]]}

    def head(self, dim: int, encoder: Encoder | None) -> nn.Module:
        """Makes U and w, and keeps the encoder between them."""
        from torch import nn

        assert encoder is not None
        classifier = nn.Linear(encoder.out_dim, 1)
        nn.init.zeros_(classifier.weight)
        nn.init.zeros_(classifier.bias)
        return nn.ModuleDict({"enter": nn.Linear(2, dim), "encoder": encoder, "classifier": classifier})

    def loss(self, batch: ObjectiveBatch) -> Tensor:
        """Returns the loss; logs how many turns are on their side."""
        own = self.config.slope * (batch.logprobs("nodes") / batch.lengths("nodes") - self.config.border)
        states = batch.head["encoder"](self._graph(batch, own))
        logits: Tensor = own + batch.head["classifier"](states).squeeze(-1)
        return logistic(batch, logits)

    def _graph(self, batch: ObjectiveBatch, own: Tensor) -> GraphBatch:
        """Returns the MAGs with what the encoder is given for states: of tokens as well, where it reads these."""
        import torch

        from magdi.core.encoder import TokenStates

        share = self.config.agreement * batch["agreeing"] / batch["others"].clamp_min(1)
        enter, graph = batch.head["enter"], batch.graph("nodes", "edges", "kinds", frozen=True)
        graph = replace(graph, x=enter(torch.stack([own, share.to(own)], dim=1)))
        if not batch.head["encoder"].needs_tokens:
            return graph
        tokens = self.config.slope * (batch.token_logprobs("nodes") - self.config.border)
        node = torch.arange(len(own), device=own.device).repeat_interleave(batch.lengths("nodes"))
        states = enter(torch.stack([tokens, share.to(own)[node]], dim=1))
        return replace(graph, tokens=TokenStates(states, node))
