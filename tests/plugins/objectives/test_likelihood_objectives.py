"""`contrast`, `classification` and `propagation` against plain loops over stock logits."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from magdi.core.distill.selection import select
from magdi.core.encoder import Encoder, GraphBatch
from magdi.core.objective import Objective
from magdi.encoders.node_attention import NodeAttention
from magdi.encoders.none import NoEncoder
from magdi.encoders.token_attention import TokenAttention
from magdi.plugins.objectives.classification import Classification
from magdi.plugins.objectives.contrast import Contrast
from magdi.plugins.objectives.propagation import Propagation
from magdi.plugins.testing import LossBench
from magdi.plugins.testing.loss_bench import Lesson
from magdi.plugins.testing.sample_mags import sample_mags


def bench(objective: Objective, *, moved: float = 0.0, encoder: Encoder | None = None) -> LossBench:
    """The objective on the sample MAGs; one with a head after its classifier has moved from 0."""
    found = LossBench(objective, encoder=encoder)
    for name, weight in found.heads.named_parameters():
        if "classifier" in name:
            weight.data.copy_(moved * torch.linspace(-1, 2, weight.numel()).view_as(weight))
    return found


def means(lesson: Lesson) -> list[float]:
    """Mean log-probability of each chain's tokens, chain by chain."""
    return [each.mean().item() for each in lesson.logprobs]


def test_contrast_is_a_hinge_on_mean_log_probabilities() -> None:
    measured = bench(Contrast(Contrast.Config(rho=0.3)))
    terms = [
        max(0.0, 0.3 - said[plus] + said[minus])
        for lesson in measured.lessons()
        for said in [means(lesson)]
        for plus, minus in lesson.columns["pairs"]
    ]
    assert 0 < sum(term == 0 for term in terms) < len(terms)  # some are within the margin, some are not
    assert measured.loss() == pytest.approx(sum(terms), rel=1e-5)


def test_classification_is_logistic_in_mean_log_probabilities() -> None:
    measured = bench(Classification(Classification.Config(slope=3.0, border=-2.0)))
    expected = 0.0
    for lesson in measured.lessons():
        said = means(lesson)
        for chain, label in zip(lesson.columns["nodes"], lesson.columns["labels"], strict=True):
            expected += math.log1p(math.exp(-(1 if label else -1) * 3.0 * (said[chain] + 2.0)))
    assert measured.loss() == pytest.approx(expected, rel=1e-5)


def test_propagation_starts_as_classification() -> None:
    assert bench(Propagation()).loss() == pytest.approx(bench(Classification()).loss(), rel=1e-6)


def test_propagation_corrects_by_what_the_encoder_makes_of_agreement_and_edges() -> None:
    """With an encoder that sums what a turn was shown: worked by hand from U, w and the edges."""
    measured = bench(Propagation(), moved=0.1, encoder=Summing(32))
    enter = measured.heads["it"].get_submodule("enter")
    w, expected = 0.1 * torch.linspace(-1, 2, 32), 0.0
    for lesson in measured.lessons():
        said, columns = means(lesson), lesson.columns
        own = [4.0 * (said[chain] + 0.5) for chain in columns["nodes"]]
        shares = [each / max(others, 1) for each, others in zip(columns["agreeing"], columns["others"], strict=True)]
        entered = [(enter(torch.tensor(pair).float()) @ w).item() for pair in zip(own, shares, strict=True)]
        place = {chain: number for number, chain in enumerate(columns["nodes"])}
        for chain, label in zip(columns["nodes"], columns["labels"], strict=True):
            shown = [entered[place[source]] for source, target in columns["edges"] if target == chain]
            logit = own[place[chain]] + sum(shown) - 0.1
            expected += math.log1p(math.exp(-(1 if label else -1) * logit)) if label >= 0 else 0.0
    assert measured.loss() == pytest.approx(expected, rel=1e-5)
    assert abs(measured.loss() - bench(Propagation(), moved=0.1, encoder=NoEncoder(32)).loss()) > 0.1


class Summing(Encoder):
    """The sum of what a turn was shown."""

    def forward(self, batch: GraphBatch) -> torch.Tensor:
        return torch.zeros_like(batch.x).index_add(0, batch.edge_index[1], batch.x[batch.edge_index[0]])


def test_controls_change_what_they_say_and_nothing_else() -> None:
    """Shuffled edges and labels are as many; without edges there are none; without agreement its share is 0."""
    given = taken(Propagation())
    shuffled = taken(Propagation(Propagation.Config(wiring="shuffled")))
    assert [len(each["edges"]) for each in shuffled] == [len(each["edges"]) for each in given]
    assert [each["edges"] for each in shuffled] != [each["edges"] for each in given]
    assert all(each | {"edges": 0} == other | {"edges": 0} for each, other in zip(shuffled, given, strict=True))
    without = taken(Propagation(Propagation.Config(wiring="none")))
    assert all(each == other | {"edges": [], "kinds": []} for each, other in zip(without, given, strict=True))
    dealt = taken(Propagation(Propagation.Config(shuffled=True)))
    assert [each["labels"] for each in dealt] != [each["labels"] for each in given]
    assert all(each | {"labels": 0} == other | {"labels": 0} for each, other in zip(dealt, given, strict=True))
    assert [sorted(each["labels"]) for each in dealt] == [sorted(each["labels"]) for each in given]
    told, untold = (bench(Propagation(Propagation.Config(agreement=how)), moved=0.1).loss() for how in (True, False))
    assert abs(told - untold) > 1e-3


def taken(objective: Objective) -> list[dict[str, list[Any]]]:
    found = [select(mag, {"it": objective}, seed=3).columns for mag in sample_mags()]
    return [{name[3:]: column.T.tolist() for name, column in columns.items()} for columns in found]


def test_token_attention_reads_log_probabilities_of_tokens() -> None:
    encoders = (TokenAttention(32), NodeAttention(32))
    tokens, nodes = (bench(Propagation(), moved=0.1, encoder=encoder).loss() for encoder in encoders)
    assert abs(tokens - nodes) > 1e-3
