"""Weights that may go without a gradient: where there are none, several processes do not look for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from magdi.core.config.models import ComponentChoice, Training
from magdi.core.distill.corpus import read_corpus
from magdi.core.distill.heads import Heads
from magdi.core.distill.layouts import LAYOUTS
from magdi.core.distill.losses import MagLosses, Reader
from magdi.core.distill.student import DistillStudent
from magdi.core.distill.trainer import reading_of
from magdi.core.distill.unused import may_be_unused
from magdi.plugins.registry import default_registry
from tests.core.distill.distill_models import make_mags, make_objectives

ENCODERS = ["gcn", "rgcn", "gat", "token-attention"]


@pytest.mark.parametrize(
    ("adaptation", "level", "encoder", "settings", "expected"),
    [
        *(("lora", "4", encoder, {}, False) for encoder in ENCODERS),
        ("full", "4", "gcn", {}, False),
        ("lora", "4", "gcn", {"node": {"anneal": 0.5}}, True),
        ("full", "margin", "gcn", {}, True),
    ],
)
def test_weights_are_looked_for_where_some_may_be_unused(
    student: Callable[..., DistillStudent],
    adaptation: str,
    level: str,
    encoder: str,
    settings: dict[str, dict[str, float]],
    expected: bool,
) -> None:
    """An untied projection is used by what teaches to write alone, an encoder whatever there is to read."""
    loaded, registry = student("llama", adaptation), default_registry()
    named = {} if level.isdigit() else {level: registry.objective(ComponentChoice(name=level))}
    objectives = named or make_objectives(level, **settings)
    corpus = read_corpus(make_mags(8), reading_of(loaded, objectives, Training(), 1))
    graph = registry.encoder(ComponentChoice(name=encoder), loaded.hidden_size)
    heads = Heads(objectives, loaded.hidden_size, graph, seed=1)
    module = MagLosses(loaded, objectives, heads, Reader(LAYOUTS["padded"]))
    assert may_be_unused(module, corpus.probes()[-1], 4) is expected
