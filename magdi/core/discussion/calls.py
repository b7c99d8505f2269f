"""One request to one teacher: from the journal if it is there, else asked for, with retries, and journalled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import chain

from magdi.core.config.models import Limits
from magdi.core.discussion.budget import NOTHING, Budget
from magdi.core.discussion.events import Event, Waiting
from magdi.core.discussion.gate import Gate, Stop, Stopped
from magdi.core.discussion.journal import Entry, Journal, canonical, prompt_key, reply_key
from magdi.core.discussion.usage import Most, most_of
from magdi.core.errors import (
    ConfigError,
    LimitReached,
    MagdiError,
    TeacherError,
    TeacherRefusal,
    TransientTeacherError,
    UnreachableTeacherError,
    called,
    raised,
)
from magdi.core.teacher import Reply, Request, Teacher

UNREACHED_SECONDS = 4.0
"""How long a server that was never reached is tried."""


@dataclass(frozen=True, slots=True)
class Retry:
    """When a call that failed for a passing reason is made again: exponential backoff with jitter.

    A reply is given up after so many calls, and not before so many seconds.

    Attributes:
        attempts: Calls for one reply.
        seconds: Seconds from the first failure on: a server that is away for less costs nothing.
        base: Seconds that the first wait is at most.
        longest: Seconds that any wait is at most, unless the server asks for more.
        patience: Seconds that a server may ask to wait; a longer Retry-After fails the question.
    """

    attempts: int = 8
    seconds: float = 0.0
    base: float = 1.0
    longest: float = 30.0
    patience: float = 600.0

    @classmethod
    def of(cls, settings: Limits) -> Retry:
        """Returns what a configuration sets."""
        return cls(attempts=settings.tries, seconds=settings.patience)

    def wait(self, failures: int, retry_after: float | None) -> float:
        """Returns seconds to wait after so many failures (1 after the first)."""
        most = min(self.longest, self.base * 2 ** min(failures - 1, 30))
        drawn = random.uniform(most / 2, most)
        if retry_after is None:
            return drawn
        return retry_after + min(drawn, self.base)  # jitter on top: all who wait were told the same moment


class Calls:
    """Makes calls; one instance serves all discussions of a run.

    Equal requests to one teacher that are under way at the same time are one call.

    Args:
        journal: Where replies are kept and looked up; None to keep nothing.
        budget: What may be spent.
        stop: Set when the budget is used up; no call is made after that.
        retry: How failing calls are repeated.
        tell: Receives `Waiting` events.
        teachers: Identities of all who may be asked; none is given another's replies, whatever its aliases are.
    """

    def __init__(
        self,
        *,
        journal: Journal | None,
        budget: Budget,
        stop: Stop,
        retry: Retry,
        tell: Callable[[Event], None],
        teachers: Collection[str] = (),
    ) -> None:
        self._teachers = frozenset(teachers)
        self._journal, self._budget, self._stop, self._retry, self._tell = journal, budget, stop, retry, tell
        self._settled = asyncio.Event()
        self._gates: dict[Teacher, Gate] = {}
        self._under_way: dict[bytes, asyncio.Future[Reply]] = {}

    async def ask(self, agent: str, teacher: Teacher, request: Request) -> tuple[Reply, bool]:
        """Returns a reply, and whether it cost nothing now.

        Raises:
            TeacherError: The teacher did not answer, and will not.
            Stopped: The run is to end, e.g. because a reply cannot be kept.
        """
        prompt = prompt_key(text := canonical(request))
        key = reply_key(teacher.identity, prompt)
        if (kept := self._kept(teacher, key, prompt)) is not None:
            return kept, True
        if (other := self._under_way.get(key)) is not None:
            return await asyncio.shield(other), True
        mine = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            reply = await self._insist(agent, teacher, request, Entry(key, prompt, teacher.identity, text))
            mine.set_result(reply)
        except BaseException as error:
            mine.set_exception(error if isinstance(error, Exception) else Stopped())
            mine.exception()  # nobody may be waiting for it
            raise
        finally:
            del self._under_way[key]
        return reply, False

    def _kept(self, teacher: Teacher, key: bytes, prompt: bytes) -> Reply | None:
        if self._journal is None:
            return None
        others = (reply_key(name, prompt) for name in teacher.aliases if name not in self._teachers)
        found = (self._journal.get(each) for each in chain([key], others))
        return next((reply for reply in found if reply is not None), None)

    async def _insist(self, agent: str, teacher: Teacher, request: Request, entry: Entry) -> Reply:
        gate = self._gates.get(teacher) or self._gates.setdefault(teacher, Gate(teacher, self._stop))
        now = asyncio.get_running_loop().time
        failures, since = 0, 0.0
        try:
            while True:
                await gate.enter(request)
                try:
                    reply = await self._once(teacher, request)
                except TransientTeacherError as error:
                    failures, since = failures + 1, since or now()
                    seconds = self._seconds(gate, error, failures, now() - since)
                    if error.retry_after is not None:
                        gate.shut(error.retry_after)
                    self._tell(Waiting(agent, seconds, error.message))
                else:
                    gate.settle(request, reply.usage.total_tokens)
                    gate.first_call.has_replied()
                    # Its place is free when it is on disk: no more replies than places are paid for and can be lost.
                    return reply if self._journal is None else await self._journal.put(entry, reply)
                finally:
                    gate.leave()
                await self._stop.sleep(seconds)
        except TeacherRefusal as error:
            if gate.first_call.has_refused(sure=error.sure):
                raise self._end(error) from error
            raise
        except TeacherError:
            gate.first_call.reached = True
            gate.first_call.open()
            raise
        except MagdiError as error:  # e.g. a full disk: nobody else is to pay for what cannot be kept
            raise self._end(error) from error
        finally:
            gate.first_call.give_way()

    def _end(self, error: Exception) -> Stopped:
        """Ends the job, and returns what to raise."""
        self._stop.set(error)
        return Stopped()

    def _seconds(self, gate: Gate, error: TransientTeacherError, failures: int, passed: float) -> float:
        """Returns how long to wait before the next try."""
        if isinstance(error, UnreachableTeacherError) and not gate.first_call.reached:
            gate.first_call.failed_to_connect()
            if passed >= UNREACHED_SECONDS:
                hint = error.hint or "is the server running, and is its address the right one?"
                raise self._end(TeacherError(f"{error.message} (tried for {passed:.0f} s)", hint=hint)) from error
            return min(self._retry.wait(failures, None), max(0.0, UNREACHED_SECONDS - passed))
        gate.first_call.reached = True
        gate.first_call.open()
        if failures >= self._retry.attempts and passed >= self._retry.seconds:
            raise TeacherError(f"{error.message} (gave up after {failures} tries)", hint=error.hint) from error
        if error.retry_after is not None and error.retry_after > self._retry.patience:
            raise TeacherError(f"{error.message} (asks to wait {error.retry_after:.0f} s)", hint=error.hint) from error
        return self._retry.wait(failures, error.retry_after)

    async def _once(self, teacher: Teacher, request: Request) -> Reply:
        self._stop.check()
        most = most_of(request, teacher) if self._budget.limited else NOTHING
        await self._admitted(most)
        tokens, cost = 0.0, 0.0
        try:
            reply = await teacher.complete(request)
            if not isinstance(reply, Reply):
                raise TypeError(f"complete() of {called(teacher)} gives {type(reply).__name__}, and no Reply")
            tokens, cost = most
            tokens, cost = self._budget.usage_of(teacher, request, reply)
        except ConfigError as error:  # the limits cannot be kept: this reply is, and there is no further one
            self._stop.set(error)
        except TransientTeacherError as error:
            tokens, cost = most if error.charged else (0.0, 0.0)
            raise
        except (MagdiError, asyncio.CancelledError):
            raise
        except (Exception, SystemExit) as error:  # a bug in a teacher fails one question, as others do
            raise TeacherError(raised(error)) from error
        finally:
            self._budget.settle(most, tokens, cost)
            if self._budget.limited:
                self._settled.set()
                self._settled = asyncio.Event()
        return reply

    async def _admitted(self, most: Most) -> None:
        """Waits until the budget has room for a call."""
        try:
            while not self._budget.reserve(most):
                await self._stop.wait_for(self._settled)
        except LimitReached as limit:
            raise self._end(limit) from limit
