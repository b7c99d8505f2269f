"""Who attends to whom in a row of tokens: segments, each seeing a prefix elsewhere in the row and itself, causally.

The row [question, chain 1, chain 2, ...] has the segments question (no prefix), chain 1 (prefix: question), chain 2
(prefix: question). That is exact for a causal model, because the question's states do not depend on what follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from magdi.core.distill.encoded import ints
from magdi.core.objective import Ints

WASTE = 1.3
"""A bucket's padded area is at most this times the area of its smallest member."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Segments of about the same size as one padded attention call.

    Attributes:
        q_index: [R * Q] places of the queries in the row; padding repeats the last.
        k_index: [R * K] places of prefix and own keys; padding repeats the last.
        prefix: [R] tokens of each prefix.
        shape: R, Q, K.
        alone: No member has a prefix, so that plain causal attention will do.
        masks: Made on first use, by window and type; shared by all layers.
    """

    q_index: Tensor
    k_index: Tensor
    prefix: Tensor
    shape: tuple[int, int, int]
    alone: bool
    masks: dict[Any, Tensor] = field(default_factory=dict)

    def mask(self, window: int | None, dtype: torch.dtype) -> Tensor | None:
        """Returns the [R, 1, Q, K] additive mask; None where plain causal attention will do.

        Query i of a segment with prefix p stands at place p + i of its path, key j at place j; it sees
        p + i - window < j <= p + i. Padding queries see what the last one sees, and are dropped later.
        """
        rows, queries, keys = self.shape
        if self.alone and (window is None or window >= keys):
            return None
        if (window, dtype) not in self.masks:
            own = torch.arange(queries, device=self.prefix.device)
            place = (self.prefix[:, None] + own)[:, :, None]
            key = torch.arange(keys, device=self.prefix.device)
            seen = key <= place
            if window is not None:
                seen &= key > place - window
            mask = torch.zeros(rows, 1, queries, keys, dtype=dtype, device=self.prefix.device)
            self.masks[window, dtype] = mask.masked_fill_(~seen[:, None], float("-inf"))
        return self.masks[window, dtype]


@dataclass(frozen=True, slots=True)
class Varlen:
    """The same for kernels that take sequences of unequal length one after the other.

    Attributes:
        k_index: [sum K] places of each segment's keys, prefix first.
        cu_q: [S + 1] int32, where each segment's queries begin.
        cu_k: [S + 1] int32, where each segment's keys begin.
        max_q: Queries of the longest segment.
        max_k: Keys of the longest segment.
    """

    k_index: Tensor
    cu_q: Tensor
    cu_k: Tensor
    max_q: int
    max_k: int


Record = TypeVar("Record", Bucket, Varlen)


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments of a row, in both forms.

    Attributes:
        buckets: For padded attention calls.
        inverse: [T] where each token's output is in the buckets' outputs laid end to end.
        varlen: For variable-length kernels.
    """

    buckets: tuple[Bucket, ...]
    inverse: Tensor
    varlen: Varlen

    @classmethod
    def build(cls, length: Ints, prefixes: Sequence[Ints]) -> Segments:
        """Builds the index tensors of a row whose segments, in this order, cover it without gaps.

        Args:
            length: [S] tokens of each segment.
            prefixes: Places of what each segment sees beside itself, in the order of their positions.
        """
        start, prefix_length = np.cumsum(length) - length, ints([len(each) for each in prefixes])
        keys = prefix_length + length
        cu_q, cu_k = (np.concatenate([[0], np.cumsum(count)]) for count in (length, keys))
        k_index = np.empty(int(cu_k[-1]), dtype=np.int64)
        k_index[ranges(cu_k[:-1], prefix_length)] = np.concatenate(prefixes)
        k_index[ranges(cu_k[:-1] + prefix_length, length)] = ranges(start, length)
        inverse = np.empty(int(length.sum()), dtype=np.int64)
        buckets, offset = [], 0
        for members in _grouped(length, keys, prefix_length):
            queries, width = int(length[members].max()), int(keys[members].max())
            row = np.minimum(np.arange(queries), length[members, None] - 1)
            column = np.minimum(np.arange(width), keys[members, None] - 1)
            place = offset + np.arange(len(members)) * queries
            inverse[ranges(start[members], length[members])] = ranges(place, length[members])
            buckets.append(
                Bucket(
                    q_index=torch.from_numpy((start[members, None] + row).reshape(-1)),
                    k_index=torch.from_numpy(k_index[(cu_k[members, None] + column).reshape(-1)]),
                    prefix=torch.from_numpy(prefix_length[members]),
                    shape=(len(members), queries, width),
                    alone=not prefix_length[members].any(),
                )
            )
            offset += len(members) * queries
        varlen = Varlen(
            k_index=torch.from_numpy(k_index),
            cu_q=torch.from_numpy(cu_q.astype(np.int32)),
            cu_k=torch.from_numpy(cu_k.astype(np.int32)),
            max_q=int(length.max()),
            max_k=int(keys.max()),
        )
        return cls(tuple(buckets), torch.from_numpy(inverse), varlen)

    def to(self, device: torch.device) -> Segments:
        """Returns the same on a device."""
        return Segments(
            tuple(_to(bucket, device, masks={}) for bucket in self.buckets),
            self.inverse.to(device, non_blocking=True),
            _to(self.varlen, device),
        )


def ranges(start: Ints, length: Ints) -> Ints:
    """Returns start[0], start[0] + 1, ... (length[0] of them), then start[1], ..."""
    ends = np.cumsum(length)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(start - ends + length, length)


def _grouped(length: Ints, keys: Ints, prefix: Ints) -> list[Ints]:
    """Splits segments into buckets: with and without prefix apart, sizes within `WASTE` of each other."""
    groups: list[list[int]] = []
    for with_prefix in (False, True):
        members = np.flatnonzero((prefix > 0) == with_prefix)
        width = height = 0
        for member in members[np.lexsort((keys[members], length[members]))[::-1]]:
            wider, higher = max(width, int(keys[member])), max(height, int(length[member]))
            if not width or wider * higher > WASTE * keys[member] * length[member]:
                groups.append([])
                wider, higher = int(keys[member]), int(length[member])
            groups[-1].append(int(member))
            width, height = wider, higher
    return [ints(group) for group in groups]


def _to(record: Record, device: torch.device, **changes: Any) -> Record:
    moved = {
        name: getattr(record, name).to(device, non_blocking=True)
        for name in record.__slots__
        if isinstance(getattr(record, name), Tensor)
    }
    return replace(record, **moved, **changes)
