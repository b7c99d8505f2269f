"""From "module:Class" to the class, with everything that can go wrong on the way said in one line."""

from __future__ import annotations

import importlib

from pydantic import BaseModel

from magdi.core.errors import ComponentError, did_you_mean
from magdi.plugins.component import Kind
from magdi.plugins.registration import Registration, named

BASES: dict[Kind, str] = {
    "protocol": "magdi.core.protocol:Protocol",
    "encoder": "magdi.core.encoder:Encoder",
    "teacher": "magdi.core.teacher:Teacher",
    "task": "magdi.core.task:Task",
}


def load_class(registration: Registration) -> type:
    """Imports a component's class and checks what it is.

    Raises:
        ComponentError: The module cannot be imported, has no such class, or the class is not of the component's kind.
    """
    try:
        found = resolve(registration.component.target)
        _check(found, registration.kind)
    except (Exception, SystemExit) as error:
        component, who = registration.component, named(registration.plugin, registration.version)
        install = component.requires and f'pip install "{component.requires}"'
        raise ComponentError(
            f"{registration.kind} {component.name!r} of {who} cannot be loaded: {cause(error)}",
            hint=install if isinstance(error, ImportError) else "",
        ) from error
    return found


def resolve(target: type | str) -> type:
    """Returns the class that a target names.

    Raises:
        TypeError: The target is not of the form "module:Class", or names something that is no class.
        AttributeError: The module has no such attribute.
        Exception: Whatever importing the module raises.
    """
    if isinstance(target, str):
        module_name, colon, path = target.partition(":")
        if not (colon and module_name and path):
            raise TypeError(f'target {target!r} is not "module:Class"')
        found: object = importlib.import_module(module_name)
        for name in path.split("."):
            if not hasattr(found, name):
                known = [each for each, value in vars(found).items() if isinstance(value, type)]
                raise AttributeError(f"{module_name} has no {path!r}; {did_you_mean(name, known)}")
            found = getattr(found, name)
        target_class = found
    else:
        target_class = target
    if not isinstance(target_class, type):
        raise TypeError(f"target {target!r} is no class")
    return target_class


def _check(found: type, kind: Kind) -> None:
    base = resolve(BASES[kind])
    if not issubclass(found, base):
        raise TypeError(f"{found.__name__} is no {kind}: it does not derive from {BASES[kind].replace(':', '.')}")
    config = getattr(found, "Config", None)
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise TypeError(f"{found.__name__}.Config is no pydantic model")
    if missing := [name for name in dir(found) if getattr(getattr(found, name), "__isabstractmethod__", False)]:
        raise TypeError(f"{found.__name__} does not define {', '.join(missing)}")


def cause(error: BaseException) -> str:
    """Returns an exception as one line: the type where the message alone would say little."""
    lines = str(error).strip().splitlines()
    message = lines[0] if lines else ""
    if isinstance(error, ImportError | TypeError | AttributeError) and message:
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
