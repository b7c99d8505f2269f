"""Each loss against plain numpy (Eq. 1-3), and each one's gradient in the student's weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from magdi.core.distill import vocabulary
from magdi.core.distill.batch import collate
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses
from magdi.core.distill.objective_batch import ObjectiveBatch
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent
from magdi.core.distill.vocabulary import cross_entropy, token_logprobs
from magdi.core.encoder import GraphBatch
from magdi.plugins.objectives.margin import Margin
from magdi.plugins.objectives.node import Node
from tests.core.distill.distill_models import make_mags, make_objectives
from tests.core.distill.distill_plain import heads_for, losses_of

Load = Callable[..., DistillStudent]


def states_and_weight(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(9, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    return states, weight, torch.randint(0, 11, (9,), generator=generator)


def test_cross_entropy_is_eq_1() -> None:
    states, weight, labels = states_and_weight()
    h, w = states.detach().numpy(), weight.detach().numpy()
    expected = 0.0
    for k in range(9):
        scores = [sum(w[v, i] * h[k, i] for i in range(6)) for v in range(11)]
        expected -= np.log(np.exp(scores[labels[k]]) / sum(np.exp(score) for score in scores))
    assert float(cross_entropy(states, weight, None, labels).detach()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("elements", [1, 44, 1 << 20])
def test_chunks_and_their_gradients(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any size of chunk gives torch's own loss and gradients, with weights and bias."""
    monkeypatch.setattr(vocabulary, "CHUNK_ELEMENTS", {"cpu": elements})
    states, weight, labels = states_and_weight()
    bias = torch.linspace(-1, 1, 11, dtype=torch.float64, requires_grad=True)
    scale = torch.linspace(0, 2, 9, dtype=torch.float64)
    ours = cross_entropy(states, weight, bias, labels, scale)
    theirs = torch.nn.functional.cross_entropy(states @ weight.T + bias, labels, reduction="none") @ scale
    assert torch.allclose(ours, theirs, rtol=1e-13)
    for mine, torchs in zip(
        torch.autograd.grad(3 * ours, (states, weight, bias)),
        torch.autograd.grad(3 * theirs, (states, weight, bias)),
        strict=True,
    ):
        assert torch.allclose(mine, torchs, rtol=1e-12, atol=1e-14)


def test_cross_entropy_of_nothing_is_zero_and_differentiable() -> None:
    states, weight, _ = states_and_weight()
    loss = cross_entropy(states[:0], weight, None, torch.empty(0, dtype=torch.long))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0


def test_cross_entropy_needs_no_gradient() -> None:
    states, weight, labels = states_and_weight()
    with torch.no_grad():
        assert not cross_entropy(states, weight, None, labels).requires_grad


def batch_of(name: str, pooled: torch.Tensor, head: object, **columns: torch.Tensor) -> ObjectiveBatch:
    """A batch of one MAG whose chains have these pooled states."""
    read = SimpleNamespace(
        pooled=pooled, batch=SimpleNamespace(ids=["m"], columns={}, graph=torch.zeros(len(pooled)).long())
    )
    read.batch.columns = {
        f"{name}.{key}": column if column.dim() > 1 else column[None] for key, column in columns.items()
    }
    return ObjectiveBatch(read, name, head, lambda *logged: None)  # type: ignore[arg-type]


def test_margin_loss_is_eq_2() -> None:
    scores = np.tanh(np.random.default_rng(0).normal(size=5))
    right, wrong, rho = [0, 2], [1, 3, 4], 0.7
    expected = sum(max(0.0, rho - scores[p] + scores[m]) for p in right for m in wrong)
    pairs = torch.tensor([[p, m] for p in right for m in wrong]).T
    batch = batch_of("margin", torch.from_numpy(scores), {"score": lambda states: states}, pairs=pairs)
    assert float(Margin(Margin.Config(rho=rho)).loss(batch)) == pytest.approx(expected, rel=1e-14)


