"""A run with a team whose adapters have random weights: what training by role leaves behind."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

from magdi.core.config.models import RunConfig
from magdi.core.run.directory import RunDirectory
from magdi.plugins.teams.team import Team, write_team
from magdi.plugins.testing import tiny_student
from tests.core.run.run_directories import opened_run

ROLES = ("generator", "verifier", "refiner")


def team_run(folder: Path, roles: tuple[str, ...] = ROLES) -> Path:
    """Makes a base and a run whose roles have an adapter each; of one not named the base speaks."""
    base, run = folder / "base", RunDirectory(folder / "run")
    model, tokenizer = tiny_student(hidden=16)
    model.save_pretrained(base)
    tokenizer.save_pretrained(base)
    task = {"name": "arithmetic", "train": 4, "validation": 2, "test": 3}
    opened_run(run.path, RunConfig(task=task, evaluation={"max_new_tokens": 8, "temperature": 0.3, "samples": 3}))
    for number, role in enumerate(roles):
        torch.manual_seed(number)
        config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        with warnings.catch_warnings(action="ignore"):  # of what peft reads of models
            adapted = get_peft_model(tiny_student(hidden=16)[0], config)
        adapted.save_pretrained(run.student / role)
        file = run.student / role / "adapter_config.json"
        settings = json.loads(file.read_text()) | {"base_model_name_or_path": str(base)}
        file.write_text(json.dumps(settings))
    trained = dict.fromkeys(roles, ("sft",))
    named = {role: role if role in roles else None for role in ROLES}
    write_team(run.student, Team(base=str(base), roles=named, trained=trained))
    return run.path
