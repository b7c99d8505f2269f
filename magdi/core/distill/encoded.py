"""MAGs as the student reads them: token ids of prompts and chains, objectives' columns; many in an Arrow file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np

from magdi.core.objective import Column, Ints


@dataclass(frozen=True, slots=True)
class Encoded:
    """A MAG in tokens.

    A *chain* is what one turn says (tokens after the prompt); several chains follow the same *prompt*. Prompts may go
    on from one another, as a tree: what they have in common is there once. Chains are in the order of their prompts,
    then of the turns.

    Attributes:
        id: The MAG's id.
        prompts: Token ids of each prompt, those of what it goes on from left out.
        chains: Token ids of each chain, end of sequence included unless it was cut.
        prompt_of: [C] the prompt that each chain follows.
        columns: What each objective takes, [rows, n] each, as "objective.column".
        of_chains: Which columns hold chains.
        counts: What each objective counts.
        parents: [P] the earlier prompt that each goes on from, -1 for none; None where none does.
    """

    id: str
    prompts: tuple[Ints, ...]
    chains: tuple[Ints, ...]
    prompt_of: Ints
    columns: dict[str, Ints]
    of_chains: frozenset[str]
    counts: tuple[int, ...]
    parents: Ints | None = None

    def whole_prompts(self) -> list[Ints]:
        """Returns the token ids of each prompt with all that it goes on from."""
        whole: list[Ints] = []
        for number, prompt in enumerate(self.prompts):
            parent = self.parent(number)
            whole.append(prompt if parent < 0 else np.concatenate([whole[parent], prompt]))
        return whole

    def parent(self, prompt: int) -> int:
        """Returns the prompt that one goes on from; -1 for none."""
        return -1 if self.parents is None else int(self.parents[prompt])

    @property
    def paths(self) -> list[int]:
        """Tokens of each chain together with its whole prompt."""
        lengths = [len(prompt) for prompt in self.whole_prompts()]
        return [lengths[p] + len(chain) for p, chain in zip(self.prompt_of, self.chains, strict=True)]

    @property
    def tokens(self) -> int:
        """Tokens with every prompt counted once."""
        return sum(map(len, self.prompts)) + sum(map(len, self.chains))

    def to_row(self) -> dict[str, object]:
        """Returns the MAG as a row of an Arrow table."""
        return {
            "id": self.id,
            "prompts": [ids.tolist() for ids in self.prompts],
            "chains": [ids.tolist() for ids in self.chains],
            "prompt_of": self.prompt_of.tolist(),
            "parents": [self.parent(number) for number in range(len(self.prompts))],
            "counts": list(self.counts),
            "size": Size.of(self).row(),
            **{name: column.tolist() for name, column in self.columns.items()},
        }

    @classmethod
    def from_row(cls, row: dict[str, Any], columns: Mapping[str, Column]) -> Encoded:
        """Reads what `to_row` wrote.

        Args:
            row: A row of the table.
            columns: What its columns are.
        """
        return cls(
            id=row["id"],
            prompts=tuple(ints(ids) for ids in row["prompts"]),
            chains=tuple(ints(ids) for ids in row["chains"]),
            prompt_of=ints(row["prompt_of"]),
            columns={name: ints(row[name]).reshape(column.rows, -1) for name, column in columns.items()},
            of_chains=frozenset(name for name, column in columns.items() if column.chains),
            counts=tuple(row["counts"]),
            parents=ints(row["parents"]),
        )


@dataclass(frozen=True, slots=True)
class Size:
    """What is counted of a MAG, or of an optimizer step: losses are divided by it, and steps are planned with it.

    Attributes:
        tokens: Tokens with every prompt counted once.
        rows: Tokens with every chain's prompt repeated.
        chains: Chains.
        longest: Tokens of the longest chain with its prompt.
        counts: What each objective counts, in their order.
    """

    tokens: int = 0
    rows: int = 0
    chains: int = 0
    longest: int = 0
    counts: tuple[int, ...] = ()

    @classmethod
    def of(cls, mag: Encoded) -> Size:
        """Counts one MAG."""
        paths = mag.paths
        return cls(mag.tokens, sum(paths), len(paths), max(paths), mag.counts)

    def row(self) -> list[int]:
        """Returns all counts in the order of the fields."""
        return [self.tokens, self.rows, self.chains, self.longest, *self.counts]

    @classmethod
    def from_row(cls, row: Sequence[int]) -> Size:
        """Reads what `row` returned."""
        tokens, rows, chains, longest, *counts = row
        return cls(tokens, rows, chains, longest, tuple(counts))


class Sizes(Sequence[Size]):
    """What is counted of many MAGs, in one table: as objects they would take more memory than all else of a long file.

    Args:
        table: One `Size.row` a MAG, [mags, 4 + objectives].
    """

    def __init__(self, table: Ints) -> None:
        self.table = table

    @classmethod
    def of(cls, mags: Iterable[Encoded]) -> Sizes:
        """Counts MAGs."""
        return cls(np.array([Size.of(mag).row() for mag in mags], dtype=np.int32))

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, index: int) -> Size: ...
    @overload
    def __getitem__(self, index: slice | Ints) -> Sizes: ...
    def __getitem__(self, index: int | slice | Ints) -> Size | Sizes:
        found = self.table[index]
        return Size.from_row(found.tolist()) if isinstance(index, int) else Sizes(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sizes) and np.array_equal(self.table, other.table)

    __hash__ = None  # type: ignore[assignment]

    def total(self) -> Size:
        """Returns the counts of all MAGs together; ``longest`` is added up, too."""
        return Size.from_row(self.table.sum(axis=0, dtype=np.int64).tolist())

    def longest(self) -> int:
        """Returns the MAG with the longest chain."""
        return int(self.table[:, 3].argmax())

    def busiest(self) -> int:
        """Returns the smallest MAG with several chains, of all where none has."""
        tokens, chains = self.table[:, 0], self.table[:, 2]
        return int(np.lexsort((tokens, chains <= 1))[0])


def ints(values: Any) -> Ints:
    """Returns an int64 array."""
    return np.asarray(values, dtype=np.int64)


ROWS = 512
"""MAGs of a batch: as many are in memory when the file is written."""


def write_table(file: Path, mags: Iterable[Encoded], columns: Mapping[str, Column]) -> None:
    """Writes MAGs to an Arrow file.

    Args:
        file: The file.
        mags: Any number of MAGs.
        columns: What the objectives' columns are.
    """
    import pyarrow as pa

    numbers = pa.list_(pa.int32())
    flat = dict.fromkeys(("prompt_of", "parents", "counts", "size"), numbers)
    nested = dict.fromkeys(("prompts", "chains", *columns), pa.list_(numbers))
    schema = pa.schema({"id": pa.string(), **flat, **nested})
    rows = (mag.to_row() for mag in mags)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        while few := list(islice(rows, ROWS)):
            writer.write_batch(pa.RecordBatch.from_pylist(few, schema=schema))


class EncodedTable(Sequence[Encoded]):
    """The MAGs of such a file; only those that are asked for are in memory.

    Attributes:
        sizes: What is counted of each.

    Args:
        file: The file.
        columns: What the objectives' columns are.
    """

    def __init__(self, file: Path, columns: Mapping[str, Column]) -> None:
        import pyarrow as pa

        reader = pa.ipc.open_file(pa.memory_map(str(file)))
        self._batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        self._columns = columns
        self._length = sum(int(batch.num_rows) for batch in self._batches)
        counts = [np.asarray(batch.column("size").flatten()) for batch in self._batches]
        self.sizes = Sizes(np.concatenate(counts).reshape(self._length, -1) if counts else np.zeros((0, 4), np.int32))

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Encoded: ...
    @overload
    def __getitem__(self, index: slice) -> list[Encoded]: ...
    def __getitem__(self, index: int | slice) -> Encoded | list[Encoded]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        number, place = divmod(range(len(self))[index], ROWS)  # by range: what is out of it is so as of lists
        row: dict[str, Any] = self._batches[number].slice(place, 1).to_pylist()[0]
        return Encoded.from_row(row, self._columns)
