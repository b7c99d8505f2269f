"""The gate before a teacher: how many requests at once, how many a minute, and waiting when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from magdi.core.teacher import Request, Teacher

FIRST_CALL_SECONDS = 2.0
REFUSALS = 3  # in a row, after which a teacher is taken to refuse everything
CHARACTERS_PER_TOKEN = 4.0  # of English prose, for estimates before a tokenizer has seen it


def estimated_tokens(request: Request) -> float:
    """Returns about how many tokens a request will take, the longest reply included."""
    prompt = sum(len(message.content) for message in request.messages) / CHARACTERS_PER_TOKEN
    return prompt + (request.sampling.max_tokens or 0)


class Rate:
    """A token bucket: so many units a minute, of which at most a second's worth at once.

    Args:
        per_minute: Units a minute.
    """

    def __init__(self, per_minute: float) -> None:
        self._per_second = per_minute / 60
        self._burst = max(1.0, self._per_second)
        self._level = self._burst
        self._at: float | None = None

    def take(self, units: float, now: float) -> float:
        """Takes units and returns the seconds to wait before they may be used."""
        if self._at is not None:
            self._level = min(self._burst, self._level + (now - self._at) * self._per_second)
        self._at = now
        self._level -= units
        # A single request larger than the bucket must pass some time: it waits for a full bucket, and leaves a debt.
        return max(0.0, -(self._level + max(0.0, units - self._burst)) / self._per_second)

    def give_back(self, units: float) -> None:
        """Gives back units that were not used (or takes, when negative)."""
        self._level += units


class Stop:
    """Why no new call may be made any more, and a sleep that ends when that becomes known.

    Attributes:
        reason: What ends the run; None while it goes on.
    """

    def __init__(self) -> None:
        self.reason: Exception | None = None
        self._raised = asyncio.Event()

    def set(self, reason: Exception) -> None:
        """Ends the run; the first reason stands."""
        if self.reason is None:
            self.reason = reason
            self._raised.set()

    def check(self) -> None:
        """Raises `Stopped` when the run is to end."""
        if self.reason is not None:
            raise Stopped

    async def wait_for(self, event: asyncio.Event) -> None:
        """Waits for an event; raises `Stopped` as soon as the run is to end."""
        self.check()
        waits = [asyncio.ensure_future(each.wait()) for each in (event, self._raised)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self.check()

    async def sleep(self, seconds: float) -> None:
        """Sleeps; raises `Stopped` as soon as the run is to end."""
        self.check()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._raised.wait(), seconds)
        self.check()


class Stopped(Exception):
    """A call was not made because the run is to end; `Stop.reason` says why."""


class FirstCall:
    """The first call to a teacher goes alone: what is wrong with a key, a name or an address shows at once.

    It is open from the first sign of life on, or when the first call has been under way for `FIRST_CALL_SECONDS`.

    Attributes:
        reached: Whether the teacher has ever answered, be it with a refusal.
        replied: Whether it has given a reply.
        refusals: Refusals since its last reply.

    Args:
        stop: Ends all waiting.
        needed: Whether calls wait at all.
    """

    def __init__(self, stop: Stop, *, needed: bool) -> None:
        self.reached = self.replied = False
        self.refusals = 0
        self._stop, self._open = stop, not needed
        self._first: asyncio.Task[Any] | None = None
        self._news = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self) -> None:
        """Waits until this task may call; the first one may at once."""
        if self._open:
            return
        me = asyncio.current_task()
        while not self._open and self._first not in (None, me):
            await self._stop.wait_for(self._news)
        if not self._open and self._first is None:
            self._first = me
            self._timer = asyncio.get_running_loop().call_later(FIRST_CALL_SECONDS, self.open)

    def open(self) -> None:
        """Lets everybody call."""
        if not self._open:
            self._open = True
            self._tell()

    def give_way(self) -> None:
        """Lets somebody else go first, where this task does."""
        if not self._open and self._first is asyncio.current_task():
            self._tell()

    def _tell(self) -> None:
        self.failed_to_connect()
        self._first = None
        self._news.set()
        self._news = asyncio.Event()

    def failed_to_connect(self) -> None:
        """Keeps everybody waiting: time alone opens nothing now, and the first call is made again."""
        if self._timer is not None:
            self._timer.cancel()

    def has_replied(self) -> None:
        """Takes note of a reply."""
        self.reached, self.replied, self.refusals = True, True, 0
        self.open()

    def has_refused(self, *, sure: bool) -> bool:
        """Takes note of a refusal and returns whether it ends the job."""
        self.reached, self.refusals = True, self.refusals + 1
        self.give_way()
        return self.refusals >= REFUSALS or (sure and not self.replied)


class Gate:
    """Lets requests to one teacher through, as many and as fast as it allows.

    Attributes:
        probe: What its first calls have shown.

    Args:
        teacher: Its ``concurrency``, ``requests_per_minute`` and ``tokens_per_minute`` are kept to.
        stop: Ends all waiting.
    """

    def __init__(self, teacher: Teacher, stop: Stop) -> None:
        self._places = asyncio.Semaphore(max(1, teacher.concurrency))
        self._requests = Rate(teacher.requests_per_minute) if teacher.requests_per_minute else None
        self._tokens = Rate(teacher.tokens_per_minute) if teacher.tokens_per_minute else None
        self._stop = stop
        self._closed_until = 0.0
        self.first_call = FirstCall(stop, needed=teacher.served)

    async def enter(self, request: Request) -> None:
        """Takes a place, when there is one and it is time; `leave` gives it back.

        Raises:
            Stopped: The run is to end; no place was taken.
        """
        await self.first_call.enter()
        await self._places.acquire()
        try:
            await self._wait(request)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Gives a place back."""
        self._places.release()

    def shut(self, seconds: float) -> None:
        """Lets nobody through for a while: the server asked for it."""
        self._closed_until = max(self._closed_until, asyncio.get_running_loop().time() + seconds)

    def settle(self, request: Request, tokens: int) -> None:
        """Corrects the estimate of a request's tokens by what it really took."""
        if self._tokens is not None and tokens:
            self._tokens.give_back(estimated_tokens(request) - tokens)

    async def _wait(self, request: Request) -> None:
        self._stop.check()
        now = asyncio.get_running_loop().time
        while (closed := self._closed_until - now()) > 0:
            await self._stop.sleep(closed)
        waits = [0.0]
        if self._requests is not None:
            waits.append(self._requests.take(1, now()))
        if self._tokens is not None:
            waits.append(self._tokens.take(estimated_tokens(request), now()))
        if max(waits) > 0:
            await self._stop.sleep(max(waits))
