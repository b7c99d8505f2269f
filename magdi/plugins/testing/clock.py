"""Time as a component spends it: a busy neighbour takes the processor, and none of a check's patience."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil

SLICE = 0.25
"""Seconds between two looks at a clock."""

RESTING = 0.05
"""Share of a processor below which nothing is being done, unless something waits for a processor."""

LEAST = 0.1
"""Of a second in which something is done, what counts at least: what only looks around now and then has an end, too."""


class Clock:
    """Seconds that a process and those that it has begun have worked, or have all rested, waiting for something.

    Of those in which they wait for a processor, beside others that are busy, a tenth is counted at most. It begins
    with the first slice that is over, for most checks end sooner, and to look takes milliseconds.

    Args:
        process: Its id; this one's by default.
    """

    def __init__(self, process: int | None = None) -> None:
        self._process = psutil.Process(process)
        self._spent = 0.0
        self._at, self._worked = time.monotonic(), -1.0

    @property
    def spent(self) -> float:
        """Seconds until now, or until less than a slice ago."""
        passed = time.monotonic() - self._at
        if passed >= SLICE:
            work = max(self._work(), self._worked)
            if self._worked >= 0:
                share = (work - self._worked) / passed
                rests = share < RESTING and not any(map(_could_go_on, self._all()))
                self._spent += passed * (1.0 if rests else min(max(share, LEAST), 1.0))
            self._at, self._worked = self._at + passed, work
        return self._spent

    def _work(self) -> float:
        """Returns seconds of processor; what has just ended has none."""
        total = 0.0
        try:
            ended = self._process.cpu_times()
            total = ended.children_user + ended.children_system
            for each in self._all():
                used = each.cpu_times()
                total += used.user + used.system
        except psutil.Error:
            pass
        return total

    def _all(self) -> list[psutil.Process]:
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.Error:
            return []


def _could_go_on(process: psutil.Process) -> bool:
    """Returns whether a thread of a process, but for this one, waits for a processor or a disk at this moment."""
    threads = Path(f"/proc/{process.pid}/task")
    try:
        if not threads.is_dir():
            return bool(process.status() == psutil.STATUS_RUNNING)
        others = [each for each in threads.iterdir() if each.name != str(threading.get_native_id())]
        return any((each / "stat").read_text().rpartition(")")[2].split()[0] in "RD" for each in others)
    except (OSError, psutil.Error):  # it has just ended
        return False
