"""Prompt templates that a configuration can replace: ``{name}`` stands for a value, ``{{`` and ``}}`` for braces."""

from __future__ import annotations

from string import Formatter
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic_core.core_schema import ValidationInfo


def placeholders(template: str) -> frozenset[str]:
    """Returns the names in braces.

    Raises:
        ValueError: A brace is left open, or a name is more than a name (``{a.b}``, ``{a[0]}``, ``{a!r}``, ``{a:>9}``).
    """
    found = set()
    for _, name, form, conversion in Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise ValueError(f"{{{name}}} is no plain name; write {{{{ and }}}} for braces")
        found.add(name)
    return frozenset(found)


class Templates(BaseModel):
    """Base of a component's ``Prompts``: string fields with the shipped templates as defaults.

    A replacement must use the very names that the shipped template uses: a prompt that loses ``{shown}`` would make
    the graph say that something was shown which was not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _same_names_as_the_default(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, str) and (wanted := placeholders(str(field.default))) != placeholders(value):
            names = ", ".join(f"{{{name}}}" for name in sorted(wanted)) or "no names in braces"
            raise ValueError(f"the template must use {names}, each at least once, and no others")
        return value


def fill(template: str, **values: object) -> str:
    """Returns a template with its names replaced; braces inside values stay as they are."""
    return template.format(**values)
