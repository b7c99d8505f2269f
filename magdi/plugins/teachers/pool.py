"""Several servers of one teacher: the least loaded is asked, and one that fails is set aside for a while.

A server that is set aside is asked when no other can be, and tried again with one request when its time is up: a second
after the first failure, twice as long after each further one, or as long as it asked for itself. So one server alone is
asked whatever it did, as it would be without a pool; and what no server answers is told as one server's failure is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from magdi.core.errors import TeacherError, TeacherRefusal, TransientTeacherError, UnreachableTeacherError
from magdi.core.teacher import Price, Reply, Request
from magdi.plugins.teachers.server import Server

FIRST_ASIDE, LONGEST_ASIDE = 1.0, 60.0
"""Seconds that a server is set aside after one failure, and after however many."""

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Place:
    """How a server does.

    Attributes:
        busy: Requests that are under way.
        asked: Requests that it was ever given.
        failures: How often it was set aside since its last reply.
        until: The event loop's time until which it is set aside.
        trial: Whether one request is finding out if it is back.
        error: What it failed with; None where it has answered since.
    """

    server: Server
    busy: int = 0
    asked: int = 0
    failures: int = 0
    until: float = 0.0
    trial: bool = False
    error: TeacherError | None = field(default=None)

    def is_ready(self, now: float) -> bool:
        return self.error is None or (now >= self.until and not self.trial)

    def failed(self, error: TeacherError, failures: int) -> None:
        """Sets it aside; of many requests that fail together only the first counts."""
        self.error = error
        if failures != self.failures:
            return
        if isinstance(error, TeacherRefusal) and not failures:
            log.warning("%s is set aside: %s", self.server.endpoint.host, error.message)
        asked_for = error.retry_after or 0.0 if isinstance(error, TransientTeacherError) else 0.0
        seconds = min(LONGEST_ASIDE, FIRST_ASIDE * 2 ** min(failures, 30))
        self.failures += 1
        self.until = asyncio.get_running_loop().time() + max(asked_for, seconds)

    def answered(self) -> None:
        self.failures, self.error = 0, None


class Pool:
    """Servers that answer alike.

    Attributes:
        servers: The servers.
    """

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = tuple(servers)
        self._places = [_Place(server) for server in servers]

    async def complete(self, request: Request, price: Price | None) -> Reply:
        """Answers one request by the least loaded server, and by others where that one refuses it.

        A call that may have been charged is not made again here: that is for the driver, which keeps the budget.

        Raises:
            TransientTeacherError: No server has answered, and one may yet.
            TeacherRefusal: All servers refuse to work.
            TeacherError: A server that works will not answer this.
        """
        if len(self._places) == 1:
            return await self.servers[0].complete(request, price)
        failed: dict[_Place, TeacherError] = {}
        while (place := self._least_loaded(failed)) is not None:
            try:
                return await self._ask(place, request, price)
            except (TransientTeacherError, TeacherRefusal) as error:
                failed[place] = error
                if isinstance(error, TransientTeacherError) and error.charged:
                    break
        raise self._together(failed)

    async def close(self) -> None:
        """Closes the connections of all."""
        for server in self.servers:
            await server.close()

    def _least_loaded(self, failed: Mapping[_Place, TeacherError]) -> _Place | None:
        """Returns whom to ask; None where all that are left are set aside, and another was asked already."""
        now = asyncio.get_running_loop().time()
        left = [place for place in self._places if place not in failed]
        if ready := [place for place in left if place.is_ready(now)]:
            return min(ready, key=lambda place: (place.busy, place.asked))
        return None if failed else min(left, key=lambda place: (isinstance(place.error, TeacherRefusal), place.until))

    async def _ask(self, place: _Place, request: Request, price: Price | None) -> Reply:
        failures, on_trial = place.failures, place.error is not None
        place.trial |= on_trial
        place.busy += 1
        place.asked += 1
        try:
            reply = await place.server.complete(request, price)
        except (TransientTeacherError, TeacherRefusal) as error:
            place.failed(error, failures)
            raise
        except TeacherError:  # it is this request that it will not answer
            place.answered()
            raise
        else:
            place.answered()
            return reply
        finally:
            place.busy -= 1
            place.trial &= not on_trial

    def _together(self, failed: Mapping[_Place, TeacherError]) -> TeacherError:
        """Returns one error for what is wrong with all servers: what they said now, or when they were set aside."""
        told_now = {place: failed.get(place, place.error) for place in self._places}
        errors = {place: error for place, error in told_now.items() if error is not None}
        told = "; ".join(f"{place.server.endpoint.host}: {error.message}" for place, error in errors.items())
        hint = next((error.hint for error in errors.values() if error.hint), "")
        refusals = [error for error in errors.values() if isinstance(error, TeacherRefusal)]
        if len(refusals) == len(self._places):
            return TeacherRefusal(told, sure=all(error.sure for error in refusals), hint=hint)
        passing = {place: error for place, error in errors.items() if isinstance(error, TransientTeacherError)}
        if len(errors) == len(self._places) and all(
            isinstance(each, UnreachableTeacherError) for each in passing.values()
        ):
            return UnreachableTeacherError(told, hint=hint)
        charged = any(isinstance(error, TransientTeacherError) and error.charged for error in failed.values())
        return TransientTeacherError(told, retry_after=self._wait(errors, passing), charged=charged, hint=hint)

    def _wait(
        self, errors: Mapping[_Place, TeacherError], passing: Mapping[_Place, TransientTeacherError]
    ) -> float | None:
        """Returns the seconds until the first server may be asked again, where all that work have named a time."""
        if len(errors) < len(self._places) or any(error.retry_after is None for error in passing.values()):
            return None
        now = asyncio.get_running_loop().time()
        return max(0.0, min(place.until for place in passing) - now)
