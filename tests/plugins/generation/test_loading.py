"""A hub model is the one of its revision, wherever it is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from magdi.core.config.models import Student, name_and_revision
from magdi.core.distill.student import load_student
from magdi.core.files import read_json
from magdi.plugins.generation.loading import base_of, load
from magdi.plugins.testing.tiny import tiny_student


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A hub's cache with two revisions of one model; returns what the embedding's first weight is in each."""
    repository, firsts = tmp_path / "hub" / "models--org--tiny", {}
    (repository / "refs").mkdir(parents=True)
    model, tokenizer = tiny_student()
    for number, revision in enumerate(("main", "v2"), 1):
        commit = str(number) * 40
        (repository / "refs" / revision).write_text(commit)
        with torch.no_grad():
            model.get_input_embeddings().weight[0, 0] = firsts[revision] = float(number)
        for part in (model, tokenizer):
            part.save_pretrained(repository / "snapshots" / commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return firsts


def first_weight(model: object) -> float:
    weight: torch.Tensor = model.get_input_embeddings().weight  # type: ignore[attr-defined]
    return weight[0, 0].item()


@pytest.mark.parametrize(
    ("named", "revision"), [("org/tiny", "main"), ("org/tiny@main", "main"), ("org/tiny@v2", "v2")]
)
def test_a_model_is_loaded_at_its_revision(hub: dict[str, float], named: str, revision: str) -> None:
    model, tokenizer = load(named)
    assert first_weight(model) == hub[revision]
    assert tokenizer.padding_side == "left"


def test_an_adapter_keeps_the_revision_of_its_base(hub: dict[str, float], tmp_path: Path) -> None:
    student = load_student(Student(model="org/tiny", revision="v2"), seed=0)
    student.save(tmp_path / "student")
    assert read_json(tmp_path / "student" / "adapter_config.json")["revision"] == "v2"
    assert base_of(tmp_path / "student") == "org/tiny@v2"
    assert first_weight(load(tmp_path / "student")[0]) == hub["v2"]


def test_a_folder_has_no_revision(tmp_path: Path) -> None:
    folder = tmp_path / "model@home"
    folder.mkdir()
    assert name_and_revision(str(folder)) == (str(folder), None)
    assert Student(model=str(folder), revision="v2").source == str(folder)