def test_margin_loss_without_pairs_is_zero() -> None:
    scores = torch.zeros(3, requires_grad=True)
    batch = batch_of("margin", scores, {"score": lambda states: states}, pairs=torch.empty(2, 0, dtype=torch.long))
    loss = Margin().loss(batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert scores.grad is not None


class Same(torch.nn.Module):
    """An encoder that gives what it is given."""

    needs_tokens = False

    def forward(self, graph: GraphBatch) -> torch.Tensor:
        return graph.x


def test_node_loss_is_eq_3() -> None:
    logits = np.random.default_rng(1).normal(size=(4, 2))
    labels = [1, 0, -1, 1]
    expected = -sum(np.log(np.exp(row[y]) / np.exp(row).sum()) for row, y in zip(logits, labels, strict=True) if y >= 0)
    none = torch.empty(2, 0, dtype=torch.long)
    columns = {"nodes": torch.arange(4), "labels": torch.tensor(labels), "edges": none, "kinds": none[:1]}
    batch = batch_of("node", torch.from_numpy(logits), {"encoder": Same(), "classifier": lambda x: x}, **columns)
    assert float(Node().loss(batch)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("elements", [1, 44, 1 << 20])
def test_log_probabilities_of_tokens_are_torchs(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "CHUNK_ELEMENTS", {"cpu": elements})
    states, weight, labels = states_and_weight()
    bias = torch.linspace(-1, 1, 11, dtype=torch.float64, requires_grad=True)
    ours = token_logprobs(states, weight, bias, labels)
    theirs = (states @ weight.T + bias).log_softmax(1).gather(1, labels[:, None]).squeeze(1)
    assert torch.allclose(ours, theirs, rtol=1e-13)
    upstream = torch.linspace(-2, 3, 9, dtype=torch.float64)
    for mine, torchs in zip(
        torch.autograd.grad(ours @ upstream, (states, weight, bias)),
        torch.autograd.grad(theirs @ upstream, (states, weight, bias)),
        strict=True,
    ):
        assert torch.allclose(mine, torchs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("made", [cross_entropy, token_logprobs])
def test_nothing_to_predict_still_touches_the_projection(made: Callable[..., torch.Tensor]) -> None:
    """A process whose share has no right turn must have gradients where the others have: they would wait for ever."""
    states, weight, _ = states_and_weight()
    made(states[:0], weight, None, torch.empty(0, dtype=torch.long)).sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert float(weight.grad.abs().sum()) == 0


def module_and_batch(student: DistillStudent, *, frozen: bool = False) -> tuple[MagLosses, object]:
    states = "frozen" if frozen else "live"
    module = losses_of(student, heads_for(student, torch.float32), "tree", states=states)
    reading = Reading(student.tokenizer, make_objectives())
    return module, collate(list(reading.read(make_mags(3), Counter())), LAYOUTS["tree"])


@pytest.mark.parametrize("adaptation", ["lora", "full"])
@pytest.mark.parametrize("term", ["positive", "margin", "node"])
def test_each_term_reaches_the_student(student: Load, adaptation: str, term: str) -> None:
    """The first layer's query projection gets a gradient from each term alone."""
    loaded = student("llama", adaptation)
    module, batch = module_and_batch(loaded)
    with loaded.attending(LAYOUTS["tree"]):
        module(batch, dict.fromkeys(module.objectives, 1.0)).weighted[term].backward()
    reached = [
        float(weight.grad.norm())
        for name, weight in loaded.model.named_parameters()
        if "layers.0.self_attn.q_proj" in name and weight.requires_grad and weight.grad is not None
    ]
    assert reached
    assert min(reached) > 1e-7


@pytest.mark.parametrize("term", ["margin", "node"])
def test_frozen_node_states_reach_the_heads_only(student: Load, term: str) -> None:
    loaded = student("llama", "full")
    module, batch = module_and_batch(loaded, frozen=True)
    with loaded.attending(LAYOUTS["tree"]):
        module(batch, dict.fromkeys(module.objectives, 1.0)).weighted[term].backward()
    assert all(weight.grad is None for weight in loaded.parameters())
    head = (
        module.heads["margin"].get_submodule("score")
        if term == "margin"
        else module.heads["node"].get_submodule("classifier")
    )
    assert all(weight.grad is not None and weight.grad.norm() > 0 for weight in head.parameters())


def test_a_term_of_weight_zero_is_not_computed(student: Load) -> None:
    loaded = student()
    module, batch = module_and_batch(loaded)
    with loaded.attending(LAYOUTS["tree"]):
        assert set(module(batch, {"positive": 1.0}).weighted) == {"positive"}
