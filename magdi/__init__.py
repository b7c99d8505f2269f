"""magdi turns conversations between language models into a small model.

    import magdi

    outcome = magdi.run(protocol="reconcile", encoder="gcn", limit=200)
    print(outcome.student.accuracy)

The calls are those of the command line: `run`, `discuss`, `distill`, `evaluate`, `ablate`, `ask`, `record` and
`load_mags`. The classes are those that a component is written with. All are loaded when they are first used, so that
``import magdi`` costs nothing.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from magdi.api import ablate, ask, discuss, distill, evaluate, load_mags, record, run
    from magdi.core.encoder import Encoder
    from magdi.core.mag import Question, Turn
    from magdi.core.objective import Objective
    from magdi.core.protocol import Agent, Ask, Protocol
    from magdi.core.task import Task
    from magdi.core.teacher import Teacher
    from magdi.notebook import Mag
    from magdi.plugins import Component, hookimpl

# torch_geometric's own, on its import, shown by torch 2.15: no user of magdi can do anything about it.
warnings.filterwarnings("ignore", r".torch\.jit\.script. is deprecated", FutureWarning)

__version__ = "0.2.0"
__all__ = [
    "Agent",
    "Ask",
    "Component",
    "Encoder",
    "Mag",
    "Objective",
    "Protocol",
    "Question",
    "Task",
    "Teacher",
    "Turn",
    "__version__",
    "ablate",
    "ask",
    "discuss",
    "distill",
    "evaluate",
    "hookimpl",
    "load_mags",
    "record",
    "run",
]

_VERBS = ("ablate", "ask", "discuss", "distill", "evaluate", "load_mags", "record", "run")
_HOMES = dict.fromkeys(_VERBS, "magdi.api") | {
    "Agent": "magdi.core.protocol",
    "Ask": "magdi.core.protocol",
    "Component": "magdi.plugins",
    "Encoder": "magdi.core.encoder",
    "Mag": "magdi.notebook",
    "Objective": "magdi.core.objective",
    "Protocol": "magdi.core.protocol",
    "Question": "magdi.core.mag",
    "Task": "magdi.core.task",
    "Teacher": "magdi.core.teacher",
    "Turn": "magdi.core.mag",
    "hookimpl": "magdi.plugins",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'magdi' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__


class _Moved:
    """Finds modules under the names that they had, where nothing else is found: plugins were written with them."""

    names = {"magdi.core.answers": "magdi.plugins.answers"}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in self.names else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        now = vars(import_module(self.names[module.__name__]))
        vars(module).update({name: value for name, value in now.items() if not name.startswith("__")})


sys.meta_path.append(_Moved())
