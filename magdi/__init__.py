"""magdi turns conversations between language models into a small model.

    import magdi

    outcome = magdi.run(protocol="reconcile", encoder="gcn", limit=200)

The calls are those of the command line: `run`, `discuss`, `distill`, `evaluate`, `ablate`, `load_mags`. They are loaded
when they are first used, so that ``import magdi`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from magdi.api import ablate, discuss, distill, evaluate, load_mags, run

__version__ = "0.1.0"
__all__ = ["__version__", "ablate", "discuss", "distill", "evaluate", "load_mags", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from magdi import api

        return getattr(api, name)
    raise AttributeError(f"module 'magdi' has no attribute {name!r}")
