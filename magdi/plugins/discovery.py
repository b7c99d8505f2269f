"""Where plugins are looked for: entry points of installed distributions, files, modules, a folder of files."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import CodeType, ModuleType

from magdi.core.config.code import digest_of, is_plugin, names_file
from magdi.core.errors import ComponentError
from magdi.plugins.registration import LOCAL, SHIPPED

GROUP = "magdi"
"""The entry-point group."""

MOST = 100
"""Plugins in one folder: of one that was named by mistake not all that is Python is to be run."""

PREFIX = "magdi_plugin_"
"""How the names of modules begin that files are imported as."""


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
        except Exception:
            continue
        for point in points:
            if (name, point.name) not in seen:  # the first one on sys.path is the one that is imported
                seen.add((name, point.name))
                yield Candidate(name, version, f"entry point {point.name}", _entry(point))


def installed_modules() -> Iterator[str]:
    """Yields the module of every entry point of the group ``magdi``."""
    for distribution in distributions():
        with suppress(Exception):
            yield from [point.module for point in distribution.entry_points if point.group == GROUP]


def _entry(point: EntryPoint) -> Callable[[], object]:
    def load() -> object:
        if not point.pattern.match(point.value):
            raise TypeError(f'{point.value!r} is not "module" or "module:attribute"')
        return point.load()

    return load


def named(plugin: str) -> Candidate:
    """Returns the candidate that ``--plugin FILE|MODULE`` means.

    Raises:
        ComponentError: There is no such file or module.
    """
    if names_file(plugin):
        path = Path(plugin)
        if not _exists(path):
            raise ComponentError(f"there is no plugin file {plugin}")
        if not is_plugin(path):
            raise ComponentError(f"{plugin} is no plugin: neither a file NAME.py nor a folder with an __init__.py")
        return from_path(path)
    if not _can_import(plugin):
        raise ComponentError(
            f"there is no plugin module {plugin!r}", hint="a file ends in .py; a module is looked for on PYTHONPATH"
        )
    return Candidate(plugin, "", f"module {plugin}", lambda: importlib.import_module(plugin))


def uninstalled(name: str) -> str:
    """Returns what to do with a plugin of this name or path that lies here and is not installed; empty for none."""
    for path in (Path(name), Path(f"magdi-{name}")):
        if not _exists(path):
            continue
        if (path / "pyproject.toml").is_file():
            return f"{path} is not installed yet: pip install -e {shlex.quote(str(path))}"
        if path.suffix == ".py" and path.is_file():
            return f"{path} is a file: --plugin {shlex.quote(str(path))}"
    return ""


def _exists(path: Path) -> bool:
    """Returns whether there is a file or a folder at a path; there is none where there can be no such path."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):
        return False


def _can_import(module: str) -> bool:
    """Returns whether a module's topmost package can be found; nothing is imported."""
    top = module.partition(".")[0]
    return top in sys.modules or (top.isidentifier() and importlib.util.find_spec(top) is not None)


def in_folder(folder: Path) -> Iterator[Candidate]:
    """Yields a candidate for every ``*.py`` file and every package at the top of a folder, by name.

    Names that begin with ``_`` or a dot are left, and so is all that lies deeper.

    Raises:
        ComponentError: There is no such folder, or so much in it that it is hardly meant to be run.
    """
    try:
        inside = sorted(folder.iterdir())
    except (OSError, ValueError) as error:
        raise ComponentError(f"there is no plugin folder {folder}") from error
    found = [path for path in inside if not path.name.startswith(("_", ".")) and is_plugin(path)]
    if len(found) > MOST:
        what = f"{len(found):,} Python files and packages lie in it, at most {MOST} are run"
        raise ComponentError(f"{folder} is no plugin folder: {what}", hint="name the plugins by --plugin FILE")
    yield from map(from_path, found)


def from_path(path: Path) -> Candidate:
    """Returns the candidate in a file, or in a folder that is a package."""
    whole = path.resolve()
    name = f"{whole.stem}-file" if whole.stem in (SHIPPED, LOCAL) else whole.stem  # these two are no file's
    return Candidate(name, "", str(whole), lambda: _import_path(whole))


class _FromSource(SourceFileLoader):
    """Compiles what is in the file, always: a ``.pyc`` beside it may be of another source than was looked at."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return compile(self.get_data(path), path, "exec", dont_inherit=True)


class _Inside(MetaPathFinder):
    """Finds the modules of packages that are plugins, for them to be compiled from source, too."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(PREFIX):
            return None
        places = (FileFinder(folder, (_FromSource, [".py"])).find_spec(fullname) for folder in path or ())
        return next((spec for spec in places if spec is not None and spec.loader is not None), None)


def _import_path(path: Path) -> ModuleType:
    """Imports a file under a name that no other module has; twice gives the same module, unless it has changed."""
    digest = hashlib.sha256(f"{path} {digest_of(path)}".encode()).hexdigest()[:8]
    name = f"{PREFIX}{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    if not any(isinstance(finder, _Inside) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Inside())
    package = path.is_dir()
    file = path / "__init__.py" if package else path
    spec = importlib.util.spec_from_file_location(
        name,
        file,
        loader=_FromSource(name, str(file)),
        submodule_search_locations=[str(path)] if package else None,
    )
    if spec is None or spec.loader is None or not file.is_file():
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations of its classes are resolved through it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def place_of(plugin: object) -> str:
    """Returns the file of a plugin's module, or the folder of the package that this is in, with a separator."""
    name = plugin.__name__ if isinstance(plugin, ModuleType) else getattr(plugin, "__module__", "")
    top = name.partition(".")[0]
    files = [getattr(sys.modules.get(each), "__file__", None) for each in (top, name)]
    file = next(filter(None, files), "")
    return os.path.join(os.path.dirname(file), "") if os.path.basename(file) == "__init__.py" else file


def chosen(candidates: Iterable[Candidate], only: frozenset[str] | None, never: frozenset[str]) -> list[Candidate]:
    """Returns the candidates whose plugin is in ``only`` (None: all) and not in ``never``."""
    return [each for each in candidates if (only is None or each.plugin in only) and each.plugin not in never]
