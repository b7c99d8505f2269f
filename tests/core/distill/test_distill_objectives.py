"""Each loss against plain numpy (Eq. 1-3), and each one's gradient in the student's weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from distill_models import make_mags
from distill_plain import heads_for, losses_of

from magdi.core.config.models import Objective
from magdi.core.distill import objectives
from magdi.core.distill.batch import collate
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.levels import find_level
from magdi.core.distill.losses import MagLosses, Weighing
from magdi.core.distill.objectives import margin_loss, node_loss, positive_loss
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent

Load = Callable[..., DistillStudent]


def states_and_weight(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(9, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(11, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    return states, weight, torch.randint(0, 11, (9,), generator=generator)


def test_positive_loss_is_eq_1() -> None:
    states, weight, labels = states_and_weight()
    h, w = states.detach().numpy(), weight.detach().numpy()
    expected = 0.0
    for k in range(9):
        scores = [sum(w[v, i] * h[k, i] for i in range(6)) for v in range(11)]
        expected -= np.log(np.exp(scores[labels[k]]) / sum(np.exp(score) for score in scores))
    assert float(positive_loss(states, weight, None, labels).detach()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("elements", [1, 44, 1 << 20])
def test_chunks_and_their_gradients(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any size of chunk gives torch's own loss and gradients, with weights and bias."""
    monkeypatch.setattr(objectives, "CHUNK_ELEMENTS", {"cpu": elements})
    states, weight, labels = states_and_weight()
    bias = torch.linspace(-1, 1, 11, dtype=torch.float64, requires_grad=True)
    scale = torch.linspace(0, 2, 9, dtype=torch.float64)
    ours = positive_loss(states, weight, bias, labels, scale)
    theirs = torch.nn.functional.cross_entropy(states @ weight.T + bias, labels, reduction="none") @ scale
    assert torch.allclose(ours, theirs, rtol=1e-13)
    for mine, torchs in zip(
        torch.autograd.grad(3 * ours, (states, weight, bias)),
        torch.autograd.grad(3 * theirs, (states, weight, bias)),
        strict=True,
    ):
        assert torch.allclose(mine, torchs, rtol=1e-12, atol=1e-14)


def test_positive_loss_of_nothing_is_zero_and_differentiable() -> None:
    states, weight, _ = states_and_weight()
    loss = positive_loss(states[:0], weight, None, torch.empty(0, dtype=torch.long))
    loss.backward()
    assert float(loss.detach()) == 0


def test_positive_loss_needs_no_gradient() -> None:
    states, weight, labels = states_and_weight()
    with torch.no_grad():
        assert not positive_loss(states, weight, None, labels).requires_grad


def test_margin_loss_is_eq_2() -> None:
    scores = np.tanh(np.random.default_rng(0).normal(size=5))
    right, wrong, rho = [0, 2], [1, 3, 4], 0.7
    expected = sum(max(0.0, rho - scores[p] + scores[m]) for p in right for m in wrong)
    pairs = torch.tensor([[p, m] for p in right for m in wrong]).T
    assert float(margin_loss(torch.from_numpy(scores), pairs, rho)) == pytest.approx(expected, rel=1e-14)


def test_margin_loss_without_pairs_is_zero() -> None:
    scores = torch.zeros(3, requires_grad=True)
    loss = margin_loss(scores, torch.empty(2, 0, dtype=torch.long))
    loss.backward()
    assert float(loss.detach()) == 0
    assert scores.grad is not None


def test_node_loss_is_eq_3() -> None:
    logits = np.random.default_rng(1).normal(size=(4, 2))
    labels = [1, 0, -1, 1]
    expected = -sum(np.log(np.exp(row[y]) / np.exp(row).sum()) for row, y in zip(logits, labels, strict=True) if y >= 0)
    found = node_loss(torch.from_numpy(logits), torch.tensor(labels))
    assert float(found) == pytest.approx(expected, rel=1e-14)


def module_and_batch(student: DistillStudent, *, frozen: bool = False) -> tuple[MagLosses, object]:
    module = losses_of(student, heads_for(student, torch.float32), "tree")
    module.frozen = frozen
    reading = Reading(student.tokenizer, find_level("4"), Objective())
    return module, collate(list(reading.read(make_mags(3), Counter())), LAYOUTS["tree"])


@pytest.mark.parametrize("adaptation", ["lora", "full"])
@pytest.mark.parametrize("term", ["positive", "margin", "node"])
def test_each_term_reaches_the_student(student: Load, adaptation: str, term: str) -> None:
    """The first layer's query projection gets a gradient from each term alone."""
    loaded = student("llama", adaptation)
    module, batch = module_and_batch(loaded)
    with loaded.attending(LAYOUTS["tree"]):
        module(batch, Weighing((1.0, 0.0), 1.0, 1.0))[term].backward()
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
        module(batch, Weighing((1.0, 0.0), 1.0, 1.0))[term].backward()
    assert all(weight.grad is None for weight in loaded.parameters())
    head = module.heads.score if term == "margin" else module.heads.classifier
    assert all(weight.grad is not None and weight.grad.norm() > 0 for weight in head.parameters())


def test_a_term_of_weight_zero_is_not_computed(student: Load) -> None:
    loaded = student()
    module, batch = module_and_batch(loaded)
    with loaded.attending(LAYOUTS["tree"]):
        assert set(module(batch, Weighing((1.0, 0.0)))) == {"positive"}
