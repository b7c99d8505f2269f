from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.protocols.reconcile import ReConcile
from tests.core.discussion.discussion_stage import FAST, Numbers, VirtualTime


@pytest.fixture
def options() -> dict[str, Any]:
    """Arguments of `hold_discussions` that no test cares about."""
    return {
        "protocol": ReConcile(),
        "protocol_name": "reconcile",
        "task": Numbers(),
        "settings": Discussion(in_flight=8),
        "retry": FAST,
    }


@pytest.fixture
def virtual_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """Discussions wait without waiting; returns the seconds that the newest ones believe to have passed."""
    loops: list[VirtualTime] = []
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: (loops.append(VirtualTime()), loops[-1])[1])
    return lambda: loops[-1].time() if loops else 0.0
