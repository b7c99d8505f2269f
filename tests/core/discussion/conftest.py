from __future__ import annotations

from typing import Any

import pytest
from discussion_stage import FAST, Numbers

from magdi.core.config.models import Discussion
from magdi.protocols.reconcile import ReConcile


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
