"""Laying one source of configuration over another, with every value knowing where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from magdi.core.config.models import ComponentChoice, TeacherChoice
from magdi.core.config.moved import moved
from magdi.core.config.problems import Path, Problem, dotted, model_in
from magdi.plugins.source import Layer, origin_of

UNSAID = ("default", "preset")
"""How origins begin of what nobody has said."""

ADDED_UP = ("plugins",)
"""The one list of which every source has its own share: a plugin on the command line unloads none of the file's."""


class Layers:
    """Sources of configuration laid over one another.

    Mappings are merged key by key, lists and scalars are replaced, ``plugins`` add up. Where another component is
    named, settings that came with the name of the one before are left out: they say nothing about it. Those that came
    without a name are for whichever is named. ``teachers.0.persona`` changes one entry of a list.

    Args:
        model: What the whole is to be.

    Attributes:
        tree: The merged values.
        origins: By path, where a value came from.
        problems: What could not be read or merged.
        notes: Keys that have moved, with where they were given; settings that were left out.
        carried: Settings that are for another component than was named when they were given.
        laid: The sources, in order.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self.tree: dict[str, object] = {}
        self.origins: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.carried: set[Path] = set()
        self.laid: list[Layer] = []
        self._with_name: set[Path] = set()
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
        if _is_choice(self.model, path):
            if "name" in above and above["name"] != kept.get("name"):
                kept = self._of_another(kept, path, f"{above['name']} ({layer.origin((*path, 'name'))})")
            settings = {(*path, key) for key in above if key != "name"}
            self._with_name = self._with_name | settings if "name" in above else self._with_name - settings
        if not kept:
            self._forget(path, below)
        if path and not above:
            self.origins[path] = layer.origin(path)
        return kept | {key: self._merged(kept.get(key), value, (*path, key), layer) for key, value in above.items()}

    def _of_another(self, given: Mapping[str, object], path: Path, named: str) -> dict[str, object]:
        """Returns those settings of a component that stay where another one is named."""
        settings = {(*path, key): value for key, value in given.items() if key != "name"}
        for here in filter(self._with_name.__contains__, settings):
            self.leave_out(here, f"it is of {given['name']}, and {dotted(path)} is {named}")
        stay = {here: value for here, value in settings.items() if here not in self._with_name}
        self.carried |= stay.keys()
        return {here[-1]: value for here, value in stay.items()}

    def said_of(self, path: Path) -> str:
        """Returns where somebody has said something of a path; empty where that is only a default's or a preset's."""
        inside = (origin for known, origin in self.origins.items() if known[: len(path)] == path)
        return next((origin for origin in inside if not origin.startswith(UNSAID)), "")

    def leave_out(self, path: Path, why: str) -> None:
        """Leaves a component's setting out, and notes it unless nobody has said it."""
        if origin := self.said_of(path):
            self.notes.append(f"{dotted(path)} is left out: {why} ({origin})")
        section: Any = self.tree
        for part in path[:-1]:
            section = section[part]
        self._forget(path, section.pop(path[-1]))

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
