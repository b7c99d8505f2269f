"""One tree of exceptions; each carries the exit code of the command that it ends, and a hint.

Exit codes: 1 work failed, 2 usage, config or missing component (nothing was started), 3 stopped at a limit
(the same command resumes), 4 done to the end, but some discussions failed (the same command tries them again),
130 interrupted.
"""

from __future__ import annotations

import difflib
import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from traceback import FrameSummary, extract_tb

_OWN = str(Path(__file__).parents[1]) + os.sep
_STANDARD = sysconfig.get_path("stdlib") + os.sep
_INSTALLED = re.compile(r"[\\/](?:site|dist)-packages[\\/]")
_BACKPORT = re.compile(r"[\\/]importlib_metadata[\\/]")
"""What finds entry points in Python's place once any library has imported it."""

BROUGHT: dict[str, str] = {}
"""By the file, or the folder (which ends in a separator), that a plugin was loaded from: its name and version."""

SOME_FAILED = 4
"""Exit code of a command that came to its end although some discussions failed."""


class MagdiError(Exception):
    """Base of everything that magdi raises on purpose.

    Args:
        message: What was wrong, and where.
        hint: What to do about it; shown on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(MagdiError):
    """A configuration that cannot be used; ``problems`` lists all of them, one line each."""

    exit_code = 2

    def __init__(self, message: str, *, problems: Iterable[str] = (), hint: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  {line}" for line in self.problems)]), hint=hint)


class ComponentError(MagdiError):
    """A protocol, encoder, teacher or task that does not exist or cannot be loaded."""

    exit_code = 2


class DataError(MagdiError):
    """Input data that is missing or malformed."""

    exit_code = 2


class MagFileError(DataError):
    """A line of a MAG file that cannot be read.

    Args:
        path: The file.
        line: The line's number, from 1; 0 for the file as a whole.
        problem: What is wrong with it.
    """

    def __init__(self, path: Path | str, line: int, problem: str, *, hint: str = "") -> None:
        self.path, self.line, self.problem = str(path), line, problem
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {problem}", hint=hint)


class RunDirectoryError(MagdiError):
    """A run directory that belongs to another configuration, or is in use."""

    exit_code = 2


class ProtocolError(MagdiError):
    """A protocol that broke its contract, e.g. showed an agent a turn of its own wave."""


class TrainingError(MagdiError):
    """Training that cannot start or go on: nothing to train on, losses that are not finite, no memory."""


class StorageError(MagdiError):
    """Something could not be written, e.g. on a full disk; what was written before is kept."""


class TeacherError(MagdiError):
    """A teacher did not answer one request; the question fails, the run goes on."""


class TransientTeacherError(TeacherError):
    """A failure that another try may mend: 429, 5xx, timeouts, broken connections.

    Args:
        retry_after: Seconds that the server asked to wait, when it said so.
        charged: Whether the call may have cost something all the same: its reply was under way.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, charged: bool = False, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after, self.charged = retry_after, charged


class UnreachableTeacherError(TransientTeacherError):
    """There is no connection to a teacher; where there never was one, the job ends soon."""


class TeacherRefusal(TeacherError):
    """A teacher will not work, whatever it is asked: a wrong key, no credit, no such model. It ends the job.

    Args:
        sure: Whether one such refusal says so; others may concern a single prompt, until they come in a row.
    """

    def __init__(self, message: str, *, sure: bool = True, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.sure = sure


class LimitReached(MagdiError):
    """A budget (cost, calls, tokens, time) is used up; what was done is kept, and the same command resumes."""

    exit_code = 3


def first_line(error: BaseException) -> str:
    """Returns what an error says first, as the part of a line; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip()


def raised(error: BaseException, file: str = "") -> str:
    """Returns an exception of somebody else's code in one line, with the place where it came out of it.

    Args:
        error: The exception.
        file: Whose last line is named, where it has one in the traceback; else that of `culprit`, or the last of all.
    """
    frames = extract_tb(error.__traceback__)
    frame = next((each for each in reversed(frames) if each.filename == file), culprit(error) or frames[-1])
    lines = 3 if type(error).__name__ == "ValidationError" else 1  # pydantic's first says how many there are
    said = " ".join(map(str.strip, str(error).strip().splitlines()[:lines]))
    return f"{type(error).__name__}{said and f': {said}'} ({place(frame.filename, frame.lineno)})"


def place(file: str, line: int | None) -> str:
    """Returns "ring.py:12", with the plugin that the file is of where it is one's: "ring.py:12, of magdi-ring 1.2"."""
    plugin = brought(file)
    return f"{Path(file).name}:{line}{plugin and f', of {plugin}'}"


def defined(function: object) -> str:
    """Returns " (ring.py:12)", where a function or a method stands; empty where that is not known."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)  # type: ignore[arg-type]
    return f" ({place(code.co_filename, code.co_firstlineno)})" if code else ""


def called(component: object) -> str:
    """Returns the class of a component, and the plugin that it comes from: "Chess of magdi-chess 1.2"."""
    made = type(component)
    plugin = brought(getattr(sys.modules.get(made.__module__), "__file__", None) or "")
    return f"{made.__name__}{plugin and f' of {plugin}'}"


def theirs(error: BaseException) -> str:
    """Returns " (ring.py:12, of magdi-ring 1.2)" of an exception that came out of a plugin; empty for any other."""
    frame = culprit(error)
    return f" ({place(frame.filename, frame.lineno)})" if frame and brought(frame.filename) else ""


def is_own(file: str) -> bool:
    """Returns whether a file of code is magdi's."""
    return file.startswith(_OWN)


def brought(file: str) -> str:
    """Returns name and version of the plugin that a file of code is of; empty where it is none's."""
    return next((plugin for where, plugin in BROUGHT.items() if file.startswith(where)), "")


def culprit(error: BaseException) -> FrameSummary | None:
    """Returns a traceback's last line of a plugin, else of code that is not magdi's, Python's or, best, a library's."""
    frames = [
        each
        for each in extract_tb(error.__traceback__)
        if not each.filename.startswith(("<", _OWN)) and not _BACKPORT.search(each.filename)
    ]
    plugins = [each for each in frames if brought(each.filename)]
    known = [each for each in frames if _INSTALLED.search(each.filename)]
    free = [each for each in frames if each not in known and not each.filename.startswith(_STANDARD)]
    return next(iter((plugins or free or known)[-1:]), None)


MOST_NAMES = 24  # that a hint lists


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns ``"did you mean 'gcn'?"`` for a near miss, the list of what exists (or what is nearest) otherwise."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if len(names) > MOST_NAMES:
        nearest = difflib.get_close_matches(name, names, n=3, cutoff=0)
        return f"the nearest are {', '.join(nearest)}"
    return "there is: " + ", ".join(names) if names else "there is none"
