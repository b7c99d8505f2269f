"""Code that a configuration names: where its plugins are, and what is in them; found without importing anything."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sysconfig
from functools import lru_cache
from pathlib import Path

from magdi.core.errors import DataError

MOST_FILES = 10_000
MOST_BYTES = 1 << 30
MOST_SOURCE = 16 << 20  # of one file of Python
"""What a plugin may be made of: all of it is read before it is run, and `plugins: [/usr/]` is quickly written."""


def names_file(plugin: str) -> bool:
    """Returns whether a plugin is named by its path, not as a module."""
    return plugin.endswith(".py") or "/" in plugin or "\\" in plugin


def is_plugin(path: Path) -> bool:
    """Returns whether a path is one of a plugin: a file ``NAME.py``, or a folder with an ``__init__.py``."""
    try:
        at = path.resolve()
        return (at.is_file() and at.suffix == ".py") or (at / "__init__.py").is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def whole(plugin: str, folder: Path | None = None) -> str:
    """Returns a plugin's whole path where it is a file or package (in ``folder`` first); a module's name as it is."""
    places = [folder / plugin] if folder else []
    places += [Path(plugin)] if names_file(plugin) else []
    try:
        found = next((path for path in places if path.is_file() or (names_file(plugin) and path.is_dir())), None)
    except (OSError, ValueError):  # no path at all
        return plugin
    return str(found.resolve()) if found else plugin


def source_of(plugin: str) -> Path | None:
    """Returns the file or package that a plugin is loaded from, None where there is none.

    A module is the package at its top: importing ``a.b`` runs all of ``a`` that it likes.
    """
    if names_file(plugin):
        return Path(plugin).resolve() if is_plugin(Path(plugin)) else None
    top = plugin.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top) if top.isidentifier() else None
    except (ImportError, ValueError):
        return None
    places = spec.submodule_search_locations if spec else None
    if places:
        return Path(next(iter(places))).resolve()
    return Path(spec.origin).resolve() if spec and spec.origin and Path(spec.origin).is_file() else None


def files_of(source: Path) -> list[Path]:
    """Returns the files that a plugin is made of.

    Of a package all files in its folder, data included; of a file itself and what lies beside it and is imported by it,
    or by that. What it imports from elsewhere, or by a name that is made up as it runs, is not among them, nor is what
    is installed beside an installed module.

    Raises:
        DataError: They are more than a plugin is made of.
    """
    if source.is_dir():
        return sorted(_in_folder(source))
    if str(source.parent) in sysconfig.get_paths().values():
        return [source]
    found: dict[Path, None] = {}
    waiting = [source]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = None
            for name in _imported(file):
                _add_neighbour(file.parent, name, found, waiting)
        if len(found) > MOST_FILES:
            raise _too_much(source, f"{MOST_FILES:,} files")
    return [source, *sorted(found.keys() - {source})]


def digest_of(source: Path) -> str:
    """Returns a digest (SHA-256, hexadecimal) of a plugin's files and of their names, but not of where they lie.

    Raises:
        DataError: One cannot be read, or they are more than a plugin is made of.
    """
    total, left = hashlib.sha256(), MOST_BYTES
    for file in files_of(source):
        name = os.path.relpath(file, source if source.is_dir() else source.parent)
        digest = hashlib.sha256()
        try:
            with file.open("rb") as stream:
                while part := stream.read(1 << 20):
                    digest.update(part)
                    if (left := left - len(part)) < 0:
                        raise _too_much(source, f"{MOST_BYTES >> 30} GiB")
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}") from error
        total.update(f"{name}\0{digest.hexdigest()}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _too_much(source: Path, what: str) -> DataError:
    return DataError(f"{source} is no plugin: it holds more than {what}", hint="name the file, or package, that is one")


def _in_folder(folder: Path) -> list[Path]:
    """Returns the files below a folder, through links too; hidden ones and what Python has compiled are left."""
    found, seen, waiting = [], set(), [folder]
    try:
        while waiting:
            at = waiting.pop()
            if at.resolve() in seen:
                continue
            seen.add(at.resolve())
            shown = [each for each in at.iterdir() if not each.name.startswith(".")]
            waiting += [each for each in shown if each.is_dir()]
            found += [each for each in shown if each.is_file() and each.suffix != ".pyc"]
            if len(found) + len(seen) > MOST_FILES:
                raise _too_much(folder, f"{MOST_FILES:,} files")
    except OSError as error:
        raise DataError(f"{error.filename or folder} cannot be read: {error.strerror}") from error
    return found


def _add_neighbour(folder: Path, name: str, found: dict[Path, None], waiting: list[Path]) -> None:
    """Adds a module, or a package, that lies beside a file which imports it."""
    beside, package = folder / f"{name}.py", folder / name
    if beside.is_file():
        waiting.append(beside)
    elif package / "__init__.py" not in found and (package / "__init__.py").is_file():
        found |= dict.fromkeys(_in_folder(package))


def _imported(file: Path) -> frozenset[str]:
    """Returns the topmost names of the modules that a file imports; none where it is no Python."""
    try:
        with file.open("rb") as stream:
            source = stream.read(MOST_SOURCE + 1)
        if len(source) > MOST_SOURCE:
            raise _too_much(file, f"{MOST_SOURCE >> 20} MiB of Python")
        return _imports(source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


@lru_cache(maxsize=1024)
def _imports(source: bytes) -> frozenset[str]:
    tree = ast.parse(source)
    named: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named += [node.module] if node.module else [alias.name for alias in node.names]
    return frozenset(name.partition(".")[0] for name in named)
