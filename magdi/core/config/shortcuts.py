"""Short names of settings: what the command line's options and the keyword arguments of `magdi.run` stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHORTCUTS = {
    "teacher": "teachers",
    "student": "student.model",
    "decision": "discussion.decision",
    "level": "training.level",
    "edges": "training.edges",
    "limit": "discussion.questions",
    "mags": "discussion.mags",
    "skip_bad": "discussion.skip_bad",
    "cache": "discussion.cache",
    "max_cost": "discussion.max_cost",
    "max_calls": "discussion.max_calls",
    "max_tokens": "discussion.max_tokens",
    "max_time": "discussion.max_time",
    "plugin": "plugins",
}


def long_form(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings by dotted path; a mapping under a section's own name is that section.

    ``student="tiny"`` is ``student.model``, ``student={"max_length": 512}`` is the section ``student``.
    """
    return {
        name if isinstance(value, Mapping) else SHORTCUTS.get(name, name): value for name, value in settings.items()
    }
