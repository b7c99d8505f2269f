"""Every benchmark has the questions that the paper counts; that they conform, `test_conformance` looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from magdi.core.config.models import ComponentChoice
from magdi.plugins.registry import default_registry

pytestmark = pytest.mark.data


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("gsm8k", {"train": 1000, "validation": 500, "test": 1319}),
        ("commonsense-qa", {"train": 1000, "validation": 500, "test": 1221}),
        ("arc-challenge", {"train": 1000, "validation": 118, "test": 1172}),
        ("strategyqa", {"test": 229}),
        ("math", {"test": 500}),
        ("svamp", {"test": 1000}),
        ("boolq", {"test": 3270}),
    ],
)
def test_has_the_papers_sizes(name: str, sizes: dict[str, int], data: Path) -> None:
    task = default_registry().task(ComponentChoice(name=name, data=str(data)), 0)
    assert {split: len(task.questions(split)) for split in sizes} == sizes  # type: ignore[arg-type]
