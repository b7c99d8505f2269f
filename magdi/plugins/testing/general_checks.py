"""What is asked of every component, whatever its kind."""

from __future__ import annotations

import importlib
import re
import sys
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from magdi.plugins.component import KINDS
from magdi.plugins.signature import misfit
from magdi.plugins.target import resolve
from magdi.plugins.testing.check_process import CheckFailed, DoesNotApply, changed_since
from magdi.plugins.testing.other_interpreter import Elsewhere, elsewhere, job_of
from magdi.plugins.testing.specimen import Check, Specimen, require

SUMMARY_LENGTH = 120
"""Longest summary that still is one line of `magdi plugins list`."""


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
    """The class derives from the base class of its kind, leaves nothing abstract, and can be called as that is."""
    name, base = KINDS[specimen.kind].base, resolve(KINDS[specimen.kind].base)
    require(issubclass(specimen.target, base), f"{specimen.target.__name__} does not derive from {name}")
    members = {name: getattr(specimen.target, name) for name in dir(specimen.target)}
    missing = sorted(name for name, member in members.items() if getattr(member, "__isabstractmethod__", False))
    require(not missing, f"{specimen.target.__name__} does not define {', '.join(missing)}")
    require(not (wrong := misfit(specimen.target, base)), wrong)


def check_config(specimen: Specimen) -> None:
    """``Config`` is a pydantic model that forbids unknown keys and describes every field, in nested models too.

    A field that is a model itself may have its description in that model's docstring.
    """
    config = getattr(specimen.target, "Config", None)
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        raise CheckFailed("Config is no pydantic model")
    taken = "its setting 'name' cannot be set: in a configuration that is the component's own name; call it otherwise"
    require(specimen.kind == "teacher" or "name" not in config.model_fields, taken)
    for model in _models(config, set()):
        require(model.model_config.get("extra") == "forbid", f'{model.__name__} lacks extra="forbid"')
        undescribed = [name for name, field in model.model_fields.items() if not (field.description or _docs(field))]
        require(not undescribed, f"{model.__name__} does not describe {', '.join(undescribed)}")
    if not any(field.is_required() for field in config.model_fields.values()):
        again = "its defaults are others every time, so that no run could be resumed: make a setting of what is drawn"
        try:
            require(config() == config(), again)
            config.model_validate(config().model_dump(mode="json"))  # as config.yaml keeps it
        except ValueError as error:
            raise CheckFailed(f"its defaults cannot be read back: {' '.join(str(error).split())[:200]}") from error


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
    found = _elsewhere(specimen)
    module = specimen.target.__module__
    require(not found["problem"], f"{module} cannot be imported in a fresh interpreter: {found['problem']}")
    loaded = ", ".join(found["heavy"])
    require(not loaded, f"importing {module} loads {loaded}; import it where it is used")


def check_another_process(specimen: Specimen) -> None:
    """It is the same in another process, where Python hashes strings otherwise."""
    there = _elsewhere(specimen)["fingerprint"]
    if not there:
        raise DoesNotApply("the class cannot be found in another process by its name")
    here = importlib.import_module(f"magdi.plugins.testing.{specimen.kind}_checks").fingerprint(specimen)
    require(
        here == there,
        f"another process {there}"
        if there.startswith("raises")
        else "in another process it goes another way: "
        "something depends on hash(), the order of a set, the time, or what was done before",
    )


def _elsewhere(specimen: Specimen) -> Elsewhere:
    module = specimen.target.__module__
    if module == "__main__" or module not in sys.modules:
        raise DoesNotApply("the class is defined in a script or notebook")
    return elsewhere([job_of(specimen.kind, specimen.target, specimen.config)])[0]


def check_process_unchanged(specimen: Specimen) -> None:
    """By the end of all checks it has changed no setting of the whole process: working directory, torch's dtype, ..."""
    left = changed_since()
    require(not left, f"it changes {', '.join(left)}, for all else in the process, too")


CHECKS: tuple[Check, ...] = (check_name_and_summary, check_base_class, check_config)
