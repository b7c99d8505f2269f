from __future__ import annotations

import asyncio

import pytest

from tests.plugins.teachers.faulty_server import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of every event loop; a server that is given it puts it forward where it would keep others waiting."""
    clock = Clock()
    monkeypatch.setattr(asyncio.BaseEventLoop, "time", lambda loop: clock.read(loop))
    return clock
