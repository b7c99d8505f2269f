from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError
from magdi.core.run.directory import RunDirectory
from magdi.core.run.inputs import contents
from magdi.core.teacher import Sampling
from magdi.plugins.registry import default_registry
from magdi.plugins.teams import rounds
from tests.team_samples import ROLES, team_run

CONFIG = RunConfig(
    protocol="malt",
    teachers=({"teacher": "simulated:careful", "sampling": {"temperature": 0.3}},),
)


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[RunConfig, Path]]:
    """Lets every round leave a team behind, and tells which rounds there were."""
    made, told = team_run(tmp_path / "made"), []

    def run(config: RunConfig, out: Path, *_: Any, **__: Any) -> RunDirectory:
        told.append((config, out))
        shutil.copytree(made, out)
        return RunDirectory(out)

    monkeypatch.setattr(rounds, "run", run)
    return told


def test_each_round_searches_with_the_roles_of_the_last(held: list[tuple[RunConfig, Path]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    last = rounds.run_rounds(CONFIG, out, default_registry(), 3)
    assert [place for _, place in held] == [out / f"round-{number}" for number in (1, 2, 3)]
    assert last.path == out / "round-3"
    first, second, third = (config for config, _ in held)
    assert first == CONFIG
    for number, config in ((1, second), (2, third)):
        assert [each.teacher for each in config.teachers] == [f"local:{out}/round-{number}#{role}" for role in ROLES]
        assert [each.name for each in config.teachers] == list(ROLES)
        assert {each.sampling for each in config.teachers} == {Sampling(temperature=0.3)}
        assert config.model_copy(update={"teachers": CONFIG.teachers}) == CONFIG
    for teacher in second.teachers:
        default_registry().teacher(teacher, 0).check()


def test_a_round_without_a_team_ends_it(held: list[tuple[RunConfig, Path]], tmp_path: Path) -> None:
    (tmp_path / "made" / "run" / "student" / "team.json").unlink()
    with pytest.raises(ConfigError, match="has one student") as caught:
        rounds.run_rounds(CONFIG, tmp_path / "out", default_registry(), 2)
    assert "--method malt" in caught.value.hint


def test_a_round_knows_when_its_teachers_were_trained_anew(tmp_path: Path) -> None:
    made = team_run(tmp_path)
    config = CONFIG.model_copy(update={"teachers": rounds.roles_as_teachers(RunDirectory(made), CONFIG)})
    before = contents(config)
    assert list(before) == [f"teachers.{place}.teacher" for place in range(3)]
    weights = made / "student" / "verifier" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    after = contents(config)
    assert {path for path in before if before[path] != after[path]} == {"teachers.1.teacher"}
