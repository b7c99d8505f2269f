"""What is under test, and how a check says that it is not as it should be."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

from pydantic import BaseModel

from magdi.plugins.component import KINDS, Component, Kind
from magdi.plugins.target import resolve
from magdi.plugins.testing.check_process import CheckFailed, CheckProcess, caused_by

if TYPE_CHECKING:
    from magdi.core.decision import DecisionRule
    from magdi.core.encoder import Encoder
    from magdi.core.objective import Objective
    from magdi.core.protocol import Protocol
    from magdi.core.task import Task
    from magdi.core.teacher import Teacher
    from magdi.plugins.formats.exporter import Exporter
    from magdi.plugins.formats.importer import Importer

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Specimen:
    """A component under test.

    Attributes:
        kind: What kind of component it is.
        target: Its class.
        config: An instance of its ``Config``; None for the defaults.
        component: Name and summary, where it is registered; the checks of these are left out without it.
        server: For a teacher, what makes the server that it is tried against; `StubServer` when None.
        process: Where its checks are made.
    """

    kind: Kind
    target: type
    config: BaseModel | None = None
    component: Component | None = None
    server: Callable[[], Any] | None = None
    process: CheckProcess = field(default_factory=CheckProcess, repr=False)
    _kept: dict[str, object] = field(default_factory=dict, repr=False)

    def keep(self, key: str, make: Callable[[], T]) -> T:
        """Returns what ``make`` returned, or raises what it raised, the first time that a check asked for it."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except Exception as error:
                self._kept[key] = error
        if isinstance(kept := self._kept[key], Exception):
            raise kept
        return cast("T", kept)

    def make(self, *args: Any) -> Any:
        """Makes the component: `NotMade` where that raises."""
        with caused_by(f"{self.target.__name__}()"):
            return self.target(*args)

    def protocol(self) -> Protocol:
        """Makes the protocol."""
        return cast("Protocol", self.make(self.config))

    def encoder(self, dim: int, seed: int = 0) -> Encoder:
        """Makes the encoder for states of width ``dim``, with the weights of a seed."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return cast("Encoder", self.make(dim, self.config))

    def objective(self) -> Objective:
        """Makes the objective."""
        return cast("Objective", self.make(self.config))

    def teacher(self, config: BaseModel | None = None) -> Teacher:
        """Makes the teacher, with other settings where some are given."""
        return cast("Teacher", self.make(config or self.config))

    def task(self) -> Task:
        """Makes the task."""
        return cast("Task", self.make(self.config))

    def decision(self) -> DecisionRule:
        """Makes the decision rule."""
        return cast("DecisionRule", self.make(self.config))

    def importer(self) -> Importer:
        """Makes the importer."""
        return cast("Importer", self.make(self.config))

    def exporter(self) -> Exporter:
        """Makes the exporter."""
        return cast("Exporter", self.make(self.config))


Check = Callable[[Specimen], str | None]
"""A check: returns when the component does as it should, with a remark where there is one to show.

It raises `CheckFailed` when not, `DoesNotApply` where it cannot be made, and anything else for a failure that it was
not after. It says by `doing` what it is about, and is cut off when that does not end.
"""


def require(condition: Any, message: str) -> None:
    """Raises `CheckFailed` with the message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def growth(run: Callable[[], object]) -> int:
    """Returns how many more tensors there are after each of two further runs of something, whose result is let go."""

    def tensors_after() -> int:
        run()
        gc.collect()
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())

    import torch

    tensors_after()
    first, second, third = (tensors_after() for _ in range(3))
    return min(second - first, third - second)


def other_values(annotation: Any, value: Any) -> list[Any]:
    """Returns other values that a setting may take."""
    kinds = (annotation, *get_args(annotation))
    if isinstance(value, bool) or bool in kinds:
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value / 2]
    if any(isinstance(each, str) for each in get_args(annotation)):
        return [each for each in get_args(annotation) if each != value]
    if isinstance(value, dict):
        return [{"zz": 1}]
    if int in kinds or float in kinds:
        return [1, 0.5]
    return [f"{value or ''}x"] if isinstance(value, str) or str in kinds else []


def kind_of(target: type) -> Kind:
    """Returns the kind of component that a class is.

    Raises:
        TypeError: It derives from none of the base classes.
    """
    for kind in sorted(KINDS, key=lambda kind: KINDS[kind].loads_torch):  # asking these takes seconds
        if issubclass(target, resolve(KINDS[kind].base)):
            return kind
    raise TypeError(f"{target.__name__} derives from none of {', '.join(about.base for about in KINDS.values())}")
