"""Limits of a job: cost, calls, tokens, time. They stop new calls; what is under way is awaited and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

from magdi.core.config.models import Limits
from magdi.core.discussion.usage import Most, Tokens, doubt
from magdi.core.errors import ConfigError, LimitReached
from magdi.core.teacher import Reply, Request, Teacher

_HINT = "what was done is kept; the same command goes on from here, with the same allowance anew"
NOTHING = Most(0, 0.0)


class Budget:
    """What may still be spent. Replies from the journal are free.

    A call is admitted when what is spent, what the calls under way may take at most, and what it may take itself stay
    within the limits; or when nothing else is under way and the limits are not reached. So a limit is overshot by one
    call at most, whatever the calls turn out to take, and used up nonetheless.

    Args:
        max_cost: US dollars.
        max_calls: Calls; kept exactly.
        max_tokens: Tokens, prompts included.
        max_time: Seconds from the first call on.
        estimate_usage: Count tokens where a server's own count is none: with the teacher's own tokenizer, or this one.
        clock: Returns seconds.
    """

    def __init__(
        self,
        *,
        max_cost: float | None = None,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        max_time: float | None = None,
        estimate_usage: bool | str = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_cost, self.max_calls, self.max_tokens, self.max_time = max_cost, max_calls, max_tokens, max_time
        self.calls = self.under_way = self.tokens = 0
        self.cost = 0.0
        self._estimate = estimate_usage
        self._counters: dict[Teacher, Tokens] = {}
        self._estimated: set[str] = set()
        self._reserved_tokens = self._reserved_cost = 0.0
        self._clock = clock
        self._started: float | None = None
        self._reached: Callable[[], LimitReached] | None = None

    @classmethod
    def of(cls, settings: Limits, **options: Any) -> Budget:
        """Returns the budget that a configuration sets."""
        names = ("max_cost", "max_calls", "max_tokens", "max_time", "estimate_usage")
        return cls(**{name: getattr(settings, name) for name in names}, **options)

    def check(self, teachers: Iterable[Teacher]) -> None:
        """Looks whether the limits can be kept with these teachers.

        Raises:
            ConfigError: There is a limit on cost, and what one of them costs is not known.
        """
        unknown = sorted({teacher.identity for teacher in teachers if teacher.served and teacher.price is None})
        if self.max_cost is not None and unknown:
            raise ConfigError(
                f"--max-cost cannot be kept: what tokens cost is not known for {', '.join(unknown)}",
                hint="say it with --price IN,OUT (US dollars per million tokens), or price: in a teacher's settings; "
                "--max-tokens and --max-calls need no price",
            )

    @property
    def limited(self) -> bool:
        """Whether tokens or cost are: what a call takes at most matters, and calls may have to wait for others."""
        return self.max_tokens is not None or self.max_cost is not None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time is up; None where there is no limit."""
        if self.max_time is None:
            return None
        return self.max_time - (self._clock() - self._start())

    def reserve(self, most: Most = NOTHING) -> bool:
        """Takes one call out of the budget; False where it has to wait for one that is under way.

        Raises:
            LimitReached: There is nothing left.
        """
        left = self.seconds_left
        if left is not None and left <= 0:
            raise self.time_is_up()
        out_of_calls = self.max_calls is not None and self.calls >= self.max_calls
        for used_up, error in ((out_of_calls, self._out_of_calls), (self._used_up(), self._spent)):
            if used_up:
                self._reached = error
                raise error()
        if self.under_way and not self._has_room(most):
            return False
        self.calls += 1
        self.under_way += 1
        self._reserved_tokens += most.tokens
        self._reserved_cost += most.cost
        return True

    def time_is_up(self) -> LimitReached:
        """Returns the error that ends a job whose time is up."""
        return LimitReached(f"stopped after {self.max_time:g} seconds, the limit (--max-time)", hint=_HINT)

    def final(self, error: Exception | None) -> Exception | None:
        """Returns why a job ended, with the figures of the end: calls that were under way at a limit count, too."""
        return self._reached() if self._reached is not None and isinstance(error, LimitReached) else error

    def settle(self, most: Most, tokens: float = 0, cost: float = 0.0) -> None:
        """Books what a reserved call took; nothing where that is infinite, as it may be of one that failed."""
        self.under_way -= 1
        # An infinite reservation is alone, and nothing is left of it; inf - inf would be no number.
        self._reserved_tokens = self._reserved_tokens - most.tokens if self.under_way else 0.0
        self._reserved_cost = self._reserved_cost - most.cost if self.under_way else 0.0
        self.tokens += int(tokens) if isfinite(tokens) else 0
        self.cost += cost if isfinite(cost) else 0.0

    def usage_of(self, teacher: Teacher, request: Request, reply: Reply) -> tuple[int, float]:
        """Returns the tokens and US dollars of a reply: as the server says or, where that cannot be, as counted.

        Raises:
            ConfigError: They are limited, the server's count cannot be right, and no estimate is accepted.
        """
        usage = reply.usage
        if not (teacher.served and self.limited) or not (why := doubt(request, reply)):
            price = teacher.price
            asked = price.of(usage.prompt_tokens, usage.completion_tokens) if price else 0.0
            return usage.total_tokens, usage.cost or asked
        if not self._estimate:
            limit = "--max-tokens" if self.max_tokens is not None else "--max-cost"
            raise ConfigError(
                f"{limit} cannot be kept: {teacher.identity} {why}",
                hint="--estimate-usage counts tokens here instead, by a tokenizer; --max-calls needs no count",
            )
        counter = self._counter(teacher)
        self._estimated.add(counter.name)
        counted = counter.count(request, reply)
        return sum(counted), teacher.price.of(*counted) if teacher.price else 0.0

    def _counter(self, teacher: Teacher) -> Tokens:
        if teacher not in self._counters:
            named = self._estimate if isinstance(self._estimate, str) else ""
            self._counters[teacher] = Tokens(named) if named else Tokens.of(teacher)
        return self._counters[teacher]

    def _used_up(self) -> bool:
        out_of_tokens = self.max_tokens is not None and self.tokens >= self.max_tokens
        return out_of_tokens or (self.max_cost is not None and self.cost >= self.max_cost)

    def _has_room(self, most: Most) -> bool:
        tokens, cost = self.tokens + self._reserved_tokens + most.tokens, self.cost + self._reserved_cost + most.cost
        return (self.max_tokens is None or tokens <= self.max_tokens) and (
            self.max_cost is None or cost <= self.max_cost
        )

    def _out_of_calls(self) -> LimitReached:
        return LimitReached(f"stopped after {self.calls} calls, the limit (--max-calls)", hint=_HINT)

    def _spent(self) -> LimitReached:
        how = f", in part counted by the tokenizer {', '.join(sorted(self._estimated))}" if self._estimated else ""
        if self.max_tokens is not None and self.tokens >= self.max_tokens:
            told = f"stopped at {self.tokens} tokens{how}; the limit is {self.max_tokens} (--max-tokens)"
        else:
            told = f"stopped at ${self.cost:.6g}{how}; the limit is ${self.max_cost:g} (--max-cost)"
        return LimitReached(told, hint=_HINT)

    def _start(self) -> float:
        if self._started is None:
            self._started = self._clock()
        return self._started
