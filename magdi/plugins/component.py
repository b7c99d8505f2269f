"""A component: what a plugin registers, without importing it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel
    from typer import Typer

Kind = Literal["protocol", "encoder", "teacher", "task", "objective"]
KINDS: tuple[Kind, ...] = get_args(Kind)

KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Component:
    """A named protocol, encoder, teacher, task, objective or command.

    Attributes:
        name: kebab-case, as on the command line.
        target: The class, or "module:Class", imported only when the component is chosen. For a command a
            ``typer.Typer``, or "module:app".
        summary: One line for `magdi plugins list`.
        requires: What to install for it to work, as pip takes it; empty for nothing.
        settings: The class's ``Config``, or "module:Model", where it can be imported sooner than the class: settings of
            an encoder are then checked, and shown, without torch. Left out, the class is imported for them.
    """

    name: str
    target: type | Typer | str
    summary: str
    requires: str = ""
    settings: type[BaseModel] | str = ""
