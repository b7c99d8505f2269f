"""The conformance kit among other tests: on a machine that is busy with them, and in several workers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest

from magdi.plugins.testing import asking, bench, fresh, stub_server, task_checks, teacher_checks
from tests.made_once import made_once

AGES = 900.0


@contextmanager
def unhurried() -> Iterator[None]:
    """What ends does so on a busy machine, too, however long that takes."""
    with ExitStack() as stack:
        for module in (asking, bench, fresh, stub_server, task_checks, teacher_checks):
            for name in {"LIMIT", "LONGEST", "SECONDS", "PATIENCE"} & set(vars(module)):
                stack.enter_context(patch.object(module, name, AGES))
        yield


def ask_elsewhere(name: str, jobs: Iterable[fresh.Job], factory: pytest.TempPathFactory) -> None:
    """Asks one other interpreter about all components of a module of tests, for all workers."""
    jobs = list(jobs)
    with unhurried():
        folder = made_once(factory, name, lambda to: (to / "told").write_text(json.dumps(fresh.elsewhere(jobs))))
    fresh.remember(jobs, json.loads((folder / "told").read_text()))
