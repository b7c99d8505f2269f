"""A time limit on code that may never come back."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from magdi.plugins.testing.specimen import CheckFailed

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T], what: str) -> T:
    """Returns what a call returns, or raises `CheckFailed` after so many seconds.

    In the main thread a signal cuts the call off, in long regular expressions and powers of integers too; elsewhere
    (and on Windows) the call is left behind in a thread.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return _in_thread(seconds, call, what)

    def cut(signum: int, frame: FrameType | None) -> None:
        raise CheckFailed(f"{what} has not ended after {seconds:g} s")

    started = time.monotonic()
    handler = signal.signal(signal.SIGALRM, cut)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    finally:
        rest = max(left - (time.monotonic() - started), 0.001) if left else 0.0  # another's timer, pytest-timeout's say
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, rest, interval)


def _in_thread(seconds: float, call: Callable[[], T], what: str) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise CheckFailed(f"{what} has not ended after {seconds:g} s")
    return results[0]
