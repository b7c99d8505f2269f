"""One forward pass gives the losses and gradients of one pass a turn: to 1e-12 in float64, for every layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from magdi.core.distill.attention import segment_attention
from magdi.core.distill.batch import MagBatch, collate
from magdi.core.distill.encoded import Encoded
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent
from tests.core.distill.distill_models import make_mags, make_objectives
from tests.core.distill.distill_plain import heads_for, losses_of, plain_losses

Load = Callable[..., DistillStudent]
ALL = {"positive": 0.7, "margin": 0.9, "node": 1.1}


def encoded(student: DistillStudent, count: int = 4, level: str = "4") -> list[Encoded]:
    reading = Reading(student.tokenizer, make_objectives(level))
    return list(reading.read(make_mags(count), Counter()))


def gradients(student: DistillStudent, heads: torch.nn.Module, loss: torch.Tensor) -> list[torch.Tensor]:
    weights = [*student.parameters(), *heads.parameters()]
    return list(torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True))


def difference(found: list[torch.Tensor], reference: list[torch.Tensor]) -> float:
    """Norm of the difference over the norm, all gradients together."""
    apart = torch.cat([(a - b).flatten() for a, b in zip(found, reference, strict=True)])
    return float(apart.norm() / torch.cat([b.flatten() for b in reference]).norm())


def compare(
    student: DistillStudent, layout: str, *, direct: bool = True, change: Callable[[MagBatch], MagBatch] = lambda b: b
) -> tuple[float, float]:
    """Returns the relative differences of the loss and of its gradients from the plain computation."""
    dtype = student.base.dtype
    heads = heads_for(student, dtype)
    mags = encoded(student)
    plain = plain_losses(student, heads, mags)
    expected = torch.stack([scale * plain[name] for name, scale in ALL.items()]).sum()
    module = losses_of(student, heads, layout, direct=direct)
    with student.attending(LAYOUTS[layout]):
        found = module(change(collate(mags, LAYOUTS[layout])), ALL).total
        ours = gradients(student, heads, found)
    apart = difference(ours, gradients(student, heads, expected))
    return float((found - expected).detach().abs() / expected.detach()), apart


@pytest.mark.parametrize("layout", ["tree", "tree-mask", "packed", "padded"])
@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_layouts_are_exact(student: Load, layout: str, adaptation: str) -> None:
    loss, gradient = compare(student("llama", adaptation, dtype=torch.float64), layout)
    assert loss < 1e-13
    assert gradient < 1e-12


@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_checkpointing_changes_nothing(student: Load, adaptation: str) -> None:
    loaded = student("llama", adaptation, dtype=torch.float64, gradient_checkpointing=True)
    loaded.model.train()
    loss, gradient = compare(loaded, "tree")
    assert loss < 1e-13
    assert gradient < 1e-12


@pytest.mark.parametrize("family", ["mistral", "qwen2", "qwen3", "gemma", "gemma3_text", "phi", "phi3", "gpt2"])
def test_families_are_exact(student: Load, family: str) -> None:
    """Mistral's and Gemma 3's windows are shorter than the sequences here."""
    for adaptation in ("lora", "full"):
        loss, gradient = compare(student(family, adaptation, dtype=torch.float64), "tree")
        assert loss < 1e-13
        assert gradient < 1e-12


def test_soft_caps_are_exact_as_far_as_the_models_own_attention_is(student: Load) -> None:
    """Gemma 2 caps scores, and takes their softmax in float32 even in a float64 model; its head caps logits."""
    loss, gradient = compare(student("gemma2", attn="eager", dtype=torch.float64), "tree", direct=False)
    assert loss < 1e-8
    assert gradient < 1e-6


@pytest.mark.parametrize("layout", ["tree", "packed", "padded"])
def test_float32_stays_at_rounding(student: Load, layout: str) -> None:
    loss, gradient = compare(student("llama", "lora"), layout)
    assert loss < 1e-6
    assert gradient < 1e-5


@pytest.mark.parametrize("adaptation", ["lora", "full"])
def test_autocast_stays_at_its_own_rounding(student: Load, adaptation: str) -> None:
    """bfloat16 by autocast: the tree is as far from float32 as padded rows are, and its rounding is bfloat16's."""
    found = {}
    for layout in ("tree", "padded"):
        loaded = student("llama", adaptation)
        heads, mags = heads_for(loaded, torch.float32), encoded(loaded)
        module = losses_of(loaded, heads, layout)
        exact = gradients(loaded, heads, run(module, loaded, layout, mags))
        with torch.autocast("cpu", torch.bfloat16):
            rounded = gradients(loaded, heads, run(module, loaded, layout, mags))
        found[layout] = difference(rounded, exact)
    assert 1e-4 < found["tree"] < 1.5 * found["padded"] < 0.1


def run(module: MagLosses, student: DistillStudent, layout: str, mags: list[Encoded]) -> torch.Tensor:
    with student.attending(LAYOUTS[layout]):
        return module(collate(mags, LAYOUTS[layout]), ALL).total


