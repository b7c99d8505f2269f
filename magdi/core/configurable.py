"""What every component has: a pydantic ``Config`` that says what can be set, and a ``config`` that says what is."""

from __future__ import annotations

from abc import ABC
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

Repeats = Annotated[int, Field(le=1_000)]
"""How often something is done or stacked: rounds, messages, layers.

A plan holds the longest discussion that may come of it, and layers are made before anything says that there is no room
for them: with a thousand either ends within seconds, and a greater number is a slip.
"""
Samples = Annotated[int, Field(ge=1, le=10_000)]
"""How many answers are drawn for one question; all of them are in memory together."""


class NoConfig(BaseModel, extra="forbid"):
    """For a component with nothing to set."""


class Configurable(ABC):
    """Base of all components.

    A component nests a pydantic model named ``Config`` with ``extra="forbid"`` and a description on every field; its
    settings come from ``-P key=value`` (and the like) or from the component's section of a YAML file.

    Args:
        config: An instance of the class's ``Config``; its defaults when left out.
    """

    Config: ClassVar[type[BaseModel]] = NoConfig

    config: Any

    def __init__(self, config: BaseModel | None = None) -> None:
        self.config = self.Config() if config is None else config
