"""A configuration from its sources, without components."""

from pathlib import Path
from typing import Any

from magdi.core.config.load import Loaded, merge, validated


def load_config(*sources: list[str | Path] | dict[str, Any], check=None, **named: Any) -> Loaded:
    return validated(merge(*sources, **named), check)