def shifted_positions(batch: MagBatch) -> MagBatch:
    return replace(batch, position_ids=torch.where(batch.position_ids > 8, batch.position_ids + 1, batch.position_ids))


def running_positions(batch: MagBatch) -> MagBatch:
    return replace(batch, position_ids=torch.arange(batch.input_ids.shape[1])[None])


def first_label(batch: MagBatch) -> MagBatch:
    token = batch.token.copy()
    token[batch.chain_start[batch.entries["positive.learned"][0, 0]]] += 1
    return replace(batch, token=token)


def even_pooling(batch: MagBatch) -> MagBatch:
    counts = torch.bincount(batch.pool_node).to(batch.pool_weight)
    return replace(batch, pool_weight=1 / counts[batch.pool_node])


def changed(batch: MagBatch, column: str) -> MagBatch:
    return replace(batch, columns=batch.columns | {column: batch.columns[column].flip(0)})


def backward_edges(batch: MagBatch) -> MagBatch:
    return changed(batch, "node.edges")


def swapped_pairs(batch: MagBatch) -> MagBatch:
    return changed(batch, "margin.pairs")


@pytest.mark.parametrize(
    "fault", [shifted_positions, running_positions, first_label, even_pooling, backward_edges, swapped_pairs]
)
def test_faults_of_a_batch_are_seen(student: Load, fault: Callable[[MagBatch], MagBatch]) -> None:
    _, gradient = compare(student("llama", "full"), "tree", change=fault)
    assert gradient > 1e-3


def blind(mask: torch.Tensor, batch: MagBatch) -> torch.Tensor:
    """Branches do not see the question: only their own tokens."""
    same = owner(batch)
    return mask & (same[:, None] == same[None, :])


def nosy(mask: torch.Tensor, batch: MagBatch) -> torch.Tensor:
    """Branches see all that stands before them in the row."""
    return torch.ones_like(mask).tril()


def owner(batch: MagBatch) -> torch.Tensor:
    """The chain of each token; -1 for questions."""
    found = torch.full((batch.input_ids.shape[1],), -1)
    found[batch.chain_place] = torch.arange(len(batch.chain_length)).repeat_interleave(
        torch.from_numpy(batch.chain_length)
    )
    return found


@pytest.mark.parametrize("fault", [blind, nosy])
def test_faults_of_attention_are_seen(student: Load, fault: Callable[[torch.Tensor, MagBatch], torch.Tensor]) -> None:
    def change(batch: MagBatch) -> MagBatch:
        assert batch.mask is not None
        return replace(batch, mask=fault(batch.mask[0, 0], batch)[None, None])

    _, gradient = compare(student("llama", "full"), "tree-mask", change=change)
    assert gradient > 1e-3


def test_forward_passes_change_nothing(student: Load) -> None:
    """One MAG a forward pass, or all at once: sums over the step's counts are the same; means of means are not."""
    loaded = student("llama", "full")
    heads, mags = heads_for(loaded, torch.float32), encoded(loaded)
    module = losses_of(loaded, heads, "tree")

    def sums(groups: list[list[Encoded]], share: Callable[[list[Encoded]], float]) -> list[torch.Tensor]:
        parts = [share(group) * module(collate(group, LAYOUTS["tree"]), ALL).total for group in groups]
        return gradients(loaded, heads, torch.stack(parts).sum())

    with loaded.attending(LAYOUTS["tree"]):
        together = sums([mags], lambda group: 1.0)
        alone = sums([[mag] for mag in mags], lambda group: 1.0)
        of_means = sums([[mag] for mag in mags], lambda group: 10 / sum(len(mag.chains) for mag in group))
        of_means = [gradient * together[0].norm() / of_means[0].norm() for gradient in of_means]
    assert difference(alone, together) < 1e-5
    assert difference(of_means, together) > 1e-2


def test_no_padding(student: Load) -> None:
    """The tree reads each question once a MAG and each chain once, and nothing else."""
    mags = encoded(student())
    batch = collate(mags, LAYOUTS["tree"])
    assert batch.input_ids.numel() == sum(len(mag.prompts[0]) + sum(map(len, mag.chains)) for mag in mags)


def test_attention_refuses_what_it_is_not_exact_for() -> None:
    q = torch.zeros(1, 1, 4, 8)
    with pytest.raises(NotImplementedError, match="keyword"):
        segment_attention(torch.nn.Identity(), q, q, q, None)
    batch = collate([tiny_mag()], LAYOUTS["tree"])
    with pytest.raises(NotImplementedError, match="s_aux"):
        segment_attention(torch.nn.Identity(), q, q, q, None, segments=batch.segments, s_aux=torch.zeros(1))


def tiny_mag() -> Encoded:
    from magdi.core.distill.encoded import ints

    return Encoded("one", (ints([3, 4]),), (ints([5, 2]),), ints([0]), {}, frozenset(), ())
