"""A component: what a plugin registers, without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["protocol", "encoder", "teacher", "task"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Component:
    """A named protocol, encoder, teacher or task.

    Attributes:
        name: kebab-case, as on the command line.
        target: The class, or "module:Class", imported only when the component is chosen.
        summary: One line for `magdi plugins list`.
        requires: What to install for it to work, as pip takes it; empty for nothing.
    """

    name: str
    target: type | str
    summary: str
    requires: str = ""
