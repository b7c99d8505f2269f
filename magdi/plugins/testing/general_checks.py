"""What is asked of every component, whatever its kind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from magdi.plugins.target import BASES, resolve
from magdi.plugins.testing.specimen import Check, CheckFailed, DoesNotApply, Specimen, require

SUMMARY_LENGTH = 120
"""Longest summary that still is one line of `magdi plugins list`."""

HEAVY = ("torch", "transformers")
"""What no module but an encoder's may import when it is imported itself."""


def check_name_and_summary(specimen: Specimen) -> None:
    """The name is kebab-case, the summary one line."""
    if specimen.component is None:
        raise DoesNotApply("the class was given, not the registered component")
    name, summary = specimen.component.name, specimen.component.summary
    require(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name), f"the name {name!r} is not kebab-case")
    require(summary.strip(), "the summary is empty")
    require("\n" not in summary, "the summary is more than one line")
    require(len(summary) <= SUMMARY_LENGTH, f"the summary has {len(summary)} characters, more than {SUMMARY_LENGTH}")


def check_base_class(specimen: Specimen) -> None:
    """The class derives from the base class of its kind and leaves nothing abstract."""
    base = BASES[specimen.kind]
    require(issubclass(specimen.target, resolve(base)), f"{specimen.target.__name__} does not derive from {base}")
    members = {name: getattr(specimen.target, name) for name in dir(specimen.target)}
    missing = sorted(name for name, member in members.items() if getattr(member, "__isabstractmethod__", False))
    require(not missing, f"{specimen.target.__name__} does not define {', '.join(missing)}")


def check_config(specimen: Specimen) -> None:
    """``Config`` is a pydantic model that forbids unknown keys and describes every field, in nested models too.

    A field that is a model itself may have its description in that model's docstring.
    """
    config = getattr(specimen.target, "Config", None)
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise CheckFailed("Config is no pydantic model")
    for model in _models(config, set()):
        require(model.model_config.get("extra") == "forbid", f'{model.__name__} lacks extra="forbid"')
        undescribed = [name for name, field in model.model_fields.items() if not (field.description or _docs(field))]
        require(not undescribed, f"{model.__name__} does not describe {', '.join(undescribed)}")


def _docs(field: FieldInfo) -> str:
    part = field.annotation
    return (part.__doc__ or "") if isinstance(part, type) and issubclass(part, BaseModel) else ""


def _models(model: type[BaseModel], found: set[type[BaseModel]]) -> set[type[BaseModel]]:
    found.add(model)
    parts = [field.annotation for field in model.model_fields.values()]
    while parts:
        part = parts.pop()
        parts += get_args(part)
        if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
            _models(part, found)
    return found


def check_import_is_light(specimen: Specimen) -> None:
    """Importing the component's module loads neither torch nor transformers (not asked of encoders: they are torch)."""
    module = specimen.target.__module__
    if module == "__main__" or module not in sys.modules:
        raise DoesNotApply("the class is defined in a script or notebook")
    loaded = heavy_imports([module])[module]
    require(not isinstance(loaded, str), f"{module} cannot be imported in a fresh interpreter: {loaded}")
    require(not loaded, f"importing {module} loads {', '.join(loaded)}; import it where it is used")


_known: dict[str, list[str] | str] = {}

_PROGRAM = """
import importlib, json, runpy, sys
path, heavy, modules = json.loads(sys.argv[1])
sys.path[:] = path
found = {}
for name, file in modules.items():
    before = set(sys.modules)
    try:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name or not file:
                raise
            runpy.run_path(file)
        found[name] = [each for each in heavy if each in sys.modules and each not in before]
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found), file=sys.stderr)
"""


def heavy_imports(modules: Iterable[str]) -> dict[str, list[str] | str]:
    """Returns what of `HEAVY` is loaded by importing each module, or why it cannot be imported.

    One fresh interpreter imports all that are not yet known one after the other, so that only the first of several
    guilty ones is named. A module that cannot be found by name (a plugin that was loaded from a file) is run from its
    file.
    """
    modules = list(modules)
    unknown = {name: getattr(sys.modules.get(name), "__file__", None) for name in modules if name not in _known}
    if unknown:
        told = json.dumps([sys.path, HEAVY, unknown])
        done = subprocess.run([sys.executable, "-c", _PROGRAM, told], capture_output=True, text=True, check=True)
        _known.update(json.loads(done.stderr.strip().splitlines()[-1]))
    return {name: _known[name] for name in modules}


CHECKS: tuple[Check, ...] = (check_name_and_summary, check_base_class, check_config)
