"""The process in which checks are made: it is forked off, and killed with a check that does not end.

No limit inside one process holds: a component may swallow whatever is raised in it, and code in C that keeps the
interpreter to itself hears nothing. A fork costs some milliseconds, knows classes of notebooks and plugin files, and
makes one check after the other. Where forking is out of the question (Windows; torch with a GPU, which does not
survive it) a thread stands in, which is left behind when its time is up. Time is that of the process (`clock`): on a
busy machine what ends does so, however long that takes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from magdi.plugins.guard import changed, process_settings
from magdi.plugins.testing.clock import SLICE, Clock

LIMIT = 30.0
"""Seconds without news after which a check is taken not to end."""

LONGEST = 45.0
"""Seconds that a check may take in all, whatever news there is."""

PROCESSOR = 1800
"""Seconds of processor after which the system ends a process whose parent has gone without ending it."""

LIBRARY = re.compile(r"[\\/](python3[^\\/]*|Lib|magdi[\\/]core)[\\/]")
"""Files of others, in a traceback: a component's own line says more."""

_here = threading.local()
"""``report``: who is told what the check in this thread does; ``before``: the process's settings in the beginning."""


class CheckFailed(AssertionError):
    """A component does not do what a check asks for; the message says what it did."""


class DoesNotApply(Exception):
    """A check that cannot be made on this component; the message says why."""


class NotMade(Exception):
    """A check that something which went wrong before stands in the way of; the message says what."""


class _Step(NamedTuple):
    what: str
    seconds: float


class Outcome(NamedTuple):
    """How a check went: ``ok`` (with a remark, or without), ``failed``, ``stopped`` or ``not applicable``."""

    how: str
    message: str = ""


def doing(what: str, seconds: float | None = None) -> None:
    """Says what a check does next, and starts the clock anew; what takes longer than so many seconds is cut off."""
    report: Callable[[_Step], None] | None = getattr(_here, "report", None)
    if report is not None:
        report(_Step(what, seconds or LIMIT))


def changed_since() -> list[str]:
    """Returns which settings of the whole process are not what they were before the first check."""
    before: list[Any] = getattr(_here, "before", None) or process_settings()
    return [setting.what for setting, _ in changed(before)]


@dataclass(eq=False)
class CheckProcess:
    """Makes checks where they can be cut off; see the module.

    Attributes:
        in_thread: Whether a thread stands in for the process.
    """

    in_thread: bool = field(default_factory=lambda: not _can_fork())
    _line: Connection | None = None
    _process: int = 0

    def make(self, check: Callable[[Any], str | None], specimen: Any) -> Outcome:
        """Makes a check. It gets ``specimen`` as it was at the first one, with what earlier ones have kept in it."""
        line = self._line or self._start(specimen)
        try:
            line.send(check)
            return self._wait(line)
        except BaseException:  # an interrupt, say: nobody waits for the process any more
            self.close()
            raise

    def _wait(self, line: Connection) -> Outcome:
        clock, step, until, end = Clock(self._process or None), _Step("it", LIMIT), LIMIT, LONGEST
        while clock.spent < min(until, end):
            if not line.poll(SLICE):
                continue
            try:
                told = line.recv()
            except (EOFError, OSError):
                return Outcome("stopped", f"{step.what}: the process ends {self.close()}")
            if isinstance(told, Outcome):
                return told
            step, until = told, clock.spent + told.seconds
            end = max(end, until) if step.seconds > LIMIT else end
        self.close()
        late = clock.spent >= end
        said = f"it has not ended after {LONGEST:g} s, last with {step.what}" if late else ""
        return Outcome("stopped", said or f"{step.what} has not ended after {step.seconds:g} s")

    def _start(self, specimen: Any) -> Connection:
        self._line, theirs = Pipe()
        if self.in_thread:
            threading.Thread(target=_serve, args=(theirs, specimen), daemon=True).start()
            return self._line
        parent = os.getpid()
        self._process = os.fork()
        if not self._process:
            _be_the_child(theirs, specimen, parent)
        theirs.close()
        return self._line

    def close(self) -> str:
        """Ends the process; returns how it ended."""
        line, self._line = self._line, None
        process, self._process = self._process, 0
        if line is not None:
            line.close()
        if not process:
            return "with its thread"
        ended, status = os.waitpid(process, os.WNOHANG)
        if not ended:
            os.kill(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        return f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


def _can_fork() -> bool:
    torch = sys.modules.get("torch")
    return hasattr(os, "fork") and not (torch is not None and torch.cuda.is_available())


def _be_the_child(line: Connection, specimen: Any, parent: int) -> None:
    """Makes checks until the parent has gone, in the process that was forked off; does not return."""
    import resource

    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR))
        gc.freeze()  # to look through all that the parent has would copy it
        os.dup2(2, 1)  # what a component prints is no result
        sys.stdout = sys.stderr
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(1)  # the threads of the parent are not here
        _serve(line, specimen, lambda: os.getppid() == parent)
    finally:
        os._exit(0)


def _serve(line: Connection, specimen: Any, go_on: Callable[[], bool] = lambda: True) -> None:
    _here.report, _here.before = line.send, process_settings()
    with contextlib.suppress(EOFError, OSError):
        while go_on():
            if line.poll(1):
                line.send(outcome_of(line.recv(), specimen))


def outcome_of(check: Callable[[Any], str | None], specimen: Any) -> Outcome:
    """Makes a check here and now; whatever it raises is an outcome."""
    try:
        return Outcome("ok", check(specimen) or "")
    except CheckFailed as failure:
        return Outcome("failed", str(failure))
    except DoesNotApply as reason:
        return Outcome("not applicable", str(reason))
    except NotMade as cause:
        return Outcome("stopped", str(cause))
    except BaseException as error:  # SystemExit and the like are a component's, too
        return Outcome("stopped", told(error))


def told(error: BaseException) -> str:
    """Returns an exception as one line, with the file and line of the component's code that raised it."""
    words = " ".join(str(error).split())
    where = [frame for frame in traceback.extract_tb(error.__traceback__) if not _ours(frame.filename)]
    where = [frame for frame in where if not LIBRARY.search(frame.filename)] or where
    place = f" ({Path(where[-1].filename).name}:{where[-1].lineno})" if where else ""
    return f"{type(error).__name__}: {words}{place}" if words else f"{type(error).__name__}{place}"


def _ours(file: str) -> bool:
    return Path(file).parent == Path(__file__).parent


@contextlib.contextmanager
def caused_by(what: str) -> Iterator[None]:
    """Turns whatever is raised inside into `NotMade` with what was being done: "questions() raises KeyError: 'x'"."""
    doing(what)
    try:
        yield
    except (CheckFailed, DoesNotApply, NotMade):
        raise
    except Exception as error:
        raise NotMade(f"{what} raises {told(error)}") from error
