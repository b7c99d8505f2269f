"""What a shell proposes where a value is to be typed: components, presets, runs, keys of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from magdi.plugins.component import Kind

SHOWN = 50  # runs that are proposed

Proposals = Callable[[str], list[str]]


def components(kind: Kind, ending: str = "") -> Proposals:
    """Returns what proposes components of a kind, those of installed plugins among them."""

    def proposed(incomplete: str) -> list[str]:
        from magdi.plugins.manager import load_plugins

        names = [each.component.name for each in load_plugins().registry.listing(kind)]
        return _beginning(incomplete, [name + ending for name in names])

    return proposed


def presets(incomplete: str) -> list[str]:
    """Proposes presets."""
    from magdi.plugins.presets import PRESETS

    return _beginning(incomplete, ["auto", *PRESETS])


def levels(incomplete: str) -> list[str]:
    """Proposes levels of distillation."""
    from magdi.plugins.objectives.levels import LEVELS

    return _beginning(incomplete, [level.name for level in LEVELS])


def views(incomplete: str) -> list[str]:
    """Proposes views of edges."""
    from magdi.core.views import VIEWS

    return _beginning(incomplete, list(VIEWS))


def suites(incomplete: str) -> list[str]:
    """Proposes suites, and files."""
    from magdi.plugins.suites.file import shipped

    return [*_beginning(incomplete, list(shipped())), *_files(incomplete)]


def runs(incomplete: str) -> list[str]:
    """Proposes the newest runs in ./runs, and files."""
    from magdi.plugins.runs.finding import RUNS, newest_first

    found = [str(run.path) for run in newest_first(RUNS)]
    return list(dict.fromkeys([*_beginning(incomplete, found)[:SHOWN], *_files(incomplete)]))


def settings(incomplete: str) -> list[str]:
    """Proposes ``KEY=`` of the configuration."""
    from magdi.core.config.models import RunConfig
    from magdi.core.config.shortcuts import flatten

    return _beginning(incomplete, [f"{key}=" for key in flatten(RunConfig().model_dump(mode="json"))])


def _beginning(incomplete: str, values: list[str]) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]


def _files(incomplete: str) -> Iterator[str]:
    above = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    if above.is_dir():
        for path in sorted(above.iterdir()):
            name = f"{path}/" if path.is_dir() else str(path)
            if name.startswith(incomplete) and not path.name.startswith("."):
                yield name
