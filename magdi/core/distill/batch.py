"""Some MAGs as tensors: one forward pass, and the index tensors that the losses read its states with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from magdi.core.distill.encoded import Encoded, Ints, ints
from magdi.core.distill.layouts import Layout, Placement
from magdi.core.distill.segments import Segments, ranges


@dataclass(frozen=True, slots=True)
class MagBatch:
    """A batch of whole MAGs.

    Places are in the forward pass's rows laid end to end, so that no loss knows the layout. Chains are nodes.

    Attributes:
        ids: The MAGs' ids.
        input_ids: [B, T].
        position_ids: [B, T].
        segments: Who attends to whom, where attention is by segments.
        mask: A dense mask or a padding mask, where it is not.
        state_index: [K] places of the states that predict a token.
        state_label: [K] the tokens to predict.
        state_lesson: [K] the lesson that each counts under.
        pool_index: [M] places of each node's tokens, prompt and chain.
        pool_node: [M] the node that each belongs to.
        pool_weight: [M] float64 weights 1..T over the sum of 1..T, by position.
        chain_index: [S] places of the chains' tokens, node after node.
        chain_node: [S] the node that each belongs to.
        node_label: [N] 1 right, 0 wrong, -1 none.
        pairs: [2, P] right and wrong nodes.
        edge_index: [2, E].
        edge_kind: [E].
        graph: [N] the MAG that each node belongs to.
    """

    ids: tuple[str, ...]
    input_ids: Tensor
    position_ids: Tensor
    segments: Segments | None
    mask: Tensor | None
    state_index: Tensor
    state_label: Tensor
    state_lesson: Tensor
    pool_index: Tensor
    pool_node: Tensor
    pool_weight: Tensor
    chain_index: Tensor
    chain_node: Tensor
    node_label: Tensor
    pairs: Tensor
    edge_index: Tensor
    edge_kind: Tensor
    graph: Tensor

    def to(self, device: torch.device | str) -> MagBatch:
        """Returns the batch on a device."""
        target = torch.device(device)
        if self.input_ids.device == target:
            return self
        return MagBatch(**{f.name: _moved(getattr(self, f.name), target) for f in fields(self)})


def collate(mags: Sequence[Encoded], layout: Layout) -> MagBatch:
    """Makes a batch of whole MAGs."""
    placement = layout.place(mags)
    chains = [chain for mag in mags for chain in mag.chains]
    prompts = ints([len(mag.prompts[index]) for mag in mags for index in mag.prompt_of])
    lengths = ints([len(chain) for chain in chains])
    counts = [len(mag.chains) for mag in mags]
    offsets = np.cumsum([0, *counts[:-1]])
    edges = np.concatenate([_shifted(mag.edges, offset, 2) for mag, offset in zip(mags, offsets, strict=True)], axis=1)
    pairs = np.concatenate([_shifted(mag.pairs, offset, 2) for mag, offset in zip(mags, offsets, strict=True)], axis=1)
    tensors: dict[str, Ints] = {
        **_states(mags, placement, prompts, lengths, chains),
        "pool_index": _paths(placement, prompts, lengths),
        "pool_node": np.repeat(np.arange(len(chains)), prompts + lengths),
        "chain_index": ranges(placement.chain_start, lengths),
        "chain_node": np.repeat(np.arange(len(chains)), lengths),
        "node_label": np.concatenate([mag.label for mag in mags]),
        "pairs": pairs,
        "edge_index": edges[:2],
        "edge_kind": edges[2],
        "graph": np.repeat(np.arange(len(mags)), counts),
    }
    return MagBatch(
        ids=tuple(mag.id for mag in mags),
        input_ids=placement.input_ids,
        position_ids=placement.position_ids,
        segments=placement.segments,
        mask=placement.mask,
        pool_weight=torch.from_numpy(_weights(prompts + lengths)),
        **{name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in tensors.items()},
    )


def _states(
    mags: Sequence[Encoded], placement: Placement, prompts: Ints, lengths: Ints, chains: Sequence[Ints]
) -> dict[str, Ints]:
    """The states that predict learned chains: the prompt's last, then all of the chain's but its last."""
    lesson = np.concatenate([mag.lesson for mag in mags])
    read = np.flatnonzero(lesson >= 0)
    index = ranges(placement.chain_start[read] - 1, lengths[read])
    first = np.cumsum(lengths[read]) - lengths[read]
    index[first] = (placement.prompt_start + prompts - 1)[read]
    learned = [chains[number] for number in read.tolist()]
    return {
        "state_index": index,
        "state_label": np.concatenate(learned) if learned else ints([]),
        "state_lesson": np.repeat(lesson[read], lengths[read]),
    }


def _paths(placement: Placement, prompts: Ints, lengths: Ints) -> Ints:
    """Places of prompt and chain, chain after chain."""
    starts = np.stack([placement.prompt_start, placement.chain_start], axis=1).reshape(-1)
    return ranges(starts, np.stack([prompts, lengths], axis=1).reshape(-1))


def _weights(totals: Ints) -> Any:
    """Weights 1..T over their sum, for each path of T tokens."""
    place = ranges(np.ones_like(totals), totals)
    return place / np.repeat(totals * (totals + 1) / 2, totals)


def _shifted(indices: Ints, offset: int, rows: int) -> Ints:
    moved = indices.copy()
    moved[:rows] += offset
    return moved


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    return value.to(device) if isinstance(value, Segments) else value
