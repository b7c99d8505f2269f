"""Short names of settings: what the command line's options and the keyword arguments of `magdi.run` stand for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

SHORTCUTS = {
    "data": "task.data",
    "teacher": "teachers",
    "student": "student.model",
    "decision": "discussion.decision",
    "level": "training.level",
    "method": "training.method",
    "edges": "training.edges",
    "refresh": "training.refresh",
    "limit": "discussion.questions",
    "mags": "discussion.mags",
    "skip_bad": "discussion.skip_bad",
    "cache": "discussion.cache",
    "max_cost": "discussion.max_cost",
    "max_calls": "discussion.max_calls",
    "max_tokens": "discussion.max_tokens",
    "max_time": "discussion.max_time",
    "price": "discussion.price",
    "estimate_usage": "discussion.estimate_usage",
    "report_to": "training.report_to",
    "plugin": "plugins",
}


def flatten(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Returns nested mappings as one, keys joined by dots."""
    flat: dict[str, object] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{path}.")
        else:
            flat[path] = value
    return flat


def long_form(settings: Mapping[str, object]) -> dict[str, object]:
    """Returns settings by dotted path; a mapping under a section's own name is that section.

    ``student="tiny"`` is ``student.model``, ``student={"max_length": 512}`` is ``student.max_length``. Paths may be
    ``Path``s, or what came out of a run.
    """
    settings = _plain(settings)
    sections = {_section(name): value for name, value in settings.items() if isinstance(value, Mapping)}
    return flatten(sections) | {
        SHORTCUTS.get(name, name): value for name, value in settings.items() if not isinstance(value, Mapping)
    }


def _section(name: str) -> str:
    """Returns the path of the section that a mapping is: of that name, unless only a shortcut has it."""
    sections = {path.partition(".")[0] for path in SHORTCUTS.values()}
    return name if name in sections else SHORTCUTS.get(name, name)


def _plain(value: Any) -> Any:
    """Returns a value with strings in the place of paths, in nested mappings and sequences too."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
