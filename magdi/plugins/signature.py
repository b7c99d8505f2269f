"""Whether a class's methods can be called as magdi calls them: what is written for something else fails at once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from magdi.core.errors import defined

OWN_USE = {"ask"}
"""Methods that a component calls itself: its own business."""

DATA = (bool, int, str, tuple, dict)


def misfit(found: type, base: type) -> str:
    """Returns which method or constant of a class is not as its base class has it; empty where all are."""
    for name, ours in _methods(base):
        theirs = inspect.getattr_static(found, name)
        if theirs is inspect.getattr_static(base, name):
            continue
        wrong = _wrong(theirs, ours)
        if wrong:
            return f"{found.__name__}.{name}{wrong}{defined(theirs)}"
    for name, usual in vars(base).items():
        if isinstance(usual, property) and inspect.isfunction(inspect.getattr_static(found, name)):
            return f"{found.__name__}.{name} is a method, and has to be a @property"
    for name, usual in _constants(base):
        theirs, kind = inspect.getattr_static(found, name), (tuple, list) if isinstance(usual, tuple) else type(usual)
        if not isinstance(theirs, kind) and not hasattr(theirs, "__get__"):
            return f"{found.__name__}.{name} is {theirs!r:.40}, and no {type(usual).__name__} like {usual!r:.40}"
    return ""


def _methods(base: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in vars(base).items():
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function) and not name.startswith("_") and name not in OWN_USE:
            yield name, function


def _constants(base: type) -> Iterator[tuple[str, object]]:
    for name, member in vars(base).items():
        if isinstance(member, DATA) and not name.startswith("_"):
            yield name, member


def _wrong(theirs: Any, ours: Callable[..., Any]) -> str:
    function = getattr(theirs, "__func__", theirs)
    if not inspect.isfunction(function):
        return "" if callable(theirs) else f" is a {type(theirs).__name__}, and not a method"
    if is_async(function) and not is_async(ours):
        return " is async: it is called without await, and has to be a plain def"
    if is_async(ours) and not is_async(inspect.unwrap(function)):
        return " is awaited, and has to be async def"
    given = list(inspect.signature(ours).parameters)[1:]
    taken = inspect.signature(function)
    try:
        taken.bind(*([] if isinstance(theirs, staticmethod) else [None]), *given)
    except TypeError as error:
        return f"{taken} is called with ({', '.join(given)}): {error}"
    return ""


def is_async(function: Callable[..., Any]) -> bool:
    """Returns whether a function has to be awaited, or iterated with ``async for``."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
