"""Every benchmark passes the conformance kit, on real data."""

from __future__ import annotations

from pathlib import Path

import pytest

from magdi.core.config.models import ComponentChoice
from magdi.plugins.registry import default_registry
from magdi.plugins.target import resolve
from magdi.plugins.testing.runner import run_checks

pytestmark = pytest.mark.data

TASKS = ("gsm8k", "strategyqa", "commonsense-qa", "arc-challenge", "math", "svamp", "boolq", "mix:gsm8k+svamp+boolq")


@pytest.mark.parametrize("name", TASKS)
def test_conforms(name: str, data: Path) -> None:
    registry = default_registry()
    config = registry.chosen_settings("task", ComponentChoice(name=name, data=str(data)), 0)
    component = registry.find("task", name.partition(":")[0]).component
    results = list(run_checks("task", resolve(component.target), config, component=component))
    assert [f"{result.name}: {result.message}" for result in results if not result.passed] == []
    assert sum(result.applies for result in results) > 10


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
