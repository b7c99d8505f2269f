"""Packages that come with an extra of magdi's, asked for before they are imported."""

from __future__ import annotations

from importlib.util import find_spec

from magdi.core.errors import ComponentError


def need(package: str, extra: str, what: str) -> None:
    """Looks whether a package is installed; imports nothing, but the namespace that it is in.

    Args:
        package: The package.
        extra: The extra of magdi that brings it.
        what: What needs it, for the message.

    Raises:
        ComponentError: It is not; the hint is the line that installs it.
    """
    try:
        found = find_spec(package)
    except ModuleNotFoundError:  # nor is the namespace
        found = None
    if found is None:
        raise ComponentError(f"{what} needs the package {package!r}", hint=f'pip install "magdi[{extra}]"')
