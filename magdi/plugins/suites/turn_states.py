"""What a student makes of turns: its states and its log-probabilities, read once and kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magdi.core.config.models import Student, name_and_revision
from magdi.core.distill.prompt import student_prompt, student_target
from magdi.core.files import PARTIAL, cache_directory
from magdi.core.mag import Question, Turn

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = 1536
"""Of one forward pass on a CPU, whose caches more would not fit into (4,096 took 1.3 x); """

TOKENS_GPU = 8 * TOKENS
"""of one on a GPU; and fewer where"""

LOGITS = 1 << 28
"""so many logits (in float32 one GiB) are not enough: a large vocabulary makes more of them than anything else."""

BLOCK = 1000
"""Distinct turns that are kept together: of a suite that was stopped, no more than so many are read again."""

Row = tuple[tuple[int, ...], int]
"""Tokens of prompt and turn, and where the turn begins."""


@dataclass(frozen=True)
class Read:
    """What a student makes of turns, row by row: states [N, d] and mean log-probabilities [N]."""

    pooled: Tensor
    last: Tensor
    middle: Tensor
    logprob: Tensor


def read_turns(place: str | Path, settings: Student, turns: Sequence[tuple[Question, Turn]]) -> Read:
    """Reads turns as training reads them, up to the end of sequence; each distinct text once.

    What was read of the same weights is taken from magdi's cache, block by block: cells, seeds and a suite that was
    stopped all ask for the same.

    Args:
        place: The student: a folder, an adapter's, a run, or a hub id.
        settings: How it reads.
        turns: Questions, and turns about them that have an answer.
    """
    import torch
    from transformers import AutoTokenizer

    from magdi.plugins.generation.loading import load, resolve

    name, revision = name_and_revision(resolve(place))
    tokenizer = AutoTokenizer.from_pretrained(name, revision=revision, trust_remote_code=settings.trust_remote_code)
    rows = [_ids(tokenizer, question, turn, settings) for question, turn in turns]
    once = sorted(set(rows), key=lambda row: (len(row[0]), row))
    model = cache(lambda: load(place, dtype=settings.dtype, trust_remote_code=settings.trust_remote_code)[0])
    blocks = [_block(place, settings, model, once[at : at + BLOCK]) for at in range(0, len(once), BLOCK)]
    number = {row: at for at, row in enumerate(once)}
    order = [number[row] for row in rows]
    return Read(*(torch.cat(column)[order] for column in zip(*(vars(block).values() for block in blocks), strict=True)))


def _block(place: str | Path, settings: Student, model: Callable[[], Any], rows: Sequence[Row]) -> Read:
    """Returns what is kept of these rows, or reads and keeps it."""
    from safetensors.torch import load_file

    file = _kept_in(place, settings, rows)
    if file is not None and file.is_file():
        return Read(**load_file(file))
    found = _read(model(), rows)
    file = _kept_in(place, settings, rows)  # what was fetched from the hub has its files now
    if file is not None:
        _keep(file, found)
    return found


def _ids(tokenizer: Any, question: Question, turn: Turn, settings: Student) -> Row:
    """Returns the tokens of a turn behind its question, cut to the student's length."""
    from magdi.core.distill.reading import behind, opening, spaced

    prompt = student_prompt(tokenizer, question, settings.prompt)
    text = spaced(prompt, student_target(turn))
    asked, joined = tokenizer([prompt, prompt + text], add_special_tokens=False, verbose=False)["input_ids"]
    start = [*opening(tokenizer, settings.prompt), *asked]
    ids = [*start, *behind(tokenizer, asked, joined, text)][: settings.max_length]
    return tuple(ids), min(len(start), len(ids) - 1)


def _kept_in(place: str | Path, settings: Student, rows: Sequence[Any]) -> Path | None:
    """Returns the file that these rows' states are kept in; None for weights that have no files here yet."""
    from magdi.plugins.generation.loading import base_of

    weights = [_files(each) for each in (place, base_of(place)) if each is not None]
    if not all(weights):
        return None
    said = json.dumps([weights, settings.dtype, rows]).encode()
    return cache_directory() / "turns" / f"{hashlib.blake2b(said, digest_size=12).hexdigest()}.safetensors"


def _files(place: str | Path) -> list[tuple[str, int, int, int, int]]:
    """Returns what tells a model's files from any others: cells that share a student have links to its files."""
    from huggingface_hub import try_to_load_from_cache

    from magdi.plugins.generation.loading import resolve

    folder = Path(resolve(place))
    if not folder.is_dir():
        name, revision = name_and_revision(str(place))
        config = try_to_load_from_cache(name, "config.json", revision=revision)
        if not isinstance(config, str):
            return []
        folder = Path(config).parent
    files = [file for file in sorted(folder.iterdir()) if file.suffix in (".safetensors", ".bin", ".json")]
    known = [(file.name, file.stat()) for file in files]
    return [(name, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in known]


def _keep(file: Path, found: Read) -> None:
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}{PARTIAL}")
    save_file({name: tensor.contiguous() for name, tensor in vars(found).items()}, partial)
    partial.replace(file)


def _read(model: Any, rows: Sequence[Row]) -> Read:
    import torch

    tokens = TOKENS if model.device.type == "cpu" else TOKENS_GPU
    most = min(tokens, LOGITS // model.config.get_text_config().vocab_size)
    with torch.no_grad():
        found = [states for few in _batches(rows, most) for states in _states(model, few)]
    return Read(*(torch.stack(column) for column in zip(*found, strict=True)))


def _batches(rows: Sequence[Row], most: int) -> list[list[Row]]:
    """Returns rows, which come by their lengths, together, so many that they have `most` tokens."""
    batches: list[list[Row]] = []
    for row in rows:
        if not batches or (len(batches[-1]) + 1) * len(row[0]) > most:
            batches.append([])
        batches[-1].append(row)
    return batches


def _states(model: Any, rows: Sequence[Row]) -> list[tuple[Tensor, ...]]:
    """Returns pooled, last and middle states and mean log-probability of each row."""
    import torch

    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([[*ids, *[0] * (width - len(ids))] for ids, _ in rows], device=model.device)
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows], device=model.device)
    out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True, use_cache=False)
    states, middle = (out.hidden_states[place].float().cpu() for place in (-1, len(out.hidden_states) // 2))
    found: list[tuple[Tensor, ...]] = []
    for row, (known, start) in enumerate(rows):
        start, length = max(start, 1), len(known)
        weights = torch.arange(1, length + 1) / (length * (length + 1) / 2)
        spoken = torch.tensor(known[start:])
        chances = out.logits[row, start - 1 : length - 1].float().cpu().log_softmax(-1)
        logprob = chances.gather(1, spoken[:, None]).mean() if len(spoken) else torch.tensor(0.0)
        found.append((weights @ states[row, :length], states[row, length - 1], middle[row, length - 1], logprob))
    return found
