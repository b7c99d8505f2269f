"""Packages that only some teachers need."""

from __future__ import annotations

import importlib
from typing import Any

from magdi.core.errors import ComponentError


def need(module: str, extra: str) -> Any:
    """Imports a module of an extra.

    Args:
        module: The module.
        extra: The extra of magdi that brings it.

    Raises:
        ComponentError: It is not installed; the hint is the line that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ComponentError(
            f"this teacher needs the package {module.partition('.')[0]!r}, which is not installed",
            hint=f'pip install "magdi[{extra}]"',
        ) from error
