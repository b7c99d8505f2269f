"""How turns share a forward pass. A layout decides where in the rows each token stands, and nothing else.

``tree``: one row; each prompt once, then its chains as branches that see the prompt and themselves, positions going on
from the prompt; what prompts share at their beginnings stands there once. ``tree-mask``: the same with a dense mask,
for models whose attention does not take segments.
``packed``: one row of whole sequences, each prompt repeated. ``padded``: a rectangle of whole sequences, padded on the
right, as any causal model takes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from magdi.core.distill.encoded import Encoded, Size, ints
from magdi.core.distill.segments import Segments, ranges
from magdi.core.objective import Ints

NOTHING = ints([])

Attention = Literal["segments", "mask", "stock"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a batch's tokens stand.

    Attributes:
        input_ids: [B, T].
        position_ids: [B, T].
        path: Places in the rows laid end to end of each chain's prompt and own tokens, chain after chain.
        segments: For attention by segments.
        mask: [1, 1, T, T] bool (a dense mask), or [B, T] int64 (1 where there is a token), or None.
    """

    input_ids: Tensor
    position_ids: Tensor
    path: Ints
    segments: Segments | None = None
    mask: Tensor | None = None


class Layout(ABC):
    """A way of placing tokens in rows."""

    name: ClassVar[str]
    attention: ClassVar[Attention]

    @abstractmethod
    def place(self, mags: Sequence[Encoded]) -> Placement:
        """Places the tokens of some MAGs."""

    @abstractmethod
    def cost(self, sizes: Sequence[Size]) -> int:
        """Returns the tokens that a forward pass over these MAGs takes, padding included."""


class Tree(Layout):
    """Each prompt once, chains as branches."""

    name = "tree"
    attention: ClassVar[Attention] = "segments"

    def place(self, mags: Sequence[Encoded]) -> Placement:
        """Places prompt, chains, prompt, chains, ... in one row."""
        pieces: list[Ints] = []
        seen: list[Ints] = []
        paths: list[Ints] = []
        total = 0

        def add(tokens: Ints, before: Ints) -> Ints:
            nonlocal total
            pieces.append(tokens)
            seen.append(before)
            total += len(tokens)
            return np.concatenate([before, np.arange(total - len(tokens), total)])

        for mag in mags:
            prompts: list[Ints] = []
            chains: dict[int, Ints] = {}
            for number, prompt in enumerate(mag.prompts):
                parent = mag.parent(number)
                prompts.append(add(prompt, prompts[parent] if parent >= 0 else NOTHING))
                for index in np.flatnonzero(mag.prompt_of == number).tolist():
                    chains[index] = add(mag.chains[index], prompts[number])
            paths += [chains[index] for index in range(len(mag.chains))]
        lengths, prefixes = (ints([len(each) for each in parts]) for parts in (pieces, seen))
        return Placement(
            input_ids=torch.from_numpy(np.concatenate(pieces))[None],
            position_ids=torch.from_numpy(ranges(prefixes, lengths))[None],
            path=np.concatenate(paths),
            **self.seeing(lengths, seen),
        )

    def seeing(self, length: Ints, prefixes: Sequence[Ints]) -> dict[str, Any]:
        """Returns what tells attention who sees whom.

        Args:
            length: [S] tokens of each piece of the row.
            prefixes: Places of what each sees beside itself.
        """
        return {"segments": Segments.build(length, prefixes)}

    def cost(self, sizes: Sequence[Size]) -> int:
        """Every token once."""
        return sum(size.tokens for size in sizes)


class TreeMask(Tree):
    """The tree with a dense mask; its attention is quadratic in the batch, so that batches should be small."""

    name = "tree-mask"
    attention: ClassVar[Attention] = "mask"

    def seeing(self, length: Ints, prefixes: Sequence[Ints]) -> dict[str, Any]:
        """Returns the [1, 1, T, T] mask, True where a row's token sees a column's."""
        total, at = int(length.sum()), 0
        mask = np.zeros((total, total), dtype=bool)
        for own, before in zip(length.tolist(), prefixes, strict=True):
            mask[at : at + own, before] = True
            mask[at : at + own, at : at + own] = np.tri(own, dtype=bool)
            at += own
        return {"mask": torch.from_numpy(mask)[None, None]}


class Packed(Layout):
    """Whole sequences one after the other."""

    name = "packed"
    attention: ClassVar[Attention] = "segments"

    def place(self, mags: Sequence[Encoded]) -> Placement:
        """Places prompt and chain, prompt and chain, ... in one row."""
        prompts, chains = _sequences(mags)
        lengths = ints([len(prompt) + len(chain) for prompt, chain in zip(prompts, chains, strict=True)])
        joined = [piece for pair in zip(prompts, chains, strict=True) for piece in pair]
        return Placement(
            input_ids=torch.from_numpy(np.concatenate(joined))[None],
            position_ids=torch.from_numpy(ranges(np.zeros_like(lengths), lengths))[None],
            path=np.arange(lengths.sum()),
            segments=Segments.build(lengths, [NOTHING] * len(lengths)),
        )

    def cost(self, sizes: Sequence[Size]) -> int:
        """Every prompt as often as there are chains after it."""
        return sum(size.rows for size in sizes)


class Padded(Layout):
    """One sequence a row, padded on the right with token 0, which nothing attends to and no loss reads."""

    name = "padded"
    attention: ClassVar[Attention] = "stock"

    def place(self, mags: Sequence[Encoded]) -> Placement:
        """Places each prompt and chain in a row of its own."""
        prompts, chains = _sequences(mags)
        before = ints([len(prompt) for prompt in prompts])
        lengths = before + ints([len(chain) for chain in chains])
        rows, width = len(chains), int(lengths.max())
        ids = np.zeros((rows, width), dtype=np.int64)
        for row, prompt, chain, p, n in zip(ids, prompts, chains, before, lengths, strict=True):
            row[:p], row[p:n] = prompt, chain
        return Placement(
            input_ids=torch.from_numpy(ids),
            position_ids=torch.arange(width).repeat(rows, 1),
            path=ranges(np.arange(rows) * width, lengths),
            mask=torch.from_numpy((np.arange(width) < lengths[:, None]).astype(np.int64)),
        )

    def cost(self, sizes: Sequence[Size]) -> int:
        """Rows times the longest of them."""
        return sum(size.chains for size in sizes) * max(size.longest for size in sizes)


LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in (Tree(), TreeMask(), Packed(), Padded())}
"""All layouts, cheapest first: the order in which they are tried."""


def _sequences(mags: Sequence[Encoded]) -> tuple[list[Ints], list[Ints]]:
    prompts = [whole[index] for mag in mags for whole in [mag.whole_prompts()] for index in mag.prompt_of]
    return prompts, [chain for mag in mags for chain in mag.chains]
