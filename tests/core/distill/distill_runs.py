"""A run of the distiller that prints its losses; in this process or in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from magdi.core.config.models import ComponentChoice, Lora, Student, Training
from magdi.core.distill.student import load_student
from magdi.core.distill.trainer import distill
from magdi.core.mag import Mag
from magdi.core.objective import CHAINS, Chain, Objective, Selecting, Taken
from magdi.core.threads import threads
from magdi.plugins.registry import default_registry
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
    with threads(1):
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
