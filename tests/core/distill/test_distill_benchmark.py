"""The benchmark's baseline computes the paper's losses, and the tree's saving is there in operations."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from magdi.core.distill.batch import collate
from magdi.core.distill.encoded import Encoded, Size, ints
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.student import DistillStudent
from tests.core.distill.distill_plain import heads_for, losses_of

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
step_data = pytest.importorskip("step_data")
step_pairwise = pytest.importorskip("step_pairwise")


def even_mag(seed: int) -> Encoded:
    """Two right turns and two wrong ones: Appendix A pairs them without drawing any again."""
    draw = np.random.default_rng(seed)

    def tokens(count: int) -> Any:
        return ints(draw.integers(3, 40, count))

    return Encoded(
        id=str(seed),
        prompts=(tokens(5),),
        chains=tuple(tokens(int(draw.integers(4, 9))) for _ in range(4)),
        prompt_of=ints([0] * 4),
        columns={"positive.learned": ints([[0, 2]]), "margin.pairs": ints([[0, 2], [1, 3]])}
        | {"node.nodes": ints([[0, 1, 2, 3]]), "node.labels": ints([[1, 0, 1, 0]])}
        | {"node.edges": ints([[], []]), "node.kinds": ints([[]])},
        of_chains=frozenset({"positive.learned", "margin.pairs", "node.nodes", "node.edges"}),
        counts=(14, 2, 4),
    )


def test_the_baseline_is_exact(student: Callable[..., DistillStudent]) -> None:
    loaded = student("llama", dtype=torch.float64)
    heads, mags = heads_for(loaded, torch.float64), [even_mag(1), even_mag(2)]
    found = [step_pairwise.loss_of(loaded, heads, batch) for batch in step_pairwise.micro_batches(mags, 0)]
    with loaded.attending(LAYOUTS["tree"]):
        ours = losses_of(loaded, heads, "tree")(
            collate(mags, LAYOUTS["tree"]), {"positive": 1.0, "margin": 1.0}
        ).weighted
    for term in ("positive", "margin"):
        theirs = sum(float(part[term].detach()) for part in found)
        # Its pooling weights come as float32 shares of integers; its states are the model's own.
        assert theirs == pytest.approx(float(ours[term].detach()), rel=1e-10)


def test_placeholders_are_no_pairs() -> None:
    (mag,) = [mag for mag in step_data.draw_mags(30, 50, 3) if not mag.counts[1] and mag.counts[0]][:1]
    pairs = step_pairwise.pairs_of(mag, np.random.default_rng(0))
    assert len(pairs) == mag.columns["positive.learned"].size
    assert not any(pair.real for pair in pairs)


def test_the_mix_is_the_papers() -> None:
    """5.3 turns a MAG, 56 % of MAGs without a second round, and no more than 0.45 of pairwise's tokens in the tree."""
    mags = step_data.draw_mags(600, 1000, 5)
    assert np.mean([len(mag.chains) for mag in mags]) == pytest.approx(5.3, abs=0.3)
    assert np.mean([len(mag.chains) == 3 for mag in mags]) == pytest.approx(0.557, abs=0.05)
    batches = step_pairwise.micro_batches(mags, 0)
    pairwise = sum(step_pairwise.tokens_of(batch) for batch in batches)
    assert sum(Size.of(mag).tokens for mag in mags) < 0.45 * pairwise
