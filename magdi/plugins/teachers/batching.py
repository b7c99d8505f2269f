"""For engines that answer many requests at once: whatever is ready becomes the next batch."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import BaseModel

from magdi.core.teacher import Reply, Request, Teacher

Answer = Callable[[Sequence[Request]], Sequence[Reply | Exception]]


class Batcher:
    """Collects requests while a batch is being answered, and answers them together next.

    Args:
        answer: Answers a batch, in a thread of its own, one batch at a time: one reply or exception a request.
        most: Most requests a batch.
        cost: What a request weighs; requests of like weight share a batch, heaviest first.
    """

    def __init__(self, answer: Answer, most: int, cost: Callable[[Request], int]) -> None:
        self._answer, self._most, self._cost = answer, most, cost
        self._waiting: list[tuple[Request, asyncio.Future[Reply]]] = []
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")

    async def __call__(self, request: Request) -> Reply:
        """Returns the reply to a request; raises what the engine raised for it."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # let all who are about to ask in this turn of the loop ask
        while self._waiting:
            self._waiting.sort(key=lambda waiting: self._cost(waiting[0]))
            batch = [self._waiting.pop() for _ in range(min(self._most, len(self._waiting)))]
            try:
                replies = await loop.run_in_executor(self._thread, self._answer, [request for request, _ in batch])
            except Exception as error:
                replies = [error] * len(batch)
            for (_, future), reply in zip(batch, replies, strict=True):
                if future.done():
                    continue
                if isinstance(reply, Exception):
                    future.set_exception(reply)
                else:
                    future.set_result(reply)

    async def close(self) -> None:
        """Ends the work; a batch that is being answered is waited for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=True)


class InProcessTeacher(Teacher):
    """Base of teachers whose engine is in this process, and takes all requests that are ready as a batch."""

    served = False
    concurrency = 4096
    """All that is ready: the batcher takes from it."""

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self._batcher: Batcher | None = None

    async def complete(self, request: Request) -> Reply:
        """Answers a request with the next batch."""
        if self._batcher is None:
            self._batcher = Batcher(self._answer, self._most, self._cost)
        return await self._batcher(request)

    async def close(self) -> None:
        """Gives the engine's memory back."""
        batcher, self._batcher = self._batcher, None
        if batcher is not None:
            await batcher.close()
        self.__dict__.pop("_loaded", None)

    @property
    @abstractmethod
    def _loaded(self) -> Any:
        """The engine; kept until the teacher is closed."""

    @abstractmethod
    def _answer(self, requests: Sequence[Request]) -> Sequence[Reply | Exception]:
        """Answers a batch: one reply or exception a request."""

    @property
    def _most(self) -> int:
        """Most requests a batch."""
        return self.concurrency

    def _cost(self, request: Request) -> int:
        """What a request weighs; those of like weight share a batch."""
        return 0
