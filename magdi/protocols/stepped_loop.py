"""An event loop that stops whenever it would have to wait: what asks for replies becomes steps.

Code that insists on calling a model itself (an AutoGen team) runs in such a loop until all its tasks wait for replies;
the protocol yields the calls as a wave, hands the replies in, and lets the loop go on. Nothing here does I/O.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Call(Generic[Question, Answer]):
    """A question that some task of the loop waits on.

    Attributes:
        question: What is asked.
        future: Where the answer goes.
    """

    question: Question
    future: asyncio.Future[Answer]


class _IdleSelector(selectors.DefaultSelector):
    """Tells when the loop has nothing left to do at once: only then does it ask to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.on_idle: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        return super().select(0 if self.on_idle() else timeout)


@dataclass(slots=True)
class SteppedLoop(Generic[Question, Answer]):
    """Runs one coroutine, step by step.

    Every step runs in a thread of its own that has ended when the step is over: the caller may be inside an event
    loop, and no thread is left behind by a discussion that waits.

    Attributes:
        calls: What is waited on, in the order in which it was asked.
    """

    calls: list[Call[Question, Answer]] = field(default_factory=list)
    _loop: asyncio.SelectorEventLoop = field(init=False)
    _task: asyncio.Task[Any] | None = field(init=False, default=None)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Runs the coroutine until it waits for answers or is done."""
        selector = _IdleSelector()
        selector.on_idle = self._on_idle
        self._loop = asyncio.SelectorEventLoop(selector)
        self._task = self._loop.create_task(coroutine)
        self._task.add_done_callback(lambda task: self._loop.stop())
        self.step()

    def step(self) -> None:
        """Goes on, after answers were given, until it waits for answers again or is done."""
        self._in_thread(self._loop.run_forever)

    async def ask(self, question: Question) -> Answer:
        """Asks, from inside the loop."""
        future: asyncio.Future[Answer] = self._loop.create_future()
        self.calls.append(Call(question, future))
        return await future

    @property
    def done(self) -> bool:
        """Whether the coroutine has ended."""
        return self._task is not None and self._task.done()

    @property
    def task(self) -> asyncio.Task[Any]:
        """The coroutine's task.

        Raises:
            RuntimeError: It was not started.
        """
        if self._task is None:
            raise RuntimeError("the loop was not started")
        return self._task

    def close(self) -> None:
        """Cancels whatever still runs, and gives the loop back; as Python ends no thread begins any more."""
        if self._task is not None and not self._loop.is_closed() and not sys.is_finalizing():
            self._in_thread(self._finish)

    def _finish(self) -> None:
        self.calls.clear()
        self._loop.set_exception_handler(lambda loop, context: None)  # what is ended in the middle may complain
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _on_idle(self) -> bool:
        waiting = any(not call.future.done() for call in self.calls)
        if waiting:
            self._loop.stop()
        return waiting

    def _in_thread(self, work: Callable[[], None]) -> None:
        failures: list[BaseException] = []

        def run() -> None:
            try:
                work()
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run, name="magdi-stepped-loop", daemon=True)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
