"""Where configuration comes from: YAML files, flags and ``--set key=value``, each a layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path as File
from typing import Any

import yaml

from magdi.core.config.code import whole
from magdi.core.config.moved import plugins_listed
from magdi.core.config.problems import Path, Problem
from magdi.core.config.yaml_text import complaint, compose, read_value, scalar
from magdi.core.errors import DataError
from magdi.core.files import read_text


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values.

    Attributes:
        tree: Nested mappings and lists.
        origins: Where paths of the tree were read; () stands for all of it.
        problems: What could not be read.
        file: The file that it was read from, which somebody else may have written; empty for what a person has typed.
    """

    tree: Mapping[str, object]
    origins: Mapping[Path, str] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    file: str = ""

    def origin(self, path: Path) -> str:
        """Returns where the value at a path comes from."""
        return origin_of(path, self.origins)


def origin_of(path: Path, origins: Mapping[Path, str]) -> str:
    """Returns where a value was read: of the path itself, else what holds it, else the first thing in it."""
    around = (path[:n] for n in range(len(path), -1, -1))
    inside = (known for known in origins if known[: len(path)] == path)
    return next((origins[each] for each in chain(around, inside) if each in origins), "")


def read_file(file: File | str) -> Layer:
    """Returns the layer in a YAML file; every path knows its line. What cannot be read is a problem of the layer."""
    reader = _Reader(str(file))
    try:
        node = compose(read_text(File(file)))
        if node is None:
            return Layer({})
        if not isinstance(node, yaml.MappingNode):
            return Layer({}, problems=[Problem((), f"{file} must hold a mapping, such as seed: 1")])
        tree = reader.mapping(node, ())
    except DataError as error:
        return Layer({}, problems=[Problem((), error.message)])
    except yaml.YAMLError as error:
        return Layer({}, problems=[Problem((), f"{file} is no YAML: {complaint(error)}")])
    return Layer(_beside(tree, File(file).parent), reader.origins, reader.problems, str(file))


class _Reader:
    """Turns YAML nodes into values and remembers their lines."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.origins: dict[Path, str] = {}
        self.problems: list[Problem] = []

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        """Returns a mapping's values; a key that occurs twice is a problem."""
        tree: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = f"{self.file}:{key_node.start_mark.line + 1}"
            here = (*path, key)
            if key in tree:
                self.problems.append(Problem(here, f"is there twice ({line})"))
            self.origins[here] = line
            tree[key] = self.value(value_node, here)
        return tree

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Returns a node's value."""
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, str(index))) for index, item in enumerate(node.value)]
        return scalar(node)


def _beside(tree: dict[str, object], folder: File) -> dict[str, object]:
    """Returns the tree with plugin files that lie beside the configuration file as whole paths."""
    tree = plugins_listed(tree)
    plugins = tree.get("plugins")
    if isinstance(plugins, list):
        return {**tree, "plugins": [whole(each, folder) if isinstance(each, str) else each for each in plugins]}
    return tree


def read_sets(sets: Iterable[str]) -> Layer:
    """Returns the layer of ``--set key=value``, where key is a dotted path and the value is read as YAML."""
    pairs, problems = [], []
    for given in sets:
        key, equals, text = given.partition("=")
        if equals and all(key.split(".")):
            pairs.append((f"--set {key}", tuple(key.split(".")), text))
        else:
            problems.append(Problem((), f"--set {given!r} is not KEY=VALUE, such as training.steps=10"))
    return from_text(pairs, problems)


def from_text(pairs: Iterable[tuple[str, Path, str]], problems: list[Problem]) -> Layer:
    """Returns a layer of (origin, path, text), each text read as YAML; one that is none joins the problems."""
    values: list[tuple[str, Path, Any]] = []
    for origin, path, text in pairs:
        try:
            values.append((origin, path, read_value(text)))
        except ValueError as error:
            problems.append(Problem(path, f"{error} ({origin})"))
    return nest(values, problems)


def read_flags(flags: Mapping[str, object]) -> Layer:
    """Returns the layer of flags, given by dotted path, e.g. ``{"training.steps": 10}``."""
    return nest([("flag", tuple(key.split(".")), value) for key, value in flags.items()])


def nest(values: Iterable[tuple[str, Path, Any]], problems: Sequence[Problem] = ()) -> Layer:
    """Returns a layer of (origin, path, value); of two values for one path the later one counts."""
    tree: dict[str, object] = {}
    origins: dict[Path, str] = {}
    for origin, path, value in values:
        node = tree
        for part in path[:-1]:
            inner = node.get(part)
            if not isinstance(inner, dict):
                inner = node[part] = {} if inner is None else {"name": inner}
            node = inner
        old = node.get(path[-1])
        both = isinstance(old, dict) and isinstance(value, str)  # a component's name after its settings
        node[path[-1]] = {**old, "name": value} if both and isinstance(old, dict) else value
        origins[path] = origin
    return Layer(tree, origins, problems)
