"""magdi evaluate, ask, discuss and export with a team."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

from magdi.cli.app import app
from magdi.core.errors import ConfigError
from magdi.core.evaluation.prediction import read_predictions
from magdi.core.mag import read_mags
from magdi.plugins.teams.team import read_team
from tests.team_samples import ROLES, team_run

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # of peft

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team_run(tmp_path_factory.mktemp("team"))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> dict[str, Any]:
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))

    return call


def test_evaluates_a_team_beside_what_it_was(run: Run, team: Path) -> None:
    found = run("evaluate", team, "--base")
    assert [model["name"] for model in found["models"]] == [f"{team} before distillation", str(team)]
    for model in found["models"]:
        assert (model["count"], model["samples"]) == (3, 3)
        kept = Path(model["predictions"])
        mags = list(read_mags(kept.with_suffix(".mags.jsonl")))
        assert [len(mag.turns) for mag in mags] == [9, 9, 9]
        tokens = sum(mag.usage.completion_tokens for mag in mags)
        assert tokens == sum(each.output_tokens for each in read_predictions(kept)) == 3 * model["output_tokens_mean"]
    alone = run("evaluate", team, "--roles", "generator", "--samples", 1, "--untrained", "generator")
    assert alone["models"][0]["output_tokens_mean"] < found["models"][0]["output_tokens_mean"] / 3


def test_asks_a_team_and_shows_its_chain(run: Run, team: Path) -> None:
    (answer,) = run("ask", team, "2 + 2?")["answers"]
    assert len(answer["outputs"]) == 3
    for output, chain in zip(answer["outputs"], answer["chains"], strict=True):
        assert [turn["role"] for turn in chain] == list(ROLES)
        assert chain[-1]["text"].strip() == output
    shown = CliRunner().invoke(app, ["ask", str(team), "2 + 2?", "--samples", "1"]).stdout
    assert all(f"{role}: " in shown for role in ROLES)


def test_a_trained_team_discusses_and_teaches(run: Run, team: Path, tmp_path: Path) -> None:
    short = {"max_tokens": 24}
    teachers = [{"name": role, "teacher": f"local:{team}#{role}", "sampling": short} for role in ROLES]
    (tmp_path / "team.yaml").write_text(json.dumps({"teachers": teachers}))
    talk = ("--task", "arithmetic", "-P", "samples=2", "--set", "discussion.reasks=0", "--limit", 2)
    run(
        "discuss", tmp_path / "team.yaml", "--protocol", "malt", *talk, "-o", tmp_path / "tree", "--set", "task.train=2"
    )
    for mag in read_mags(tmp_path / "tree" / "mags.jsonl"):
        spoke = {turn.agent: turn.model.partition("@")[0] for turn in mag.turns}
        assert spoke.items() <= {role: f"local:{team}#{role}" for role in ROLES}.items()
        assert mag.turns[0].role == "generator"


def test_exports_adapters_that_peft_loads_by_name(run: Run, team: Path, tmp_path: Path) -> None:
    found = run("export", team, "-o", tmp_path / "out")
    made = read_team(team / "student")
    assert made is not None
    assert found["adapter"]
    modules = " ".join(f"{role}={role}" for role in ROLES)
    assert found["serve"] == (
        f"vllm serve {made.base} --enable-lora --max-loras 3 --max-lora-rank 8 --lora-modules {modules}"
    )
    card = (tmp_path / "out" / "README.md").read_text()
    for fact in (found["serve"], 'model.load_adapter("verifier", adapter_name="verifier")', "MALT", "openai:refiner@"):
        assert fact in card, fact
    base = AutoModelForCausalLM.from_pretrained(made.base)
    model = PeftModel.from_pretrained(base, tmp_path / "out" / "generator", adapter_name="generator")
    for role in ROLES[1:]:
        model.load_adapter(str(tmp_path / "out" / role), adapter_name=role)
    for role in ROLES:
        model.set_adapter(role)
        assert model.active_adapter == role
        of_role = load_file(team / "student" / role / "adapter_model.safetensors")
        name = next(name for name in of_role if "lora_B" in name)
        loaded = model.get_parameter(name.replace("lora_B.weight", f"lora_B.{role}.weight"))
        assert torch.equal(loaded, of_role[name])
    assert read_team(tmp_path / "out") == made
    with pytest.raises(ConfigError, match="share one base"):
        run("export", team, "--merge", "-o", tmp_path / "merged")
