"""A cache of keys and values that rows can leave and join, with room for the tokens to come.

transformers' own copies the whole cache at every token. This one writes into room that it has taken in advance, which
is most of the difference in speed for small models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

SPARE = 64
"""Columns of room that are taken at once."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # transformers is not typed
    """One layer's keys and values, [B, H, T, D], as views of tensors with more than T columns."""

    keys: Tensor
    values: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._room: list[Tensor] = []

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Adds columns and returns all there are."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if not self._room or self._room[0].shape[-2] < end:
            both = ((key_states, self.keys), (value_states, self.values))
            self._room = [self._roomier(new, old, start, end) for new, old in both]
        self._room[0][:, :, start:end] = key_states
        self._room[1][:, :, start:end] = value_states
        self.keys, self.values = (room[:, :, :end] for room in self._room)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps these rows only."""
        if self.is_initialized:
            self._set(self.keys[indices], self.values[indices])

    def join(self, other: Self) -> None:
        """Appends another layer's rows, both padded on the left to the same number of columns."""
        if self.is_initialized:
            width = max(self.get_seq_length(), other.get_seq_length())
            self._set(*(torch.cat([_padded(a, width), _padded(b, width)]) for a, b in self._beside(other)))

    def trim(self, first: int) -> None:
        """Drops the first columns."""
        if self.is_initialized:
            self._set(self.keys[:, :, first:], self.values[:, :, first:])

    def _beside(self, other: Self) -> list[tuple[Tensor, Tensor]]:
        return [(self.keys, other.keys), (self.values, other.values)]

    def _set(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values, self._room = keys, values, []

    @staticmethod
    def _roomier(new: Tensor, old: Tensor, start: int, end: int) -> Tensor:
        rows, heads, _, width = new.shape
        room = new.new_empty(rows, heads, end + SPARE, width)
        if start:
            room[:, :, :start] = old
        return room


def new_cache(model: Any) -> tuple[Any, bool]:
    """Returns an empty cache for a model, and whether rows can join it: all its layers keep all columns."""
    cache = DynamicCache(config=model.config)
    plain = all(type(layer) is DynamicLayer for layer in cache.layers)
    if plain:
        cache.layers = [RoomyLayer() for _ in cache.layers]
    return cache, plain


def join(cache: Any, other: Any) -> None:
    """Appends another cache's rows to a cache that they can join."""
    layers: Sequence[RoomyLayer] = cache.layers
    for layer, joining in zip(layers, other.layers, strict=True):
        layer.join(joining)


def trim(cache: Any, first: int) -> None:
    """Drops the first columns of a cache that rows can join."""
    layers: Sequence[RoomyLayer] = cache.layers
    for layer in layers:
        layer.trim(first)


def _padded(states: Tensor, width: int) -> Tensor:
    return pad(states, (0, 0, width - states.shape[-2], 0))
