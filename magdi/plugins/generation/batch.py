"""Answers that are generated together: rows, and the cache that they share."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from magdi.core.config.models import Evaluation
from magdi.core.evaluation.prediction import Finish
from magdi.plugins.generation.cache import join, new_cache, token_bytes, trim

LAYER_BYTES = 1_500_000
"""What a layer's pass takes besides its weights, however few its rows, in bytes that could be read meanwhile."""
COPIES = 4
"""Times that all keys and values are as good as read where rows join: copied, into new memory, and padding later."""


@dataclass(slots=True, eq=False)
class Row:
    """One answer while it is generated.

    Attributes:
        prompt: Token ids of the prompt.
        draw: What its random numbers are made from.
        tokens: Token ids generated so far.
        finish: Why it is complete; None while it goes on.
        numbers: Its random numbers, where it needs some.
    """

    prompt: tuple[int, ...]
    draw: str
    tokens: list[int] = field(default_factory=list)
    finish: Finish | None = None
    numbers: Tensor | None = None


class Batch:
    """Rows with their cache; B rows, T columns.

    Attributes:
        rows: The rows, in the order of all that follows.
        logits: [B, V], for each row's next token.
        can_grow: Whether rows may join others that are half done.

    Args:
        model: A decoder of transformers.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._keeps_logits = "logits_to_keep" in inspect.signature(type(model).forward).parameters
        self._cache, self.can_grow = new_cache(model)
        self._pass_bytes = sum(each.nbytes for each in model.parameters()) + LAYER_BYTES * len(self._cache.layers)
        self._idle = 0.0  # bytes read for all rows alike, as far as they are owed by places that are free
        self._mask: Tensor = torch.zeros(0, 0, dtype=torch.long, device=model.device)  # [B, T]
        self._last: Tensor = torch.zeros(0, dtype=torch.long, device=model.device)  # [B], position of the last token
        self.rows: list[Row] = []
        self._longest = 0  # tokens of their longest prompt
        self.logits: Tensor = torch.zeros(0, 0, device=model.device)

    def room(self, row: Row, settings: Evaluation) -> int:
        """Returns how many rows like this one may join: rows x longest row stays within the budget of tokens."""
        longest = max(len(row.prompt), self._longest) + settings.max_new_tokens
        return settings.batch_tokens // longest - len(self.rows)

    def awaits(self, row: Row, settings: Evaluation) -> bool:
        """Returns, once a pass, whether rows like this one join now: where places have been idle for long enough.

        Joining copies the cache, and pads the rows that join to the width of those that go on. It is done when the
        places that are free have cost as much: their share of what the passes since read for all rows alike. So
        whoever guesses wrong how long the others go on loses no more than half, and students with more keys than
        weights seldom have rows join, language models at once.
        """
        if not self.rows:
            return True
        if not self.can_grow or (free := self.room(row, settings)) < 1:
            return False
        places = free + len(self.rows)
        self._idle += self._pass_bytes * free / places
        return self._idle >= COPIES * places * self._mask.shape[1] * token_bytes(self._cache)

    def admit(self, rows: Sequence[Row]) -> None:
        """Reads rows' prompts, once each, and adds the rows."""
        mask, last, logits, cache = self._read(rows)
        if self.rows:
            join(self._cache, cache)
            width = max(self._mask.shape[1], mask.shape[1])
            mask = torch.cat([pad(each, (width - each.shape[1], 0)) for each in (self._mask, mask)])
            last, logits = torch.cat([self._last, last]), torch.cat([self.logits, logits])
        else:
            self._cache = cache
        self._mask, self._last, self.logits = mask, last, logits
        self._idle = 0.0
        self.rows = [*self.rows, *rows]
        self._longest = max(len(row.prompt) for row in self.rows)

    def keep(self, places: Sequence[int]) -> None:
        """Drops all rows but these, and columns that no row needs any more."""
        self.rows = [self.rows[place] for place in places]
        self._longest = max((len(row.prompt) for row in self.rows), default=0)
        if not self.rows:
            return
        kept = torch.tensor(places, device=self._mask.device)
        self._cache.batch_select_indices(kept)
        self._mask, self._last, self.logits = self._mask[kept], self._last[kept], self.logits[kept]
        if self.can_grow:
            self._trim()

    def step(self, tokens: Tensor) -> None:
        """Reads one token of each row, [B]; the logits are those behind it afterwards."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self.rows), 1)], dim=1)
        self._last = self._last + 1
        self.logits = self._forward(tokens[:, None], self._mask, self._last[:, None], self._cache)

    def _read(self, rows: Sequence[Row]) -> tuple[Tensor, Tensor, Tensor, Any]:
        """Returns mask [B, T], last positions [B], logits [B, V] and the cache of rows' prompts."""
        distinct = {prompt: place for place, prompt in enumerate(dict.fromkeys(row.prompt for row in rows))}
        longest = max(map(len, distinct))
        ids = torch.zeros(len(distinct), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for prompt, place in distinct.items():
            ids[place, longest - len(prompt) :] = torch.tensor(prompt)
            mask[place, longest - len(prompt) :] = 1
        ids, mask = ids.to(self._model.device), mask.to(self._model.device)
        positions = (mask.cumsum(dim=1) - 1).clamp_min(0)
        cache, _ = new_cache(self._model)
        logits = self._forward(ids, mask, positions, cache)
        last = positions[:, -1]
        if len(distinct) < len(rows):
            spread = torch.tensor([distinct[row.prompt] for row in rows], device=ids.device)
            cache.batch_select_indices(spread)
            mask, last, logits = mask[spread], last[spread], logits[spread]
        return mask, last, logits, cache

    def _forward(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Tensor:
        """Returns the last column's logits, [B, V]."""
        options = {"logits_to_keep": 1} if self._keeps_logits else {}
        output = self._model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, **options
        )
        logits: Tensor = output.logits[:, -1]
        return logits

    def _trim(self) -> None:
        """Drops the columns on the left that are padding in every row."""
        needed = self._mask.any(dim=0).nonzero()
        first = int(needed[0]) if len(needed) else 0
        if first:
            self._mask = self._mask[:, first:]
            trim(self._cache, first)
