"""`contrast`, `classification` and `propagation` against plain loops over stock logits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from magdi.core.config.models import Student
from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.reading import Reading
from magdi.core.distill.selection import select
from magdi.core.distill.student import DistillStudent
from magdi.core.encoder import Encoder, GraphBatch
from magdi.core.objective import Objective
from magdi.encoders.gcn import Gcn
from magdi.encoders.node_attention import NodeAttention
from magdi.encoders.none import NoEncoder
from magdi.encoders.token_attention import TokenAttention
from magdi.plugins.objectives.classification import Classification
from magdi.plugins.objectives.contrast import Contrast
from magdi.plugins.objectives.propagation import Propagation
from magdi.plugins.testing import tiny_student
from magdi.plugins.testing.sample_mags import sample_mags


def read(objectives: Mapping[str, Objective]) -> tuple[DistillStudent, list[Encoded]]:
    model, tokenizer = tiny_student()
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(20)  # so that some chains are likelier than others
    student = DistillStudent(model, tokenizer, Student(adaptation="full"))
    return student, list(Reading(tokenizer, objectives).read(sample_mags(), Counter()))


def loss(objective: Objective, *, moved: float = 0.0, encoder: Encoder | None = None) -> float:
    """The loss over the sample MAGs; of one with a head, after its classifier has moved from 0."""
    student, mags = read({"it": objective})
    heads = Heads({"it": objective}, 32, encoder or Gcn(32), seed=0)
    for name, weight in heads.named_parameters():
        if "classifier" in name:
            weight.data.copy_(moved * torch.linspace(-1, 2, weight.numel()).view_as(weight))
    module = MagLosses(student, {"it": objective}, heads, Reader(LAYOUTS["tree"])).eval()
    with student.attending(LAYOUTS["tree"]), torch.no_grad():
        return float(module(collate(mags, LAYOUTS["tree"]), {"it": 1.0}).total)


def means(student: Any, mag: Encoded) -> list[float]:
    """Mean log-probability of each chain's tokens, chain by chain."""
    found = []
    for prompt, chain in zip((mag.prompts[place] for place in mag.prompt_of), mag.chains, strict=True):
        with torch.no_grad():
            logits = student.model(torch.tensor([[*prompt, *chain]])).logits[0].double().log_softmax(-1)
        each = [float(logits[len(prompt) + at - 1, token]) for at, token in enumerate(chain)]
        found.append(sum(each) / len(each))
    return found


def test_contrast_is_a_hinge_on_mean_log_probabilities() -> None:
    objective = Contrast(Contrast.Config(rho=0.3))
    student, mags = read({"it": objective})
    terms = [
        max(0.0, 0.3 - said[plus] + said[minus])
        for mag in mags
        for said in [means(student, mag)]
        for plus, minus in mag.columns["it.pairs"].T
    ]
    assert 0 < sum(term == 0 for term in terms) < len(terms)  # some are within the margin, some are not
    assert loss(objective) == pytest.approx(sum(terms), rel=1e-5)


def test_classification_is_logistic_in_mean_log_probabilities() -> None:
    objective = Classification(Classification.Config(slope=3.0, border=-2.0))
    student, mags = read({"it": objective})
    expected = 0.0
    for mag in mags:
        said = means(student, mag)
        for chain, label in zip(mag.columns["it.nodes"][0], mag.columns["it.labels"][0], strict=True):
            expected += math.log1p(math.exp(-(1 if label else -1) * 3.0 * (said[chain] + 2.0)))
    assert loss(objective) == pytest.approx(expected, rel=1e-5)


def test_propagation_starts_as_classification() -> None:
    assert loss(Propagation()) == pytest.approx(loss(Classification()), rel=1e-6)


def test_propagation_corrects_by_what_the_encoder_makes_of_agreement_and_edges() -> None:
    """With an encoder that sums what a turn was shown: worked by hand from U, w and the edges."""
    objective = Propagation()
    student, mags = read({"it": objective})
    enter = Heads({"it": objective}, 32, Summing(32), seed=0)["it"].get_submodule("enter")
    w, expected = 0.1 * torch.linspace(-1, 2, 32), 0.0
    for mag in mags:
        said, columns = means(student, mag), {name[3:]: column for name, column in mag.columns.items()}
        own = [4.0 * (said[chain] + 0.5) for chain in columns["nodes"][0]]
        shares = columns["agreeing"][0] / columns["others"][0].clip(min=1)
        entered = [(enter(torch.tensor(pair).float()) @ w).item() for pair in zip(own, shares, strict=True)]
        place = {chain: number for number, chain in enumerate(columns["nodes"][0])}
        for chain, label in zip(columns["nodes"][0], columns["labels"][0], strict=True):
            shown = [entered[place[source]] for source, target in columns["edges"].T if target == chain]
            logit = own[place[chain]] + sum(shown) - 0.1
            expected += math.log1p(math.exp(-(1 if label else -1) * logit)) if label >= 0 else 0.0
    found = loss(objective, moved=0.1, encoder=Summing(32))
    assert found == pytest.approx(expected, rel=1e-5)
    assert abs(found - loss(objective, moved=0.1, encoder=NoEncoder(32))) > 0.1


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
    told, untold = (loss(Propagation(Propagation.Config(agreement=how)), moved=0.1) for how in (True, False))
    assert abs(told - untold) > 1e-3


def taken(objective: Objective) -> list[dict[str, list[Any]]]:
    found = [select(mag, {"it": objective}, seed=3).columns for mag in sample_mags()]
    return [{name[3:]: column.T.tolist() for name, column in columns.items()} for columns in found]


def test_token_attention_reads_log_probabilities_of_tokens() -> None:
    encoders = (TokenAttention(32), NodeAttention(32))
    tokens, nodes = (loss(Propagation(), moved=0.1, encoder=encoder) for encoder in encoders)
    assert abs(tokens - nodes) > 1e-3
