"""From "module:Class" to the class, with everything that can go wrong on the way said in one line."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from magdi.core.errors import ComponentError, brought, culprit, did_you_mean, is_own
from magdi.plugins.component import KINDS, Kind
from magdi.plugins.guard import guarded
from magdi.plugins.registration import Registration, named
from magdi.plugins.signature import misfit

if TYPE_CHECKING:
    from typer import Typer

Loaded = TypeVar("Loaded")


def is_theirs(component: object) -> bool:
    """Returns whether a component is of somebody else's making."""
    module = sys.modules.get(type(component).__module__)
    return component is not None and not is_own(getattr(module, "__file__", None) or "")


def load_class(registration: Registration) -> type:
    """Imports a component's class and checks what it is.

    Raises:
        ComponentError: The module cannot be imported, has no such class, or the class is not of the component's kind.
    """
    settings = registration.component.settings

    def check(found: object) -> type:
        made = _check(found, registration.kind)
        if settings and resolve(settings) is not made.Config:  # type: ignore[attr-defined]
            raise TypeError(f"its settings are said to be {settings!r}, which is not {made.__name__}.Config")
        return made

    return _loaded(registration, check)


def load_settings(registration: Registration) -> type[BaseModel]:
    """Imports the model of a component's settings, and the component's class only where it does not say which it is.

    Raises:
        ComponentError: As `load_class`, or it is no model.
    """
    if not registration.component.settings:
        return load_class(registration).Config  # type: ignore[attr-defined,no-any-return]

    def check(found: object) -> type[BaseModel]:
        if not (isinstance(found, type) and issubclass(found, BaseModel)):
            raise TypeError(f"{registration.component.settings!r} is no pydantic model")
        return found

    return _loaded(registration, check, registration.component.settings)


def load_command(registration: Registration) -> Typer:
    """Imports a command; that of a function is an app with this one command.

    Raises:
        ComponentError: It cannot be imported, or is something else.
    """
    import typer

    def check(found: object) -> Typer:
        if isinstance(found, typer.Typer):
            return found
        if not inspect.isfunction(found):
            raise TypeError(f"{registration.component.target!r} is no typer.Typer and no function")
        app = typer.Typer(add_completion=False)
        app.command()(found)
        return app

    return _loaded(registration, check)


def _loaded(registration: Registration, check: Callable[[object], Loaded], target: object = None) -> Loaded:
    try:
        with guarded():
            return check(resolve(target or registration.component.target))
    except (Exception, SystemExit) as error:
        component, who = registration.component, named(registration.plugin, registration.version)
        hint = component.requires and f'pip install "{component.requires}"'
        if isinstance(component.target, str) and Path(registration.origin).stem == component.target.partition(":")[0]:
            hint = "a class of a plugin file is given itself, and not by a name: no module is called as the file is"
        raise ComponentError(
            f"{registration.kind} {component.name!r} of {who} cannot be loaded: {cause(error)}",
            hint=hint if isinstance(error, ImportError) else "",
        ) from error


def resolve(target: object) -> Any:
    """Returns what a target names: itself, or what "module:attribute" stands for.

    Raises:
        TypeError: The target is a string of another form.
        AttributeError: The module has no such attribute.
        Exception: Whatever importing the module raises.
    """
    if not isinstance(target, str):
        return target
    module, path = split(target)
    found: object = importlib.import_module(module)
    for name in path.split("."):
        if not hasattr(found, name):
            known = [each for each, value in vars(found).items() if isinstance(value, type)]
            raise AttributeError(f"{module} has no {path!r}; {did_you_mean(name, known)}")
        found = getattr(found, name)
    return found


def split(target: str) -> tuple[str, str]:
    """Returns module and attribute of "module:attribute"; raises TypeError for anything else."""
    module, colon, path = target.partition(":")
    if not (colon and module and path):
        raise TypeError(f'target {target!r} is not "module:Class"')
    return module, path


def absent(target: object) -> str:
    """Returns why a target cannot exist, found without importing it; empty where nothing speaks against it."""
    if not isinstance(target, str):
        return ""
    try:
        module, path = split(target)
        file = None if module in sys.modules else _module_file(module)
    except (TypeError, ImportError) as error:
        return str(error)
    if file is None or file.suffix != ".py":
        return ""
    source = file.read_text("utf-8", errors="replace")
    name = path.partition(".")[0]
    if re.search(rf"\b{re.escape(name)}\b|import \*|__getattr__", source):
        return ""
    classes = re.findall(r"^class (\w+)", source, re.M)
    return f"{module} has no {name!r}; {did_you_mean(name, classes)}"


def _check(found: object, kind: Kind) -> type:
    base = resolve(KINDS[kind].base)
    if not isinstance(found, type):
        raise TypeError(f"{found!r} is no class")
    if not issubclass(found, base):
        raise TypeError(f"{found.__name__} is no {kind}: it does not derive from {KINDS[kind].base.replace(':', '.')}")
    config = getattr(found, "Config", None)
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise TypeError(f"{found.__name__}.Config is no pydantic model")
    if missing := [name for name in dir(found) if getattr(getattr(found, name), "__isabstractmethod__", False)]:
        raise TypeError(f"{found.__name__} does not define {', '.join(missing)}")
    if wrong := misfit(found, base):
        raise TypeError(wrong)
    return found


def cause(error: BaseException) -> str:
    """Returns an exception as one line: the type where the message alone would say little."""
    try:
        lines = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines()
    except Exception:  # an exception that cannot even be shown
        lines = []
    message = lines[0] if lines else ""
    if not (isinstance(error, ImportError | TypeError | AttributeError) and message):
        message = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return message + where(error)


def blamed(error: BaseException) -> str:
    """Returns an error as one line where it came out of a plugin; empty where it did not.

    A command of a plugin may end by ``sys.exit``, and what is called by magdi itself may not.
    """
    files = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    first = next((at for at, file in enumerate(files) if brought(file)), 0)
    if not first or (isinstance(error, SystemExit) and not is_own(files[first - 1])):
        return ""
    return f"plugin {next(filter(None, map(brought, reversed(files))))} failed: {cause(error)}"


def where(error: BaseException) -> str:
    """Returns " (file:line)" of what a plugin's author can look at: their own last line, not that of a library."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({error.filename}:{error.lineno})"
    frame = culprit(error)
    return f" ({frame.filename}:{frame.lineno})" if frame else ""


def _module_file(module: str) -> Path | None:
    """Returns a module's file; no package on the way is imported.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    path: Sequence[str] | None = None
    spec = None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}")
        path = spec.submodule_search_locations
        if path is None and depth < len(parts):
            raise ModuleNotFoundError(f"No module named {'.'.join(parts[: depth + 1])!r}; {name!r} is no package")
    return Path(spec.origin) if spec is not None and spec.origin else None
