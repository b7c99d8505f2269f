"""The MAGs of a training run, read once: in memory, or from a file through an Arrow table that is kept."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from magdi.core.distill.encoded import Encoded, EncodedTable, Sizes, write_table
from magdi.core.distill.reading import Reading
from magdi.core.distill.selection import check_teachable
from magdi.core.errors import TrainingError
from magdi.core.files import cache_directory
from magdi.core.mag import Mag, read_mags
from magdi.core.objective import Ints, Objective
from magdi.core.seals import made_once

SMALL_FILE = 32 << 20
"""Bytes of a MAG file that is read into memory; larger ones go through a table."""

RECIPE = "magdi.encoded/4"
"""Changes whenever the same MAGs would be read differently."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Encoded MAGs, by index.

    Attributes:
        rows: All that were read, in memory or in a file.
        sizes: What is counted of each.
        tally: What was met when they were read.
        picked: Rows that belong to it, where it is a part.
    """

    rows: Sequence[Encoded]
    sizes: Sizes
    tally: dict[str, int]
    picked: Ints | None = None

    def __len__(self) -> int:
        return len(self.sizes)

    @overload
    def __getitem__(self, index: int) -> Encoded: ...
    @overload
    def __getitem__(self, index: Sequence[int]) -> list[Encoded]: ...
    def __getitem__(self, index: int | Sequence[int]) -> Encoded | list[Encoded]:
        if not isinstance(index, int):
            return [self[int(one)] for one in index]
        return self.rows[index if self.picked is None else int(self.picked[index])]

    def split(self, share: float, seed: int) -> tuple[Corpus, Corpus | None]:
        """Holds out a share of the MAGs; the same ones for the same seed.

        Raises:
            TrainingError: One side would be empty.
        """
        if not share:
            return self, None
        count = max(1, round(share * len(self)))
        if count >= len(self):
            raise TrainingError(f"{len(self)} MAGs are too few to hold {share:.0%} of them out for validation")
        order = np.random.default_rng([seed, len(self)]).permutation(len(self))
        return self._part(np.sort(order[count:])), self._part(np.sort(order[:count]))

    def _part(self, picked: Ints) -> Corpus:
        return replace(self, picked=picked, sizes=self.sizes[picked])

    def probes(self) -> list[Encoded]:
        """Returns the MAG with the longest chain, and one with several chains."""
        return self[sorted({self.sizes.longest(), self.sizes.busiest()})]


def read_corpus(mags: Iterable[Mag] | Path, reading: Reading, cache: Path | None = None) -> Corpus:
    """Reads MAGs for a level.

    Args:
        mags: MAGs, which are kept in memory; or a file. A large file is read as a stream into an Arrow table: then
            only what a step needs is in memory, and a second run with the same settings starts from the table.
        reading: How they are read.
        cache: Where tables are kept; magdi's own cache when left out.

    Raises:
        TrainingError: The level finds nothing to train on.
    """
    if isinstance(mags, Path) and mags.is_file() and mags.stat().st_size > SMALL_FILE:
        return _from_file(mags, reading, cache)
    listed = list(read_mags(mags) if isinstance(mags, Path) else mags)
    check_teachable(listed, reading.objectives, reading.level, reading.lessons)
    tally: Counter[str] = Counter()
    rows = list(reading.read(listed, tally))
    return _checked(Corpus(rows, Sizes.of(rows), dict(tally)))


def _checked(corpus: Corpus) -> Corpus:
    if not len(corpus):
        raise TrainingError(
            f"nothing is left to train on: the questions of {corpus.tally.get('prompt_too_long', 0)} MAGs fill the "
            "student's context",
            hint="--set student.max_length=... up to what the model allows",
        )
    return corpus


def _from_file(path: Path, reading: Reading, cache: Path | None) -> Corpus:
    check_teachable(read_mags(path), reading.objectives, reading.level, reading.lessons)
    folder = (cache or cache_directory() / "corpora") / f"magdi-{_fingerprint(path, reading)}"
    made_once(folder, lambda to: _write_table(path, reading, to))
    table = EncodedTable(folder / "mags.arrow", reading.columns)
    return _checked(Corpus(table, table.sizes, json.loads((folder / "tally.json").read_text())))


def _write_table(path: Path, reading: Reading, folder: Path) -> None:
    tally: Counter[str] = Counter()
    write_table(folder / "mags.arrow", reading.read(read_mags(path), tally), reading.columns)
    (folder / "tally.json").write_text(json.dumps(tally))


def _fingerprint(path: Path, reading: Reading) -> str:
    with path.open("rb") as file:
        content = hashlib.file_digest(file, hashlib.blake2b).hexdigest()
    tokenizer = reading.tokenizer
    backend = getattr(tokenizer, "backend_tokenizer", None)
    parts = [
        RECIPE,
        content,
        backend.to_str() if backend is not None else tokenizer.name_or_path,
        tokenizer.chat_template,
        [tokenizer.bos_token, tokenizer.eos_token],
        {name: [_source(each), dict(each.reading)] for name, each in reading.objectives.items()},
        [reading.prompt, reading.max_length, reading.drop_agreement, reading.view, reading.seed],
        reading.lessons.reading,
    ]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=10).hexdigest()


def _source(objective: Objective) -> str:
    """Returns a digest of what an objective's class says: one that is being written changes between two runs."""
    cls = type(objective)
    try:
        said = inspect.getsource(cls)
    except (OSError, TypeError):  # typed into a prompt
        said = ""
    return hashlib.blake2b(f"{cls.__module__}.{cls.__qualname__}\n{said}".encode(), digest_size=10).hexdigest()
