"""Training on a GPU that is pretended: nothing is left on the processor, and it learns what it would there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch.nn.attention import varlen
from transformers import TrainingArguments

from magdi.core.config.models import ComponentChoice, Lora, Student, Training
from magdi.core.distill import attention, trainer
from magdi.core.distill.student import load_student
from magdi.core.threads import threads
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.registry import default_registry
from magdi.plugins.testing.pretend_device import DEVICE, PretendDevice
from tests.core.distill.distill_models import make_mags
from tests.core.distill.test_distill_cuda import kernel

ALL = [each.name for each in BUILTINS["objective"]]


@contextmanager
def on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Has the trainer find a GPU; its random numbers are the processor's."""
    fork = torch.random.fork_rng
    with monkeypatch.context() as patch, PretendDevice():
        patch.setattr(TrainingArguments, "device", DEVICE)
        patch.setattr(Accelerator, "device", DEVICE)
        patch.setattr(trainer, "_device", lambda: DEVICE)
        patch.setattr(torch.random, "fork_rng", lambda devices: fork(devices=[]))
        yield


def learn(model: Path, out: Path, objectives: list[str], encoder: str, **student: Any) -> list[dict[str, float]]:
    registry, lines = default_registry(), list[dict[str, float]]()
    settings = {"adaptation": "lora", "lora": Lora(r=4, dropout=0.1), "max_length": 200} | student
    with threads(1):
        loaded = load_student(Student(**settings), path=model, seed=3)
        torch.manual_seed(0)
        trainer.distill(
            make_mags(8),
            loaded,
            registry.encoder(ComponentChoice(name=encoder), loaded.hidden_size),
            objectives={name: registry.objective(ComponentChoice(name=name)) for name in objectives},
            training=Training(steps=3, mags_per_step=3, learning_rate=1e-2, log_every=1, validation=0.25),
            seed=1,
            out=out,
            on_metrics=lambda line: lines.append(dict(line)),
        )
    machine = ("_per_second", "_mib", "seconds")
    return [{name: value for name, value in line.items() if not name.endswith(machine)} for line in lines]


@pytest.mark.filterwarnings("ignore:CUDA is not available")
@pytest.mark.parametrize(
    ("family", "objectives", "encoder", "student"),
    [
        ("llama", ALL, "token-attention", {}),
        ("gemma3_text", ["positive", "margin", "node"], "gcn", {"dtype": "bfloat16"}),
        ("mistral", ["positive", "node"], "rgcn", {"adaptation": "full"}),
    ],
)
def test_nothing_is_left_behind(
    family: str,
    objectives: list[str],
    encoder: str,
    student: dict[str, Any],
    family_path: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All objectives, encoders' inputs, validation, checkpoints; in bfloat16 by the variable-length kernel."""
    by_kernel: list[Any] = []
    inner = attention._varlen
    monkeypatch.setattr(varlen, "varlen_attn", kernel)
    monkeypatch.setattr(attention, "_varlen", lambda *given: (by_kernel.append(given), inner(*given))[1])
    with on_a_gpu(monkeypatch):
        there = learn(family_path(family), tmp_path / "there", objectives, encoder, **student)
    assert bool(by_kernel) == ("dtype" in student)
    here = learn(family_path(family), tmp_path / "here", objectives, encoder, **student)
    loose = 5e-2 if "dtype" in student else 1e-4
    assert len(there) == len(here) > 3
    for one, other in zip(there, here, strict=True):
        assert one == pytest.approx(other, rel=loose, abs=loose)
