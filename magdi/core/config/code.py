"""Code that a configuration names: where its plugins are, and what is in them; found without importing anything."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from magdi.core.errors import DataError


def names_file(plugin: str) -> bool:
    """Returns whether a plugin is named by its path, not as a module."""
    return plugin.endswith(".py") or "/" in plugin or "\\" in plugin


def exists(path: Path) -> bool:
    """Returns whether there is a file or a folder at a path; there is none where there can be no such path."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):
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
        return Path(plugin).resolve() if exists(Path(plugin)) else None
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
    """
    if source.is_dir():
        return sorted(_in_folder(source, set()))
    if str(source.parent) in sysconfig.get_paths().values():
        return [source]
    found: dict[Path, None] = {}
    _add_with_neighbours(source, found)
    return [source, *sorted(found.keys() - {source})]


def digest_of(source: Path) -> str:
    """Returns a digest (SHA-256, hexadecimal) of a plugin's files and of their names, but not of where they lie."""
    total = hashlib.sha256()
    for file in files_of(source):
        name = os.path.relpath(file, source if source.is_dir() else source.parent)
        try:
            with file.open("rb") as stream:
                total.update(f"{name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}") from error
    return total.hexdigest()


def _in_folder(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Yields the files below a folder, through links too; hidden ones and what Python has compiled are left."""
    if folder.resolve() in seen:
        return
    seen.add(folder.resolve())
    for each in folder.iterdir():
        if each.is_dir() and not each.name.startswith("."):
            yield from _in_folder(each, seen)
        elif each.is_file() and not each.name.startswith(".") and each.parent.name != "__pycache__":
            yield each


def _add_with_neighbours(file: Path, found: dict[Path, None]) -> None:
    if file in found:
        return
    found[file] = None
    for name in _imported(file):
        beside, package = file.parent / f"{name}.py", file.parent / name
        if beside.is_file():
            _add_with_neighbours(beside, found)
        elif (package / "__init__.py").is_file():
            found |= dict.fromkeys(_in_folder(package, set()))


def _imported(file: Path) -> set[str]:
    """Returns the topmost names of the modules that a file imports; none where it is no Python."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    named: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named += [node.module] if node.module else [alias.name for alias in node.names]
    return {name.partition(".")[0] for name in named}
