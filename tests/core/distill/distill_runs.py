"""A run of the distiller that prints its losses; in this process or in another."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch.nn.parallel import DistributedDataParallel

from magdi.core.config.models import ComponentChoice, Lora, RunConfig, Student, Training
from magdi.core.distill.processes import rank
from magdi.core.distill.student import load_student
from magdi.core.distill.trainer import distill
from magdi.core.mag import Mag, read_mags, write_mags
from magdi.core.objective import CHAINS, Chain, Objective, Selecting, Taken
from magdi.core.run.directory import RunDirectory
from magdi.core.run.learned import learned_from
from magdi.core.run.resuming import take_back
from magdi.core.run.run import run as run_stages
from magdi.core.run.stages import Stages
from magdi.core.threads import threads
from magdi.plugins.registry import Registry, default_registry
from tests.core.distill.distill_models import make_mags, make_objectives
from tests.core.distill.distill_plain import MeanEncoder

SHORT = {"learning_rate": 1e-2, "steps": 6, "mags_per_step": 3, "log_every": 2, "save_every": 2}


def run(model: Path | str, out: Path | str, adaptation: str, **settings: Any) -> None:
    """Trains with dropout and annealing, on one thread as another process does; prints step, loss, gradient norm."""
    with threads(1):
        _run(model, out, adaptation, **settings)


def _run(model: Path | str, out: Path | str, adaptation: str, **settings: Any) -> None:
    config = Student(adaptation=adaptation, lora=Lora(r=4, dropout=0.1), max_length=200)
    student = load_student(config, path=model, seed=3)
    torch.manual_seed(0)
    distill(
        make_mags(8),
        student,
        MeanEncoder(student.hidden_size),
        objectives=make_objectives(margin={"anneal": 0.8}, node={"anneal": 0.8}),
        training=Training(**(SHORT | settings)),
        seed=1,
        out=Path(out),
        on_metrics=lambda line: print(line["step"], line["loss"], line["grad_norm"], flush=True),  # noqa: T201
    )


class Everything(Objective):
    """Reads all turns, labelled or not: beside it a batch may hold nothing for another objective."""

    columns = {"read": CHAINS}

    def select(self, given: Selecting) -> Taken:
        return {"read": [Chain(turn.step) for turn in given.mag.turns]}

    def loss(self, batch: Any) -> torch.Tensor:
        return batch.pooled()[batch["read"]].square().mean(1).sum()


def run_beside(name: str, model: Path | str, out: Path | str) -> None:
    """Trains a whole model, its head untied, by one objective that finds nothing in half of the MAGs.

    A step has two MAGs, so that of two processes one often has nothing, and now and then both.
    """
    mags = [mag if place % 2 else unlabelled(mag) for place, mag in enumerate(make_mags(8))]
    objective = default_registry().objective(ComponentChoice(name=name))
    begin = DistributedDataParallel.__init__

    def noting(*given: Any, **settings: Any) -> None:
        (Path(out) / f"{name}.{rank()}").write_text(f"looks for some: {settings.get('find_unused_parameters', False)}")
        begin(*given, **settings)

    with threads(1), patch.object(DistributedDataParallel, "__init__", noting):
        student = load_student(Student(adaptation="full", max_length=200), path=model, seed=3)
        torch.manual_seed(0)
        distill(
            mags,
            student,
            MeanEncoder(student.hidden_size),
            objectives={"everything": Everything(), name: objective},
            training=Training(**(SHORT | {"steps": 4, "mags_per_step": 2, "log_every": 1})),
            seed=1,
            out=Path(out) / name,
            on_metrics=lambda line: print(line["step"], line["loss"], line["grad_norm"], flush=True),  # noqa: T201
        )


def unlabelled(mag: Mag) -> Mag:
    turns = tuple(turn.model_copy(update={"label": None, "label_source": None}) for turn in mag.turns)
    return mag.model_copy(update={"turns": turns})


def shared_config(out: Path) -> RunConfig:
    """Half of some MAGs are learned from; of a run whose student is not as it was left, and one question failed."""
    mags = out.with_suffix(".jsonl")
    write_mags(mags, make_mags(8))
    config = RunConfig.model_validate({"discussion": {"mags": str(mags), "keep": {"share": 0.5}}})
    directory = run_stages(config, out, default_registry(), until="discussion")
    talk, trained = directory.stage("discussion"), {"done": True, "files": {"student/model.safetensors": "1 bytes"}}
    directory.update(stages={"discussion": {**talk, "failed": 1}, "distillation": trained})
    return config


def run_shared(config: RunConfig, out: Path) -> None:
    """Goes on with that run up to where training begins; the first of several processes comes late to what all read."""
    own, seen = rank(), out.with_suffix(f".{rank()}")

    def late(directory: RunDirectory) -> None:
        time.sleep(0.5 * (own == 0))
        take_back(directory)

    def written(*given: Any) -> Path:
        with seen.open("a") as file:
            file.write("written ")
        return learned_from(*given)

    def begun(registry: Registry, stages: Stages, mags: Path) -> dict[str, object]:
        with seen.open("a") as file:
            file.write(f"read {len(list(read_mags(mags)))}")
        return {}

    with (
        patch("magdi.core.run.run.take_back", late),
        patch("magdi.core.run.stages.learned_from", written),
        patch.object(Registry, "train_team", begun),
    ):
        run_stages(config, out, default_registry(), until="distillation")
