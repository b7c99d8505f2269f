"""One MAG as the student reads it: token ids of prompts and chains, labels, pairs and edges, as small numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A MAG in tokens.

    A *chain* is what one turn says (tokens after the prompt); several chains follow the same *prompt*. Chains are in
    the turns' order and are the nodes of the encoder's graph.

    Attributes:
        id: The MAG's id.
        prompts: Token ids of each prompt; one for all levels but those with several lessons.
        chains: Token ids of each chain, end of sequence included unless it was cut.
        prompt_of: [C] the prompt that each chain follows.
        lesson: [C] the lesson that L+ counts the chain under; -1 where L+ does not read it.
        label: [C] 1 right, 0 wrong, -1 none.
        pairs: [2, P] right and wrong chains of Eq. 2.
        edges: [3, E] source, target, kind.
    """

    id: str
    prompts: tuple[Ints, ...]
    chains: tuple[Ints, ...]
    prompt_of: Ints
    lesson: Ints
    label: Ints
    pairs: Ints
    edges: Ints

    @property
    def paths(self) -> list[int]:
        """Tokens of each chain together with its prompt."""
        return [len(self.prompts[p]) + len(chain) for p, chain in zip(self.prompt_of, self.chains, strict=True)]

    @property
    def tokens(self) -> int:
        """Tokens with every prompt counted once."""
        return sum(map(len, self.prompts)) + sum(map(len, self.chains))

    def to_row(self) -> dict[str, Any]:
        """Returns the MAG as a row of an Arrow table."""
        return {
            "id": self.id,
            "prompts": [ids.tolist() for ids in self.prompts],
            "chains": [ids.tolist() for ids in self.chains],
            "prompt_of": self.prompt_of.tolist(),
            "lesson": self.lesson.tolist(),
            "label": self.label.tolist(),
            "pairs": self.pairs.reshape(-1).tolist(),
            "edges": self.edges.reshape(-1).tolist(),
            "size": Size.of(self).row(),
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Encoded:
        """Reads what `to_row` wrote."""
        return cls(
            id=row["id"],
            prompts=tuple(ints(ids) for ids in row["prompts"]),
            chains=tuple(ints(ids) for ids in row["chains"]),
            prompt_of=ints(row["prompt_of"]),
            lesson=ints(row["lesson"]),
            label=ints(row["label"]),
            pairs=ints(row["pairs"]).reshape(2, -1),
            edges=ints(row["edges"]).reshape(3, -1),
        )


@dataclass(frozen=True, slots=True)
class Size:
    """What is counted of a MAG, or of an optimizer step: losses are divided by it, and steps are planned with it.

    Attributes:
        first: Tokens that L+ predicts under the first lesson.
        second: The same under the second lesson.
        pairs: Pairs that L- contrasts.
        nodes: Nodes that L_I classifies.
        tokens: Tokens with every prompt counted once.
        rows: Tokens with every chain's prompt repeated.
        chains: Chains.
        longest: Tokens of the longest chain with its prompt.
    """

    first: int = 0
    second: int = 0
    pairs: int = 0
    nodes: int = 0
    tokens: int = 0
    rows: int = 0
    chains: int = 0
    longest: int = 0

    @classmethod
    def of(cls, mag: Encoded) -> Size:
        """Counts one MAG."""
        lengths = ints([len(chain) for chain in mag.chains])
        paths = mag.paths
        return cls(
            first=int(lengths[mag.lesson == 0].sum()),
            second=int(lengths[mag.lesson == 1].sum()),
            pairs=mag.pairs.shape[1],
            nodes=int((mag.label >= 0).sum()),
            tokens=mag.tokens,
            rows=sum(paths),
            chains=len(paths),
            longest=max(paths),
        )

    def row(self) -> list[int]:
        """Returns the counts in the order of the fields."""
        return [getattr(self, name) for name in self.__slots__]


def ints(values: Any) -> Ints:
    """Returns an int64 array."""
    return np.asarray(values, dtype=np.int64)
