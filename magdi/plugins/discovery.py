"""Where plugins are looked for: entry points of installed distributions, files, modules, a folder of files."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import ModuleType

from magdi.core.errors import ComponentError

GROUP = "magdi"
"""The entry-point group."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found and is not loaded yet.

    Attributes:
        plugin: Name of its distribution, file or module; addresses of its components begin with it.
        version: Its distribution's version; empty for files and modules.
        origin: How it was found: ``entry point NAME``, or the path of a file.
        load: Imports it; may raise anything.
    """

    plugin: str
    version: str
    origin: str
    load: Callable[[], object]


def installed() -> Iterator[Candidate]:
    """Yields a candidate for every entry point of the group ``magdi``; distributions that cannot be read are left."""
    seen: set[tuple[str, str]] = set()
    for distribution in distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
            name, version = (distribution.name, distribution.version) if points else ("", "")
        except Exception:  # noqa: S112 (a damaged distribution is no business of ours)
            continue
        for point in points:
            if (name, point.name) not in seen:  # the first one on sys.path is the one that is imported
                seen.add((name, point.name))
                yield Candidate(name, version, f"entry point {point.name}", _entry(point))


def _entry(point: EntryPoint) -> Callable[[], object]:
    return lambda: point.load()


def named(plugin: str) -> Candidate:
    """Returns the candidate that ``--plugin FILE|MODULE`` means.

    Raises:
        ComponentError: There is no such file or module.
    """
    if plugin.endswith(".py") or "/" in plugin or "\\" in plugin:
        path = Path(plugin)
        if not path.exists():
            raise ComponentError(f"there is no plugin file {plugin}")
        return from_path(path)
    if not _exists(plugin):
        raise ComponentError(
            f"there is no plugin module {plugin!r}", hint="a file ends in .py; a module is looked for on PYTHONPATH"
        )
    return Candidate(plugin, "", f"module {plugin}", lambda: importlib.import_module(plugin))


def uninstalled(name: str) -> str:
    """Returns what to do with a plugin of this name or path that lies here and is not installed; empty for none."""
    for path in (Path(name), Path(f"magdi-{name}")):
        if (path / "pyproject.toml").is_file():
            return f"{path} is not installed yet: pip install -e {shlex.quote(str(path))}"
        if path.suffix == ".py" and path.is_file():
            return f"{path} is a file: --plugin {shlex.quote(str(path))}"
    return ""


def _exists(module: str) -> bool:
    """Returns whether a module's topmost package can be found; nothing is imported."""
    top = module.partition(".")[0]
    return top in sys.modules or (top.isidentifier() and importlib.util.find_spec(top) is not None)


def in_folder(folder: Path) -> Iterator[Candidate]:
    """Yields a candidate for every ``*.py`` file and every package in a folder, by name; names with ``_`` are left.

    Raises:
        ComponentError: There is no such folder.
    """
    if not folder.is_dir():
        raise ComponentError(f"there is no plugin folder {folder}")
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(("_", ".")) and (path.suffix == ".py" or (path / "__init__.py").is_file()):
            yield from_path(path)


def from_path(path: Path) -> Candidate:
    """Returns the candidate in a file, or in a folder that is a package."""
    whole = path.resolve()
    return Candidate(whole.stem, "", str(whole), lambda: _import_path(whole))


def _import_path(path: Path) -> ModuleType:
    """Imports a file under a name that no other module has; twice gives the same module."""
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    name = f"magdi_plugin_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    package = path.is_dir()
    file = path / "__init__.py" if package else path
    spec = importlib.util.spec_from_file_location(
        name, file, submodule_search_locations=[str(path)] if package else None
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations of its classes are resolved through it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def chosen(candidates: Iterable[Candidate], only: frozenset[str] | None, never: frozenset[str]) -> list[Candidate]:
    """Returns the candidates whose plugin is in ``only`` (None: all) and not in ``never``."""
    return [each for each in candidates if (only is None or each.plugin in only) and each.plugin not in never]
