"""The conformance kit: checks that every component, shipped or third-party, has to pass; public.

Three fronts over one list of checks: `ComponentContract` for pytest, `check_component` for Python, and
`magdi plugins check NAME`, which calls `run_checks`. Beside it, what tests of components need: `ScriptedTeacher`,
`StubServer`, `tiny_student`, `LossBench`. Names are imported when they are used, so that none of it loads torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from magdi.plugins.testing.check_process import CheckFailed as CheckFailed
    from magdi.plugins.testing.contract import ComponentContract as ComponentContract
    from magdi.plugins.testing.loss_bench import LossBench as LossBench
    from magdi.plugins.testing.runner import CheckResult as CheckResult
    from magdi.plugins.testing.runner import check_component as check_component
    from magdi.plugins.testing.runner import checks_for as checks_for
    from magdi.plugins.testing.runner import run_checks as run_checks
    from magdi.plugins.testing.scripted import ScriptedTeacher as ScriptedTeacher
    from magdi.plugins.testing.specimen import Specimen as Specimen
    from magdi.plugins.testing.stub_server import StubServer as StubServer
    from magdi.plugins.testing.tiny import tiny_student as tiny_student

_HOMES = {
    "CheckFailed": "check_process",
    "CheckResult": "runner",
    "ComponentContract": "contract",
    "LossBench": "loss_bench",
    "ScriptedTeacher": "scripted",
    "Specimen": "specimen",
    "StubServer": "stub_server",
    "check_component": "runner",
    "checks_for": "runner",
    "run_checks": "runner",
    "tiny_student": "tiny",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
