"""Fixtures of the distiller's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from magdi.core.config.models import Lora, Student
from magdi.core.distill.student import DistillStudent, load_student
from magdi.core.mag import Mag
from tests.core.distill.distill_models import exact_norms, make_mags, make_model


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def family_path(models_folder: Path) -> Callable[[str], Path]:
    return lambda family: make_model(family, models_folder)


@pytest.fixture
def student(family_path: Callable[[str], Path]) -> Callable[..., DistillStudent]:
    """Loads a fresh tiny student: student(family, adaptation, dtype=...)."""

    def load(
        family: str = "llama",
        adaptation: str = "full",
        *,
        dtype: torch.dtype = torch.float32,
        attn: str = "sdpa",
        **options: Any,
    ) -> DistillStudent:
        settings = {"adaptation": adaptation, "dtype": "float32", "max_length": 200, "lora": Lora(r=4, dropout=0)}
        loaded = load_student(Student(**(settings | options)), path=family_path(family), seed=3)
        if adaptation == "lora":
            torch.manual_seed(11)
            for name, weight in loaded.model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(weight, 0, 0.1)
        loaded.model.to(dtype)
        loaded.base.set_attn_implementation(attn)
        if dtype is torch.float64:
            exact_norms(loaded.model)
        return loaded

    return load


@pytest.fixture
def mags() -> list[Mag]:
    return make_mags(4)
