"""Some MAGs as tensors: one forward pass, and the index tensors that the losses read its states with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from magdi.core.distill.encoded import Encoded, ints
from magdi.core.distill.layouts import Layout
from magdi.core.distill.segments import Segments, ranges
from magdi.core.objective import Ints


@dataclass(frozen=True, slots=True)
class MagBatch:
    """A batch of whole MAGs.

    Places are in the forward pass's rows laid end to end, so that no loss knows the layout. Chains are numbered from 0
    through the batch, MAG after MAG. What is an array stays on the host.

    Attributes:
        ids: The MAGs' ids.
        input_ids: [B, T].
        position_ids: [B, T].
        segments: Who attends to whom, where attention is by segments.
        mask: A dense mask or a padding mask, where it is not.
        pool_index: [M] places of each chain's tokens, with those of its prompt.
        pool_node: [M] the chain that each belongs to.
        pool_weight: [M] float64 weights 1..T over the sum of 1..T, by position.
        graph: [C] the MAG that each chain belongs to.
        columns: The objectives' columns, [rows, n] each, as "objective.column".
        entries: The same as arrays.
        chain_length: [C] tokens of each chain.
        chain_start: [C] where each chain's tokens begin in the next three.
        chain_place: [S] places of the chains' tokens, chain after chain.
        predict_place: [S] places of the states that predict them.
        token: [S] these tokens.
    """

    ids: tuple[str, ...]
    input_ids: Tensor
    position_ids: Tensor
    segments: Segments | None
    mask: Tensor | None
    pool_index: Tensor
    pool_node: Tensor
    pool_weight: Tensor
    graph: Tensor
    columns: dict[str, Tensor]
    entries: dict[str, Ints]
    chain_length: Ints
    chain_start: Ints
    chain_place: Ints
    predict_place: Ints
    token: Ints

    def to(self, device: torch.device | str) -> MagBatch:
        """Returns the batch on a device."""
        target = torch.device(device)
        if self.input_ids.device == target:
            return self
        return MagBatch(**{f.name: _moved(getattr(self, f.name), target) for f in fields(self)})

    def tokens_of(self, values: Ints, chains: Ints) -> Ints:
        """Returns the part of one value a token (`chain_place`, `token`, ...) that belongs to some chains."""
        return values[ranges(self.chain_start[chains], self.chain_length[chains])]

    def predicting(self, chains: Ints) -> tuple[Ints, Ints]:
        """Returns places of the states that predict some chains' tokens, and these tokens."""
        return self.tokens_of(self.predict_place, chains), self.tokens_of(self.token, chains)


def collate(mags: Sequence[Encoded], layout: Layout) -> MagBatch:
    """Makes a batch of whole MAGs."""
    placement = layout.place(mags)
    chains = [chain for mag in mags for chain in mag.chains]
    lengths, paths = ints([len(chain) for chain in chains]), ints([length for mag in mags for length in mag.paths])
    own = np.cumsum(paths) - lengths
    counts = [len(mag.chains) for mag in mags]
    entries = _entries(mags, np.cumsum([0, *counts[:-1]]))
    tensors: dict[str, Ints] = {
        "pool_index": placement.path,
        "pool_node": np.repeat(np.arange(len(chains)), paths),
        "graph": np.repeat(np.arange(len(mags)), counts),
    }
    return MagBatch(
        ids=tuple(mag.id for mag in mags),
        input_ids=placement.input_ids,
        position_ids=placement.position_ids,
        segments=placement.segments,
        mask=placement.mask,
        pool_weight=torch.from_numpy(_weights(paths)),
        columns={name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in entries.items()},
        entries=entries,
        chain_length=lengths,
        chain_start=np.cumsum(lengths) - lengths,
        chain_place=placement.path[ranges(own, lengths)],
        predict_place=placement.path[
            ranges(own - 1, lengths)
        ],  # the prompt's last, then all of the chain's but its last
        token=np.concatenate(chains) if chains else ints([]),
        **{name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in tensors.items()},
    )


def _entries(mags: Sequence[Encoded], offsets: Ints) -> dict[str, Ints]:
    """Joins the MAGs' columns; those of chains count on."""
    return {
        name: np.concatenate(
            [
                mag.columns[name] + offset if name in mag.of_chains else mag.columns[name]
                for mag, offset in zip(mags, offsets, strict=True)
            ],
            axis=1,
        )
        for name in mags[0].columns
    }


def _weights(totals: Ints) -> Any:
    """Weights 1..T over their sum, for each path of T tokens."""
    place = ranges(np.ones_like(totals), totals)
    return place / np.repeat(totals * (totals + 1) / 2, totals)


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, dict):
        return {name: _moved(inner, device) for name, inner in value.items()}
    return value.to(device) if isinstance(value, Segments) else value
