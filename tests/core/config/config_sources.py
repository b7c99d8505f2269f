"""A configuration from its sources, without components."""

from typing import Any

from magdi.plugins.merging import Check, Loaded, merge, validated


def load_config(*sources: Any, check: Check | None = None, **named: Any) -> Loaded:
    """Takes what `merge` takes."""
    return validated(merge(*sources, **named), check)
