"""Which files of a run's directory magdi wrote: these may be deleted, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

from magdi.core.errors import RunDirectoryError
from magdi.core.files import PARTIAL, writing

LOCK = ".lock"
MARK = ".magdi"
"""Says that a directory is a run of magdi: nothing is ever deleted in one without it."""

KEPT = (LOCK, MARK)

DAMAGED = ".damaged"
"""What the name of a file ends with that was not as magdi had left it, and was set aside."""

_TOKENIZER = "tokenizer.json tokenizer_config.json tokenizer.model special_tokens_map.json added_tokens.json vocab.json"
_STUDENT = f"""config.json generation_config.json model.safetensors model-*.safetensors model.safetensors.index.json
    adapter_config.json adapter_model.safetensors trained.json heads.safetensors README.md training_args.bin
    chat_template.jinja
    {_TOKENIZER} vocab.txt merges.txt spiece.model sentencepiece.bpe.model"""
_CHECKPOINT = """complete *.safetensors *.pt *.pth trainer_state.json training_args.bin shards/.metadata shards/*.distcp
    zero/*.safetensors"""
_RUN = """config.yaml run.json mags.jsonl failures.jsonl learned.jsonl renewed.jsonl metrics.jsonl failed_batch.json
    failed_batch.*.json report.html cell.json error.txt warnings.txt journal.sqlite journal.sqlite-wal
    journal.sqlite-shm evaluation/base.jsonl evaluation/student.jsonl evaluation/.*.jsonl.lock evaluation/*.sqlite
    evaluation/*.sqlite-wal evaluation/*.sqlite-shm evaluation/*.mags.jsonl checkpoints/identity.json
    checkpoints/renewed-*.jsonl checkpoints/runs/*/events.out.tfevents.* tensorboard/events.out.tfevents.*"""
WRITTEN = (
    *_RUN.split(),
    "student/team.json",
    "checkpoints/*/identity.json",
    "checkpoints/*/runs/*/events.out.tfevents.*",
    *(f"student/{of}{name}" for name in _STUDENT.split() for of in ("", "*/")),
    *(f"checkpoints/{of}checkpoint-*/{name}" for name in _CHECKPOINT.split() for of in ("", "*/")),
)
_SHARDED = ("checkpoints/checkpoint-*/shards", "checkpoints/checkpoint-*/zero")
_CHECKPOINTS = ("checkpoints", "checkpoints/runs", "checkpoints/runs/*", "checkpoints/checkpoint-*", *_SHARDED)
FOLDERS = ("student", "evaluation", "tensorboard", *_CHECKPOINTS)
OF_ROLES = ("student/*", *(each.replace("checkpoints", "checkpoints/*") for each in _CHECKPOINTS))


def remove_written(folder: Path, *also: str, under: str = "") -> list[str]:
    """Deletes what magdi wrote in a run's directory; links are deleted and not followed.

    Args:
        folder: The directory; it stays, and so do its lock and its mark.
        *also: Further names that are deleted.
        under: A folder within it, outside of which all is left as it is.

    Returns:
        What stays because it is not magdi's, by path within the directory.

    Raises:
        StorageError: Something cannot be deleted.
    """
    stays = []
    with writing(folder):
        for path in sorted(_entries(folder / under)):
            name = path.relative_to(folder).as_posix()
            if is_written(name) or name in also or (path.is_symlink() and _fits_any(name, FOLDERS)):
                path.unlink()
            elif name not in KEPT:
                stays.append(name)
        for each in sorted((*FOLDERS, *OF_ROLES), key=len, reverse=True):
            for inner in folder.glob(each) if each.startswith(under) else ():
                with suppress(OSError):  # it is not empty, or no folder
                    inner.rmdir()
    return stays


def check_places(folder: Path) -> None:
    """Looks whether a folder is where a student's file is to be written, before it is trained.

    Raises:
        RunDirectoryError: One is, and may hold something of somebody's.
    """
    student = folder / "student"
    for path in () if student.is_symlink() else student.rglob("*"):  # which goes into no link
        if path.is_dir() and is_written(path.relative_to(folder).as_posix()):
            problem = f"{path} is a folder, and magdi writes a file of this name"
            raise RunDirectoryError(problem, hint="move it away, then run the same command again")


def _entries(folder: Path) -> Iterator[Path]:
    """Yields files and links, those to folders included."""
    for at, folders, files in os.walk(folder):
        yield from (Path(at, name) for name in files)
        yield from (Path(at, name) for name in folders if Path(at, name).is_symlink())


def is_written(name: str) -> bool:
    """Returns whether magdi writes a file of this name, given by its path within the run's directory."""
    plain = name.removesuffix(PARTIAL).removesuffix(DAMAGED)
    return _fits_any(plain, WRITTEN)


def _fits_any(name: str, patterns: Iterable[str]) -> bool:
    return any(_fits(name, pattern) for pattern in patterns)


def _fits(name: str, pattern: str) -> bool:
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))
