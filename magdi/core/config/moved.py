"""Keys of configurations that have moved: old files and old runs are read as what they mean now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Path = tuple[str, ...]

TEACHING = ("positive", "answer", "reasoning")
MOVED: Mapping[str, Sequence[str]] = {
    "objective.alpha": [f"objectives.{name}.weight" for name in TEACHING],
    "objective.beta": ["objectives.margin.weight"],
    "objective.gamma": ["objectives.node.weight"],
    "objective.margin": ["objectives.margin.rho"],
    "objective.anneal": ["objectives.margin.anneal", "objectives.node.anneal"],
    "objective.node_states": ["objectives.margin.states", "objectives.node.states"],
    "objective.pairs": ["objectives.margin.pairs"],
    "objective.reduction": ["training.reduction"],
}
"""By old key, the new ones."""
MOVED_SECTIONS = frozenset(old.partition(".")[0] for old in MOVED)


def moved(tree: Mapping[str, object]) -> tuple[dict[str, object], dict[Path, list[Path]]]:
    """Returns a tree of values with moved keys where they belong now, and where each old one went.

    A list under ``objectives`` says which there are as well as how: it is ``training.level`` and their settings. One
    plugin is a list of one.
    """
    found = plugins_listed(_listed(dict(tree)))
    went: dict[Path, list[Path]] = {}
    for old, new in MOVED.items():
        section, _, key = old.partition(".")
        inside = found.get(section)
        if not isinstance(inside, Mapping) or key not in inside:
            continue
        value = inside[key]
        found[section] = {name: kept for name, kept in inside.items() if name != key}
        went[section, key] = [tuple(path.split(".")) for path in new]
        for path in went[section, key]:
            found = _with(found, path, value)
    return {key: value for key, value in found.items() if value or key not in MOVED_SECTIONS}, went


def plugins_listed(tree: dict[str, object]) -> dict[str, object]:
    """Returns a tree of values in which one plugin is a list of one."""
    plugins = tree.get("plugins")
    return {**tree, "plugins": [plugins]} if isinstance(plugins, str) else tree


def _listed(tree: dict[str, object]) -> dict[str, object]:
    listed = tree.get("objectives")
    if not isinstance(listed, list | tuple):
        return tree
    entries = [{"name": each} if isinstance(each, str) else each for each in listed]
    if not all(isinstance(each, Mapping) and isinstance(each.get("name"), str) for each in entries):
        return tree
    training = tree.get("training")
    names = [str(each["name"]) for each in entries]
    return {
        **tree,
        "objectives": {
            name: {k: v for k, v in each.items() if k != "name"} for name, each in zip(names, entries, strict=True)
        },
        "training": {**(training if isinstance(training, Mapping) else {}), "level": names},
    }


def _with(tree: Mapping[str, object], path: Path, value: Any) -> dict[str, object]:
    """Returns a tree with a value at a path, unless there is one already."""
    first, *rest = path
    inside = tree.get(first)
    if not rest:
        return {first: value, **tree}
    return {**tree, first: _with(inside if isinstance(inside, Mapping) else {}, tuple(rest), value)}
