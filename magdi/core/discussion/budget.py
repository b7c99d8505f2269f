"""Limits of a run: cost, calls, tokens, time. They stop new calls; what is under way is awaited and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from magdi.core.config.models import Discussion
from magdi.core.errors import LimitReached
from magdi.core.mag import Usage

_HINT = "what was done is kept; the same command goes on from here, with the same allowance anew"


class Budget:
    """What may still be spent. Replies from the journal are free.

    Before a call is made, its cost and tokens are taken to be the mean of the calls so far, those under way included:
    so a limit is not overshot by as many calls as are under way at once, only by how much they differ from the mean.

    Args:
        max_cost: US dollars.
        max_calls: Calls; kept exactly.
        max_tokens: Tokens, prompts included.
        max_time: Seconds from the first call on.
        clock: Returns seconds.
    """

    def __init__(
        self,
        *,
        max_cost: float | None = None,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        max_time: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_cost, self.max_calls, self.max_tokens, self.max_time = max_cost, max_calls, max_tokens, max_time
        self.calls = self.under_way = self.replies = self.tokens = 0
        self.cost = 0.0
        self._clock = clock
        self._started: float | None = None

    @classmethod
    def of(cls, settings: Discussion, **options: Any) -> Budget:
        """Returns the budget that a configuration sets."""
        limits = {name: getattr(settings, name) for name in ("max_cost", "max_calls", "max_tokens", "max_time")}
        return cls(**limits, **options)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time is up; None where there is no limit."""
        if self.max_time is None:
            return None
        return self.max_time - (self._clock() - self._start())

    def reserve(self) -> None:
        """Takes one call out of the budget.

        Raises:
            LimitReached: There is none left.
        """
        left = self.seconds_left
        if left is not None and left <= 0:
            raise self.time_is_up()
        if self.max_calls is not None and self.calls >= self.max_calls:
            raise LimitReached(f"stopped after {self.calls} calls, the limit (--max-calls)", hint=_HINT)
        if self.max_tokens is not None and self._foreseen(self.tokens) > self.max_tokens:
            raise LimitReached(
                f"stopped at {self.tokens} tokens; the limit is {self.max_tokens} (--max-tokens)", hint=_HINT
            )
        if self.max_cost is not None and self._foreseen(self.cost) > self.max_cost:
            raise LimitReached(f"stopped at ${self.cost:.4f}; the limit is ${self.max_cost:g} (--max-cost)", hint=_HINT)
        self.calls += 1
        self.under_way += 1

    def time_is_up(self) -> LimitReached:
        """Returns the error that ends a run whose time is up."""
        return LimitReached(f"stopped after {self.max_time:g} seconds, the limit (--max-time)", hint=_HINT)

    def settle(self, usage: Usage | None) -> None:
        """Books what a reserved call took; None for one that brought no reply."""
        self.under_way -= 1
        if usage is not None:
            self.replies += 1
            self.tokens += usage.total_tokens
            self.cost += usage.cost

    def _foreseen(self, spent: float) -> float:
        """Returns what will be spent with one more call; where there was no reply yet, what is spent."""
        return spent + (self.under_way + 1) * spent / self.replies if self.replies else spent

    def _start(self) -> float:
        if self._started is None:
            self._started = self._clock()
        return self._started
