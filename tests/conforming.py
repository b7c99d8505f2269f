"""The conformance kit among other tests: in several workers."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from magdi.plugins.testing.other_interpreter import Job, elsewhere, remember
from tests.made_once import made_once


def ask_elsewhere(name: str, jobs: Iterable[Job], factory: pytest.TempPathFactory) -> None:
    """Asks one other interpreter about all components of a module of tests, for all workers."""
    jobs = list(jobs)
    folder = made_once(factory, name, lambda to: (to / "told").write_text(json.dumps(elsewhere(jobs))))
    remember(jobs, json.loads((folder / "told").read_text()))
