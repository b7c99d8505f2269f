"""Weights of somebody else are numbers: reading them runs nothing."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from magdi.core.errors import DataError
from magdi.plugins.generation.loading import base_of, load
from magdi.plugins.testing.tiny import tiny_student


class Attack:
    """What leaves a mark where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("written", ["as it should be", "by torch", "by pickle"])
def test_weights_that_are_code_are_refused_and_not_run(tmp_path: Path, written: str) -> None:
    marker, model = tmp_path / "it ran", tmp_path / "model"
    for part in tiny_student():
        part.save_pretrained(model)
    if written == "as it should be":
        load(model, device="cpu")
        return
    (model / "model.safetensors").unlink()
    attack, weights = {"model.embed_tokens.weight": Attack(marker)}, model / "pytorch_model.bin"
    if written == "by torch":
        torch.save(attack, weights)
    else:
        weights.write_bytes(pickle.dumps(attack))
    with pytest.raises(DataError, match="cannot be loaded"):
        load(model, device="cpu")
    assert not marker.exists()
    pickle.loads(pickle.dumps(attack))
    assert marker.exists()  # so it would have shown


def test_an_adapter_that_asks_for_a_module_is_refused(tmp_path: Path) -> None:
    settings = {"base_model_name_or_path": "x", "megatron_config": {"a": 1}, "megatron_core": "antigravity"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(DataError, match="asks for a module to be imported"):
        base_of(tmp_path)
