"""Holds many discussions at once: an event loop in a thread of its own behind a plain iterator.

Discussions come out in the order of their questions, a bounded number of them is open or waiting at any time, and the
same replies give the same bytes: nothing about time goes into a MAG.

The thread of its own means that replies keep coming in, and into the journal, while the caller works on a MAG; and
that it works where a loop is running already, as in a notebook.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from magdi.core.config.models import Discussion as Settings
from magdi.core.decision import DecisionRule
from magdi.core.discussion.budget import Budget
from magdi.core.discussion.calls import Calls, Retry
from magdi.core.discussion.events import Event
from magdi.core.discussion.gate import Stop, Stopped
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.seat import DiscussionSetup, Failure, Seat, share_teachers, teachers_of
from magdi.core.discussion.session import Sessions
from magdi.core.mag import Mag, Question
from magdi.core.protocol import Protocol
from magdi.core.task import Task

__all__ = ["Failure", "Retry", "Seat", "hold_discussions"]

FINISHED_AHEAD = 4  # times `in_flight`: discussions that may be open or wait for an earlier one to be yielded
OBJECTS = 10_000  # new ones between two looks for garbage in cycles
EVENT_SECONDS = 0.05  # events are handed over in batches: a wake-up of the other thread for each would cost more


def hold_discussions(
    questions: Iterable[Question],
    *,
    protocol: Protocol,
    protocol_name: str,
    seats: Sequence[Seat],
    task: Task,
    decide: DecisionRule | None = None,
    settings: Settings,
    journal: Journal | None = None,
    budget: Budget | None = None,
    on_event: Callable[[Event], None] | None = None,
    retry: Retry | None = None,
) -> Generator[Mag | Failure]:
    """Yields the MAG of each question, or why there is none, in the order of the questions.

    Teachers are closed at the end. Seats whose teachers are of one class and identity share the first one, with its
    connections and limits. An iterator that is given up before its end stops all work.

    Args:
        questions: The questions; read as the work goes on, in another thread.
        protocol: Who speaks when, shown what.
        protocol_name: What the MAGs call it.
        seats: Who takes part.
        task: Reads answers and grades them, in another thread than the caller's.
        decide: A decision rule instead of the protocol's own.
        settings: Discussions at once, re-asks, tries, whether prompts are kept.
        journal: Where replies are kept, and found again; the caller closes it.
        budget: What may be spent; that of the settings when left out.
        on_event: Called for each event, in the thread that iterates.
        retry: How failing calls are repeated; as the settings say when left out.

    Raises:
        LimitReached: The budget is used up; everything that was finished has been yielded.
        TeacherError: A teacher was never reached, or refuses to work at all; likewise.
        ConfigError: Limits cannot be kept: a price is not known, or a server does not count tokens.
        ProtocolError: The protocol broke its contract; likewise.
        StorageError: The journal cannot be written; likewise.
        MagdiError: A teacher's `check` says that it cannot answer; nothing was started.
    """
    seats = share_teachers(seats)
    budget = budget or Budget.of(settings)
    teachers = teachers_of(seats)
    for teacher in teachers:
        teacher.check()
    budget.check(teachers)
    work = _Work(
        DiscussionSetup(protocol, protocol_name, seats, task, decide, settings),
        journal,
        budget,
        retry or Retry.of(settings),
        on_event is not None,
    )
    thread = threading.Thread(target=work.run, args=(questions,), name="discussions", daemon=True)
    thread.start()
    try:
        while not isinstance(out := work.out.get(), _End):
            if isinstance(out, list):
                for event in out:
                    on_event(event)  # type: ignore[misc]
            else:
                yield out
                work.taken()
        if out.error is not None:
            raise out.error
    finally:
        work.give_up()
        thread.join()


@contextlib.contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Has Python look for garbage in cycles less often: there is next to none, and it took a sixth of a call."""
    before = gc.get_threshold()
    if before[0]:
        gc.set_threshold(max(before[0], OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class _Work:
    """The side of the event loop: opens discussions, puts what comes of them in order, and hands it over."""

    def __init__(
        self, setting: DiscussionSetup, journal: Journal | None, budget: Budget, retry: Retry, wants_events: bool
    ) -> None:
        self.out: queue.SimpleQueue[Mag | Failure | list[Event] | _End] = queue.SimpleQueue()
        self._setting, self._journal, self._budget, self._retry = setting, journal, budget, retry
        self._wants_events = wants_events
        self._events: list[Event] = []
        self._finished: dict[int, Mag | Failure] = {}
        self._next = 0
        self._loop = asyncio.new_event_loop()
        self._places = asyncio.Semaphore(setting.settings.in_flight)
        self._room = asyncio.Semaphore(FINISHED_AHEAD * setting.settings.in_flight)
        self._task: asyncio.Task[None] | None = None
        self._given_up = False

    def run(self, questions: Iterable[Question]) -> None:
        """Does all the work; the body of the thread."""
        reason: BaseException | None = None
        try:
            with _seldom_collecting(), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                reason = runner.run(self._hold_all(questions))
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            reason = error
        self._hand_over()
        self.out.put(_End(reason))

    def taken(self) -> None:
        """The caller has taken one discussion; called from the caller's thread."""
        self._call(self._room.release)

    def give_up(self) -> None:
        """Ends the work at once, or does nothing where it has ended; called from the caller's thread."""
        self._given_up = True
        self._call(lambda: self._task and self._task.cancel())

    def _call(self, function: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the work has ended
            self._loop.call_soon_threadsafe(function)

    async def _hold_all(self, questions: Iterable[Question]) -> Exception | None:
        """Returns why the work ended before the last question; None where it did not."""
        self._task = asyncio.current_task()
        if self._given_up:
            return None
        stop = Stop()
        if (seconds := self._budget.seconds_left) is not None:
            self._loop.call_later(seconds, lambda: stop.set(self._budget.time_is_up()))
        calls = Calls(
            journal=self._journal,
            budget=self._budget,
            stop=stop,
            retry=self._retry,
            tell=self._tell,
            teachers={teacher.identity for teacher in teachers_of(self._setting.seats)},
        )
        sessions = Sessions(self._setting, calls, self._tell)
        try:
            await self._open_all(questions, sessions, stop)
        finally:
            for teacher in teachers_of(self._setting.seats):
                await teacher.close()
        for index in sorted(self._finished):  # a stopped run has gaps
            self.out.put(self._finished[index])
        return self._budget.final(stop.reason)

    async def _open_all(self, questions: Iterable[Question], sessions: Sessions, stop: Stop) -> None:
        open_now: set[asyncio.Task[None]] = set()
        for index, question in enumerate(questions):
            await self._room.acquire()
            await self._places.acquire()
            if stop.reason is not None:
                break
            task = self._loop.create_task(self._one(index, question, sessions, stop))
            open_now.add(task)
            task.add_done_callback(open_now.discard)
        while open_now:
            await asyncio.wait(open_now)

    async def _one(self, index: int, question: Question, sessions: Sessions, stop: Stop) -> None:
        try:
            finished = await sessions.hold(question)
        except Stopped:
            self._room.release()  # nothing will be yielded for it; whoever waits for room is to see that it is over
            return
        except Exception as error:
            stop.set(error)
            self._room.release()
            return
        finally:
            self._places.release()
        self._finished[index] = finished
        while self._next in self._finished:
            self.out.put(self._finished.pop(self._next))
            self._next += 1

    def _tell(self, event: Event) -> None:
        if not self._wants_events:
            return
        if not self._events:
            self._loop.call_later(EVENT_SECONDS, self._hand_over)
        self._events.append(event)

    def _hand_over(self) -> None:
        if self._events:
            self.out.put(self._events)
            self._events = []
