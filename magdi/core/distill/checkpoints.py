"""Checkpoints of a training run: only what is trained, and a mark that says that all of it was written."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from magdi.core.errors import DataError, TrainingError
from magdi.core.seals import is_sealed, read_sealed, seal, write_sealed

WEIGHTS = "trained.safetensors"
COMPLETE = "complete"
IDENTITY = "identity.json"
RENEWED = "renewed.jsonl"
"""The MAGs that were learned from last, where the student's own answers joined them; kept beside the student."""


def trained_state(module: nn.Module) -> dict[str, Tensor]:
    """Returns what training changes: trained parameters (tied ones once) and the heads' buffers, by name."""
    state = {name: weight.data for name, weight in module.named_parameters() if weight.requires_grad}
    state |= {name: buffer for name, buffer in module.named_buffers() if name.startswith("heads.")}
    return state


def save_trained(module: nn.Module, directory: Path) -> None:
    """Writes `trained_state`."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in trained_state(module).items()}
    save_file(weights, directory / WEIGHTS, metadata={"format": "pt"})


def load_trained(module: nn.Module, directory: Path) -> None:
    """Reads what `save_trained` wrote.

    Raises:
        TrainingError: The checkpoint is of another model.
    """
    if not (directory / WEIGHTS).exists():
        raise TrainingError(
            f"the checkpoint {directory} is sharded", hint="go on with --sharding, or --fresh starts over"
        )
    saved, current = load_file(directory / WEIGHTS), trained_state(module)
    shapes = {name: tuple(tensor.shape) for name, tensor in current.items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in saved.items()}:
        raise TrainingError(f"the checkpoint {directory} is of another model", hint="--fresh starts over")
    for name, tensor in saved.items():
        current[name].copy_(tensor)


def mark_complete(directory: Path) -> None:
    """Says that a checkpoint was written to its end, and what is in it."""
    seal(directory, COMPLETE)


def complete(folder: Path) -> list[Path]:
    """Returns the checkpoints that were written to their end, the newest first."""
    found = [path for path in folder.glob("checkpoint-*[0-9]") if (path / COMPLETE).exists()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)


def newest(folder: Path) -> Path | None:
    """Returns the newest checkpoint that was written to its end and is still as it was."""
    return next((path for path in complete(folder) if is_sealed(path, COMPLETE)), None)


def renewed(folder: Path, number: int | str) -> Path:
    """Returns where the MAGs of a renewal are kept until the student is saved."""
    return folder / f"renewed-{number}.jsonl"


def _forget_renewed(folder: Path) -> None:
    for file in folder.glob(renewed(folder, "*").name):
        file.unlink()


def claim(folder: Path, identity: dict[str, object], threads: int = 1) -> int:
    """Notes what the checkpoints in a folder are of; returns the threads that they were begun with, else ``threads``.

    Sums, and so weights, may depend on their number.

    Raises:
        TrainingError: They are of a run with other settings or MAGs, or it cannot be read what they are of.
    """
    path = folder / IDENTITY
    before = _identity(path)
    begun = before.pop("threads", None)
    changed = sorted(key for key in {*before, *identity} if before.get(key) != identity.get(key))
    if changed and before and newest(folder) is not None:
        raise TrainingError(
            f"the checkpoints in {folder} are of another run: {', '.join(changed)} changed",
            hint="--fresh starts over",
        )
    if changed:
        _forget_renewed(folder)
    elif newest(folder) is not None and isinstance(begun, int) and 0 < begun <= (os.cpu_count() or 1):
        threads = begun
    folder.mkdir(parents=True, exist_ok=True)
    write_sealed(path, {**identity, "threads": threads})
    return threads


def _identity(path: Path) -> dict[str, Any]:
    try:
        return read_sealed(path) if path.exists() else {}
    except DataError as error:
        what = f"{error.message}, so it is not known what the checkpoints beside it are of"
        raise TrainingError(what, hint=f"put it back, or take {path.parent} away: training begins anew") from error


def discard(folder: Path) -> None:
    """Removes all checkpoints, once the student is saved; what else somebody has put there stays."""
    for checkpoint in folder.glob("checkpoint-*[0-9]"):
        shutil.rmtree(checkpoint, ignore_errors=True)
    _forget_renewed(folder)
    with suppress(OSError):
        (folder / IDENTITY).unlink(missing_ok=True)
        folder.rmdir()
