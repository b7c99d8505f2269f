"""The start-up probe finds, for each family, a layout that is exact, and never one that is silently wrong."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

import pytest

from magdi.core.distill.encoded import Encoded
from magdi.core.distill.probe import find_reader
from magdi.core.distill.reading import Reading
from magdi.core.distill.student import DistillStudent
from magdi.core.errors import TrainingError
from tests.core.distill.distill_models import make_mags, make_objectives

Load = Callable[..., DistillStudent]


def probes(student: DistillStudent) -> list[Encoded]:
    return list(Reading(student.tokenizer, make_objectives()).read(make_mags(2), Counter()))


@pytest.mark.parametrize(
    ("family", "layout", "direct"),
    [
        ("llama", "tree", True),
        ("mistral", "tree", True),
        ("gemma2", "tree", False),
        ("gpt2", "tree", True),
        ("cohere", "tree", False),
        ("stablelm", "tree-mask", True),
        ("mamba", "padded", True),
    ],
)
def test_families(student: Load, family: str, layout: str, direct: bool, caplog: pytest.LogCaptureFixture) -> None:
    """StableLM's attention does not look at segments; Mamba carries its state over; Cohere scales its logits."""
    loaded = student(family, attn="eager" if family in ("gemma2", "mamba") else "sdpa")
    own = loaded.base.config._attn_implementation
    with caplog.at_level(logging.WARNING, logger="magdi"):
        reader = find_reader(loaded, probes(loaded))
    assert (reader.layout.name, reader.direct_head) == (layout, direct)
    said = [record for record in caplog.records if record.name.startswith("magdi")]
    assert len(said) == (layout != "tree")
    assert loaded.base.config._attn_implementation == own


def test_a_layout_that_is_not_exact_is_refused(student: Load) -> None:
    loaded = student("mamba", attn="eager")
    with pytest.raises(TrainingError, match="packed is not exact for this model"):
        find_reader(loaded, probes(loaded), "packed")


def test_a_window_shorter_than_the_sequences_is_seen(student: Load) -> None:
    """A dense mask replaces the model's window, which is wrong as soon as a chain is longer than it."""
    loaded = student("mistral")
    with pytest.raises(TrainingError, match="tree-mask is not exact"):
        find_reader(loaded, probes(loaded), "tree-mask")
