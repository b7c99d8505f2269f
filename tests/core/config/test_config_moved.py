"""Keys that have moved: old files, old runs, old commands mean what they meant, and say where the keys are now."""

from __future__ import annotations

from pathlib import Path

import pytest

from magdi.core.config.models import RunConfig
from magdi.plugins.objectives.levels import objectives_of
from tests.core.config.config_sources import load_config

OLD = {
    "alpha": 0.5, "beta": 0.3, "gamma": 0.7, "margin": 0.9, "anneal": 0.4, "node_states": "frozen", "pairs": "sampled",
    "reduction": "sum",
}  # fmt: skip
NEW = {
    "positive": {"weight": 0.5},
    "margin": {"weight": 0.3, "rho": 0.9, "anneal": 0.4, "states": "frozen", "pairs": "sampled"},
    "node": {"weight": 0.7, "anneal": 0.4, "states": "frozen"},
}


def settings(config: RunConfig) -> dict[str, dict[str, object]]:
    return {name: each.settings for name, each in objectives_of(config).items()}


def test_a_run_of_before_is_read_as_it_was_meant() -> None:
    config = RunConfig.model_validate({"objective": OLD})
    assert settings(config) == NEW
    assert config.training.reduction == "sum"
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_a_level_of_two_lessons_keeps_its_weight() -> None:
    config = RunConfig.model_validate({"objective": {"alpha": 0.5}, "training": {"level": "dss-mt"}})
    assert [each["weight"] for each in settings(config).values()] == [0.5, 0.5]


def test_old_keys_are_laid_where_they_are_now_and_said(tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    file.write_text("seed: 1\nobjective:\n  beta: 0.3\n  anneal: 0\n")
    loaded = load_config([file], {"MAGDI_OBJECTIVE__GAMMA": "0.2"}, {}, ["objective.beta=0.4"])
    assert settings(loaded.config)["margin"] == {"weight": 0.4, "anneal": 0}
    assert settings(loaded.config)["node"] == {"weight": 0.2, "anneal": 0}
    assert loaded.origins["objectives.margin.weight"] == "--set objective.beta"
    assert loaded.origins["objectives.node.anneal"] == f"{file}:4"
    assert f"objective.beta is now objectives.margin.weight ({file}:3)" in loaded.notes
    assert "objective.gamma is now objectives.node.weight (environment MAGDI_OBJECTIVE__GAMMA)" in loaded.notes


@pytest.mark.parametrize("student", ["tiny", "some/model"])
def test_a_list_goes_before_a_presets_level(student: str) -> None:
    flags = {"student.model": student, "objectives": ["positive", {"name": "margin", "weight": 0.5}]}
    config = load_config([], {}, flags).config
    assert list(objectives_of(config)) == ["positive", "margin"]
    assert objectives_of(config)["margin"].settings["weight"] == 0.5


def test_new_keys_say_nothing() -> None:
    assert load_config([], {}, {}, ["objectives.margin.weight=0.4"]).notes == ()
