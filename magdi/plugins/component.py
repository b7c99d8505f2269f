"""A component: what a plugin registers, without importing it; and the kinds of components that there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from pydantic import BaseModel
    from typer import Typer

Kind = Literal["protocol", "encoder", "teacher", "task", "objective", "decision", "importer", "exporter"]
"""What a component may be. A further kind is a name here, its row in `KINDS`, its hook, and what asks for it."""

COMMAND = cast("Kind", "command")
"""Commands are registered as components are, and are none otherwise."""


@dataclass(frozen=True, slots=True)
class About:
    """What is peculiar to a kind.

    Attributes:
        base: "module:Class" that its components derive from.
        use: How one is chosen, in a sentence of the README that `magdi plugins new` makes.
        loads_torch: Whether importing a component of it may load torch.
        of_runs: Whether runs are made of it. A name that another kind has too, `reconcile` say, means that one else.
    """

    base: str
    use: str
    loads_torch: bool = False
    of_runs: bool = True


KINDS: Mapping[Kind, About] = {
    "protocol": About("magdi.core.protocol:Protocol", "`magdi run --protocol $name -P rounds=2`"),
    "encoder": About("magdi.core.encoder:Encoder", "`magdi run --encoder $name -E hidden=64`", loads_torch=True),
    "teacher": About(
        "magdi.core.teacher:Teacher", "`magdi run --teacher ada=$name:last-number --teacher simulated:careful`"
    ),
    "task": About(
        "magdi.core.task:Task", "`magdi discuss --task $name --task-arg questions=50 --teacher openai:MODEL`"
    ),
    "objective": About("magdi.core.objective:Objective", "`magdi run -O $name.weight=0.5`", loads_torch=True),
    "decision": About("magdi.core.decision:DecisionRule", "`magdi run --decision $name`"),
    "importer": About(
        "magdi.plugins.formats.importer:Importer",
        "`magdi mags import FILE -o mags.jsonl`, which knows it by its looks",
        of_runs=False,
    ),
    "exporter": About(
        "magdi.plugins.formats.exporter:Exporter",
        "`magdi mags export mags.jsonl --to $name -o answers.csv`",
        of_runs=False,
    ),
}
"""In this order they are listed."""

KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Component:
    """A named protocol, encoder, teacher, ... (see `Kind`), or a command.

    Attributes:
        name: kebab-case, as on the command line.
        target: The class, or "module:Class", imported only when the component is chosen. For a command a
            ``typer.Typer``, a function with typer's annotations, or "module:name" of one.
        summary: One line for `magdi plugins list`.
        requires: What to install for it to work, as pip takes it; empty for nothing.
        settings: The class's ``Config``, or "module:Model", where it can be imported sooner than the class: settings of
            an encoder are then checked, and shown, without torch. Left out, the class is imported for them.
    """

    name: str
    target: type | Typer | Callable[..., Any] | str
    summary: str
    requires: str = ""
    settings: type[BaseModel] | str = ""
