"""Short names of settings: what the command line's options and the keyword arguments of `magdi.run` stand for."""

from __future__ import annotations

from collections.abc import Mapping

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
