"""Laying one source of configuration over another, with every value knowing where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from magdi.core.config.models import ComponentChoice
from magdi.core.config.moved import moved
from magdi.core.config.problems import Path, Problem, dotted, model_in
from magdi.core.config.source import Layer, origin_of

ADDED_UP = ("plugins",)
"""The one list of which every source has its own share: a plugin on the command line unloads none of the file's."""


class Layers:
    """Sources of configuration laid over one another.

    Mappings are merged key by key, lists and scalars are replaced, ``plugins`` add up. A section that names another
    component starts over: settings of the one before say nothing about it. ``teachers.0.persona`` changes one
    entry of a list.

    Args:
        model: What the whole is to be.

    Attributes:
        tree: The merged values.
        origins: By path, where a value came from.
        problems: What could not be read or merged.
        notes: Keys that have moved, with where they were given.
        laid: The sources, in order.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self.tree: dict[str, object] = {}
        self.origins: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.laid: list[Layer] = []
        self._whole: tuple[int, dict[Path, str]] | None = None

    def lay(self, layer: Layer) -> None:
        """Lays a layer over those before it; keys that have moved are laid where they are now."""
        tree, went = moved(layer.tree)
        for old, new in went.items():
            self.notes.append(f"{dotted(old)} is now {' and '.join(map(dotted, new))} ({layer.origin(old)})")
        at = {path: layer.origin(old) for old, new in went.items() for path in new}
        layer = replace(layer, tree=tree, origins={**at, **layer.origins})
        self.problems += layer.problems
        self.laid.append(layer)
        self.tree = self._merged(self.tree, layer.tree, (), layer)

    def located(self, problem: Problem) -> str:
        """Returns a problem as a line, with where the value came from."""
        if self._whole is None or self._whole[0] != len(self.laid):
            self._whole = len(self.laid), self._lines() | self.origins
        origin = origin_of(problem.path, self._whole[1]) if problem.path else ""
        return f"{problem} ({origin})" if origin else str(problem)

    def _lines(self) -> dict[Path, str]:
        """Returns where sections and what is in lists came from, too; of a path the layer that last touched it."""
        found: dict[Path, str] = {}
        for layer in self.laid:
            lines = {path: line for path, line in layer.origins.items() if path}
            above = {path[:n] for path in lines for n in range(len(path))}
            left = {
                known: line
                for known, line in found.items()
                if known not in above and not any(known[: n + 1] in lines for n in range(len(known)))
            }
            found = left | lines
        return found

    def _merged(self, below: Any, above: Any, path: Path, layer: Layer) -> Any:
        field = _annotation(self.model, path)
        if isinstance(above, str) and (key := getattr(model_in(field), "alone", None)):
            above = {key: above}
        if above is None and isinstance(field, type) and issubclass(field, BaseModel):
            return below  # a section with nothing in it
        if isinstance(above, Mapping):
            if isinstance(below, list) and above and all(key.isdigit() for key in above):
                return self._into_list(below, above, path, layer)
            return self._into_mapping(below, above, path, layer)
        if path == ADDED_UP and isinstance(below, list) and isinstance(above, list):
            above = [*below, *(each for each in above if each not in below)]
        self._forget(path, below)
        self.origins[path] = layer.origin(path)
        return above

    def _into_mapping(self, below: Any, above: Mapping[str, object], path: Path, layer: Layer) -> dict[str, object]:
        kept = dict(below) if isinstance(below, Mapping) else {}
        if "name" in above and above["name"] != kept.get("name") and _is_choice(self.model, path):
            kept = {}
        if not kept:
            self._forget(path, below)
            if not above:
                self.origins[path] = layer.origin(path)
        return kept | {key: self._merged(kept.get(key), value, (*path, key), layer) for key, value in above.items()}

    def _into_list(self, below: list[Any], above: Mapping[str, object], path: Path, layer: Layer) -> list[Any]:
        merged = list(below)
        for key, value in above.items():
            if int(key) < len(merged):
                merged[int(key)] = self._merged(_opened(merged[int(key)]), value, (*path, key), layer)
            else:
                self.problems.append(
                    Problem((*path, key), f"there are {len(merged)} in {dotted(path)} ({layer.origin((*path, key))})")
                )
        return merged

    def _forget(self, path: Path, below: Any) -> None:
        """Forgets where a value came from, and all that was in it."""
        if not below or not isinstance(below, Mapping | list):
            self.origins.pop(path, None)
            return
        self.origins = {known: origin for known, origin in self.origins.items() if known[: len(path)] != path}


def _opened(entry: Any) -> Any:
    """Returns a list's entry as a mapping where it is a teacher's short form."""
    from magdi.core.config.models import TeacherChoice

    return TeacherChoice.model_validate(entry).model_dump(exclude_unset=True) if isinstance(entry, str) else entry


def _annotation(model: type[BaseModel], path: Path) -> Any:
    annotation: Any = None
    for part in path:
        found = model.model_fields.get(part)
        if found is None:
            return None
        annotation = found.annotation
        model = model_in(annotation) or BaseModel
    return annotation


def _is_choice(model: type[BaseModel], path: Path) -> bool:
    annotation = _annotation(model, path)
    return annotation is not None and model_in(annotation) is ComponentChoice
