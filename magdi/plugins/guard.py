"""What a plugin does by the way, while it is loaded or asked, and must not do to everything else."""

from __future__ import annotations

import locale
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """A setting of the whole process, which is no plugin's to change.

    Attributes:
        what: What it is.
        read: Returns it; None where there is no telling.
        write: Sets it.
        told: Whether a plugin's author should know that it was changed back: there is no good reason to change it.
    """

    what: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    told: bool = True


@contextmanager
def guarded() -> Iterator[list[str]]:
    """Keeps stdout clean, for a JSON document may follow, and undoes what would change the whole process.

    What is printed goes to stderr, by subprocesses too. All `SETTINGS`, and the filters of warnings (where all were
    made errors), are afterwards as they were before.

    Yields:
        Where afterwards it is told what was undone that a plugin's author should know of.
    """
    undone: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(_warnings())
        stack.enter_context(redirect_stderr(sys.stderr))  # the one that there is, whatever a plugin puts there
        stack.enter_context(_stdout_to_stderr())
        before = process_settings()
        try:
            yield undone
        finally:
            undone += [f"changes {what}, which was changed back" for what in restore(before)]


def process_settings() -> list[Any]:
    """Returns the value of each of `SETTINGS`."""
    return [setting.read() for setting in SETTINGS]


def changed(before: list[Any]) -> list[tuple[Setting, Any]]:
    """Returns those of `SETTINGS` that are not as they were, and how they were."""
    return [(each, was) for each, was in zip(SETTINGS, before, strict=True) if was not in (None, each.read())]


def restore(before: list[Any]) -> list[str]:
    """Sets all `SETTINGS` as they were; returns which of them had been changed, of those that are told."""
    undone = changed(before)
    for setting, was in undone:
        with suppress(OSError):
            setting.write(was)
    return [setting.what for setting, _ in undone if setting.told]


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    with redirect_stdout(sys.stderr), ExitStack() as stack:
        with suppress(OSError, ValueError):  # closed, or none at all
            if sys.__stdout__ is not None:
                sys.__stdout__.flush()
            saved = os.dup(1)
            stack.callback(os.close, saved)
            os.dup2(2, 1)
            stack.callback(os.dup2, saved, 1)
        yield


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it is gone: there is none to come back to
        return None


def _root_logger() -> tuple[Any, ...]:
    root = logging.getLogger()
    return root.level, tuple(root.handlers), root.manager.disable


def _set_root_logger(was: tuple[Any, ...]) -> None:
    root = logging.getLogger()
    level, handlers, root.manager.disable = was
    root.setLevel(level)
    root.handlers[:] = handlers


def _handlers() -> tuple[Any, ...] | None:
    if threading.current_thread() is not threading.main_thread():
        return None
    return tuple(signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM))


def _set_handlers(was: tuple[Any, ...]) -> None:
    for each, handler in zip((signal.SIGINT, signal.SIGTERM), was, strict=True):
        if handler is not None:
            signal.signal(each, handler)


def _of_torch(what: str, unset: Any, read: Callable[[Any], Any], write: Callable[[Any, Any], None]) -> Setting:
    """Returns a setting of torch, which is as it is in the beginning for as long as nobody has loaded torch."""
    return Setting(
        what,
        lambda: read(sys.modules["torch"]) if "torch" in sys.modules else unset,
        lambda was: write(sys.modules["torch"], was),
    )


def _start_method() -> str:
    loaded = sys.modules.get("multiprocessing")
    return (loaded and loaded.get_start_method(allow_none=True)) or ""


SETTINGS: tuple[Setting, ...] = (
    Setting("the working directory", _folder, os.chdir),
    Setting("the root logger", _root_logger, _set_root_logger, told=False),
    Setting("the handlers of Ctrl-C and of termination", _handlers, _set_handlers, told=False),
    Setting("the locale", lambda: locale.setlocale(locale.LC_ALL), lambda was: locale.setlocale(locale.LC_ALL, was)),
    Setting(
        "the time-out of sockets",
        lambda: socket.getdefaulttimeout() or 0,
        lambda was: socket.setdefaulttimeout(was or None),
    ),
    Setting(
        "how processes are started",
        _start_method,
        lambda was: sys.modules["multiprocessing"].set_start_method(was or None, force=True),
    ),
    _of_torch(
        "torch's default dtype",
        "torch.float32",
        lambda torch: str(torch.get_default_dtype()),
        lambda torch, was: torch.set_default_dtype(getattr(torch, was.removeprefix("torch."))),
    ),
    _of_torch(
        "torch's default device",
        "cpu",
        lambda torch: str(torch.get_default_device()),
        lambda torch, was: torch.set_default_device(None if was == "cpu" else was),
    ),
    _of_torch(
        "whether torch takes gradients",
        True,
        lambda torch: torch.is_grad_enabled(),
        lambda torch, was: torch.set_grad_enabled(was),
    ),
    _of_torch(
        "torch's precision of matrix products",
        "highest",
        lambda torch: torch.get_float32_matmul_precision(),
        lambda torch, was: torch.set_float32_matmul_precision(was),
    ),
)


@contextmanager
def _warnings() -> Iterator[None]:
    before = list(warnings.filters)
    try:
        yield
    finally:
        strict = [each for each in warnings.filters if each not in before and each[:3] == ("error", None, Warning)]
        for each in strict:
            warnings.filters.remove(each)  # type: ignore[attr-defined]
        if strict:
            with warnings.catch_warnings():
                pass  # tells warnings that its filters have changed
