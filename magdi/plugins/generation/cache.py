"""A cache of keys and values that rows can leave and join, with room for the tokens to come.

transformers' own copies the whole cache at every token. This one writes into room that it has taken in advance, which
is most of the difference in speed for small models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from torch import Tensor
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
        self._first = 0

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Adds columns and returns all there are."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        new, count, more = (key_states, value_states), self.get_seq_length(), key_states.shape[-2]
        if not count:
            self._hold([[each] for each in new], more)
            return self.keys, self.values
        end = self._first + count + more
        if self._room[0].shape[-2] < end:
            self._hold([[self.keys], [self.values]], count, more)
            end = count + more
        for room, states in zip(self._room, new, strict=True):
            room[:, :, end - more : end] = states
        self._see(end)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps these rows only, with their room."""
        if self.is_initialized:
            count = self.get_seq_length()
            self._room = [room[:, :, self._first :].index_select(0, indices) for room in self._room]
            self._first = 0
            self._see(count)

    def join(self, other: Self) -> None:
        """Appends another layer's rows, both padded on the left to the same number of columns."""
        if self.is_initialized:
            width = max(self.get_seq_length(), other.get_seq_length())
            self._hold([[self.keys, other.keys], [self.values, other.values]], width)

    def trim(self, first: int) -> None:
        """Drops the first columns."""
        if self.is_initialized:
            end = self._first + self.get_seq_length()
            self._first += first
            self._see(end)

    def _hold(self, parts: Sequence[Sequence[Tensor]], width: int, more: int = 0) -> None:
        self._room, self._first = [_below(each, width, width + more + SPARE) for each in parts], 0
        self._see(width)

    def _see(self, end: int) -> None:
        self.keys, self.values = (room[:, :, self._first : end] for room in self._room)


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


def token_bytes(cache: Any) -> int:
    """Returns the bytes of one token's keys and values in a cache that rows can join; all layers together."""
    layers: Sequence[RoomyLayer] = cache.layers
    return sum(each[0, :, 0].nbytes for layer in layers for each in (layer.keys, layer.values))


def _below(parts: Sequence[Tensor], width: int, columns: int) -> Tensor:
    """Returns states below each other, each with its last column in the same place, and zeros before its first."""
    heads, depth = parts[0].shape[1], parts[0].shape[3]
    room = parts[0].new_empty(sum(map(len, parts)), heads, columns, depth)
    start = 0
    for part in parts:
        rows, first = slice(start, start + len(part)), width - part.shape[-2]
        room[rows, :, :first] = 0
        room[rows, :, first:width] = part
        start = rows.stop
    return room
