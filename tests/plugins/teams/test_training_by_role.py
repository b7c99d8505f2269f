"""Method malt: an adapter for each role, by supervised training and then by preferences."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import magdi
from magdi.core.config.models import Training
from magdi.core.errors import ConfigError, TrainingError
from magdi.core.evaluation.prediction import Prediction, PredictionFile
from magdi.core.files import read_json
from magdi.core.mag import Message, Turn, read_mags, write_mags
from magdi.core.run.directory import RunDirectory
from magdi.core.run.progress import Progress
from magdi.plugins.runs.plan import training_plan
from magdi.plugins.setup import set_up
from magdi.plugins.suites.evening_out import evened_out
from magdi.plugins.suites.file import Equal
from magdi.plugins.suites.jobs import Job, Learner
from magdi.plugins.suites.measure import measure
from magdi.plugins.teams.team import Team
from tests.made_once import of_all_workers

JOB = Path(__file__).parents[2] / "core" / "run" / "resume_job.py"
STAGES = ["generator", "verifier.sft", "verifier", "refiner.sft", "refiner"]


def team(out: Path, mags: Any = None, training: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    toy: dict[str, Any] = {
        "task": {"name": "arithmetic", "train": 24, "primer_problems": 40, "primer_checks": 0},
        "protocol": {"name": "malt", "samples": 2},
        "student": {"tiny": {"hidden": 32, "layers": 1, "heads": 2, "epochs": 0}, "lora": {"r": 4, "alpha": 8}},
        "training": {"method": "malt", "steps": 3, "log_every": 1, "dpo": {"steps": 2}} | (training or {}),
    }
    given = {"mags": mags} if mags else {}
    return magdi.run(out=out, until="distillation", **toy | given | settings).to_dict()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    os.environ["MAGDI_CACHE"] = str(of_all_workers(tmp_path_factory) / "magdi-cache")
    out = tmp_path_factory.mktemp("team") / "run"
    team(out)
    return out


def weights(run: Path, folder: str) -> bytes:
    return (run / "student" / folder / "adapter_model.safetensors").read_bytes()


def test_every_role_has_an_adapter_and_the_team_says_so(trained: Path) -> None:
    found = Team.model_validate(read_json(trained / "student" / "team.json"))
    assert found.roles == {role: role for role in ("generator", "verifier", "refiner")}
    assert found.trained == {"generator": ("sft",), "verifier": ("sft", "dpo"), "refiner": ("sft", "dpo")}
    assert (found.protocol, found.settings["samples"]) == ("malt", 2)
    assert len({weights(trained, folder) for folder in STAGES}) == len(STAGES)
    assert not list((trained / "checkpoints").glob("**/checkpoint-*"))


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # PEFT asks for it
@pytest.mark.filterwarnings("ignore:.*tie_word_embeddings:UserWarning")  # the tiny base's are
def test_the_adapters_load_in_plain_peft_by_name(trained: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    found = read_json(trained / "student" / "team.json")
    base = AutoModelForCausalLM.from_pretrained(found["base"])
    model = PeftModel.from_pretrained(base, trained / "student" / "generator", adapter_name="generator")
    for role in ("verifier", "refiner"):
        model.load_adapter(str(trained / "student" / role), adapter_name=role)
    assert set(model.peft_config) == set(found["roles"])


def test_training_one_role_again_leaves_the_others_as_they_are(trained: Path, tmp_path: Path) -> None:
    mags = list(read_mags(trained / "mags.jsonl"))
    turned = [
        mag.model_copy(
            update={
                "turns": tuple(
                    turn.model_copy(update={"text": f"{turn.text} Indeed."}) if turn.role == "refiner" else turn
                    for turn in mag.turns
                )
            }
        )
        for mag in mags
    ]
    write_mags(tmp_path / "mags.jsonl", turned)
    team(tmp_path / "run", tmp_path / "mags.jsonl")
    same = {folder: weights(trained, folder) == weights(tmp_path / "run", folder) for folder in STAGES}
    assert same == {folder: not folder.startswith("refiner") for folder in STAGES}


def test_roles_that_preferences_train_are_chosen(trained: Path, tmp_path: Path) -> None:
    chosen = {"dpo": {"roles": ["generator"], "steps": 2}}
    found = team(tmp_path / "run", trained, chosen)["training"]["roles"]
    assert {role: list(stages) for role, stages in found.items()} == {
        "generator": ["sft", "dpo"], "verifier": ["sft"], "refiner": ["sft"],
    }  # fmt: skip
    assert weights(tmp_path / "run", "generator.sft") == weights(trained, "generator")
    with pytest.raises(ConfigError, match="no turn has the role 'critic'"):
        team(tmp_path / "none", trained, {"dpo": {"roles": ["critic"]}})


def test_roles_of_another_name_learn_preferences_where_they_are_named(trained: Path, tmp_path: Path) -> None:
    others = {"verifier": "checker", "refiner": "mender"}

    def renamed(turn: Turn) -> Turn:
        role = others.get(turn.role, "generator")
        prompt = (Message(role="user", content=f"{role}: {turn.branch[:-1]}"),)
        return turn.model_copy(update={"role": role, "prompt": prompt})

    mags = [
        mag.model_copy(update={"turns": tuple(map(renamed, mag.turns))}) for mag in read_mags(trained / "mags.jsonl")
    ]
    write_mags(tmp_path / "mags.jsonl", mags)
    notes: list[str] = []
    listening = Progress()
    listening.note = notes.append  # type: ignore[method-assign, assignment]
    found = team(tmp_path / "run", tmp_path / "mags.jsonl", progress=listening)["training"]["roles"]
    assert {role: list(stages) for role, stages in found.items()} == dict.fromkeys(
        ("generator", "checker", "mender"), ["sft"]
    )
    (said,) = [note for note in notes if "preferences, as no turn" in note]
    assert "'training.dpo.roles=[generator, checker, mender]'" in said


@pytest.mark.parametrize("by", ["steps", "tokens"])
def test_suites_even_out_with_all_roles_and_stages(trained: Path, by: Equal) -> None:
    run = RunDirectory(trained)
    whole, stages = run.config(), run.stage("distillation")["training"]
    assert stages["steps"] == 3 * 3 + 2 * 2

    def evened(training: dict[str, Any]) -> Training:
        config = whole.model_copy(update={"training": whole.training.model_copy(update=training)})
        amounts = (Learner(whole, trained),)
        job = Job("cell", "", config, trained.parent / "cell", talk=trained, by=by, partners=amounts)
        return evened_out(job, set_up(load=False).plugins.registry, Progress()).training

    assert (evened({}).steps, evened({}).dpo.steps) == (3, 2)  # it is as long already
    longer = evened({"steps": 30, "dpo": whole.training.dpo.model_copy(update={"steps": 20})})
    assert (longer.steps, longer.dpo.steps) == (3, 2)
    alone = evened({"role": "generator"}).steps
    assert alone is not None
    assert alone == stages["steps"] if by == "steps" else alone > 3  # what is shown to a refiner it does not read


@pytest.mark.parametrize(
    ("asked", "steps"),
    [
        ({}, 3 * 3 + 2 * 2),
        ({"stage": "sft"}, 3 * 3),
        ({"roles": ("generator",)}, 3),
        ({"roles": ("generator", "refiner"), "untrained": ("refiner",)}, 3),
        ({"untrained": ("generator", "verifier", "refiner")}, 0),
    ],
)
def test_suites_count_what_those_were_taught_who_answer(
    trained: Path, tmp_path: Path, asked: dict[str, Any], steps: int
) -> None:
    shutil.copytree(trained, tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    config = run.config()
    evaluation = config.evaluation.model_copy(update=asked)
    config = config.model_copy(update={"evaluation": evaluation})
    registry = set_up(load=False).plugins.registry
    question = registry.task(config.task, config.seed).questions("test")[0]
    given = Prediction(id=question.id, prompt=question.prompt, output="The answer is 1.", correct=False)
    with PredictionFile(run.predictions("student"), {}) as file:
        file.finish([given])
    figures = measure(run, config, Job("cell", "", config, run.path), registry).figures
    assert figures["steps"] == steps
    assert bool(figures["calls"]) == bool(figures["trained_tokens"]) == bool(figures["read_tokens"]) == bool(steps)


def test_it_learns_from_outcomes_and_adapters_only(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="adaptation: lora"):
        team(tmp_path / "full", trained, student={"adaptation": "full"})
    unlabelled = [
        mag.model_copy(
            update={"turns": tuple(turn.model_copy(update={"label": None, "value": None}) for turn in mag.turns)}
        )
        for mag in read_mags(trained / "mags.jsonl")
    ]
    write_mags(tmp_path / "mags.jsonl", unlabelled)
    with pytest.raises(TrainingError, match="no turn of the roles generator, verifier, refiner is right"):
        team(tmp_path / "run", tmp_path / "mags.jsonl")


MOMENTS = [("training verifier (dpo)", 1), ("training refiner (sft)", 2)]


def test_killed_in_two_stages_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    settings = [
        *("--protocol", "malt", "-P", "samples=2", "--method", "malt", "--limit", "24", "--quick"),
        *("--task-arg", "primer_problems=40", "--task-arg", "primer_checks=0"),
        *("--set", "student.tiny.hidden=32", "--set", "student.tiny.layers=1", "--set", "student.tiny.heads=2"),
        *("--set", "student.tiny.epochs=0", "--set", "training.steps=3", "--set", "training.dpo.steps=2"),
        *("--set", "training.save_every=1", "--set", "training.log_every=1", "--set", "student.lora.r=4"),
    ]
    calm, shaken = tmp_path / "calm", tmp_path / "shaken"
    jobs = [(calm, "", 0), *((shaken, *moment) for moment in MOMENTS), (shaken, "", 0)]
    lines = [
        json.dumps([["distill", "--quiet", *settings, "-o", str(out)], stage, count]) for out, stage, count in jobs
    ]
    done = subprocess.run(
        [sys.executable, JOB], input="\n".join(lines), capture_output=True, text=True, check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert [int(end) for end in done.stdout.split()] == [0, *[-signal.SIGKILL] * len(MOMENTS), 0], done.stderr
    assert all(weights(calm, folder) == weights(shaken, folder) for folder in STAGES)
    steps = [json.loads(line)["step"] for line in (shaken / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 3 + 5 + 5 + 1))


def test_the_plan_tells_both_stages() -> None:
    setup = set_up(flags={"protocol.name": "malt", "training.method": "malt", "discussion.questions": 5})
    found = training_plan(setup.config, setup.plugins.registry, 5)
    assert (found["level"], found["by_role"]) == ("malt", {"sft": 150, "dpo": 20})
    assert (found["objectives"], found["encoder"]) == (["positive", "dpo"], None)
