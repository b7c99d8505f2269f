"""From files, environment, flags and ``--set`` to one validated configuration.

Later ones go first: code default < preset < YAML files in order < environment < flags < ``--set``. What a component's
settings leave open, the component's own defaults fill in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File

from pydantic import ValidationError

from magdi.core.config.models import ComponentChoice, RunConfig, TeacherChoice
from magdi.core.config.moved import MOVED_SECTIONS
from magdi.core.config.problems import Path, Problem, dotted, validate
from magdi.core.errors import ConfigError
from magdi.plugins.component import Kind
from magdi.plugins.layers import Layers
from magdi.plugins.objectives.levels import find_level, listed_in, not_on
from magdi.plugins.presets import preset_layers
from magdi.plugins.source import Layer, read_file, read_flags, read_sets
from magdi.plugins.variables import read_environment

Check = Callable[[Kind, ComponentChoice | TeacherChoice], Iterable[Problem]]
"""Says what is wrong with a choice of a component: that it does not exist, or its settings."""

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and where it came from.

    Attributes:
        config: The validated configuration, ``preset`` resolved.
        origins: By dotted path, where each value came from: ``default``, ``preset tiny``, ``exp.yaml:3``,
            ``environment MAGDI_SEED``, ``flag``, ``--set seed``.
        notes: Keys that have moved, with where they were given.
    """

    config: RunConfig
    origins: dict[str, str]
    notes: tuple[str, ...] = ()


def merge(
    files: Iterable[File | str] = (),
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
    below: Iterable[Layer] = (),
    above: Iterable[Layer] = (),
) -> Layers:
    """Returns all sources laid over one another and not yet validated; see `validated`.

    Args:
        files: YAML files; later ones override earlier ones.
        environ: The environment; the process's when left out.
        flags: Values by dotted path, as the command line's options give them.
        sets: ``key=value`` pairs, key a dotted path.
        below: What goes before all files: what a suite sets for all its cells.
        above: What goes after all ``--set``: what it sets for one.
    """
    given = [
        *below,
        *(read_file(file) for file in files),
        read_environment(os.environ if environ is None else environ, {*RunConfig.model_fields, *MOVED_SECTIONS}),
        read_flags(flags or {}),
        read_sets(sets),
        *above,
    ]
    preset, method, why = _preset(given)
    layers = Layers(RunConfig)
    layers.lay(Layer(RunConfig().model_dump(mode="json"), {(): DEFAULT}))
    for layer in (*preset_layers(preset, method), *given):
        layers.lay(layer)
    if why:
        layers.lay(Layer({"preset": preset}, {(): why}))
    return layers


def _preset(given: Iterable[Layer]) -> tuple[str, str, str]:
    """Returns the preset that is asked for or, for ``auto``, that fits the student; the method; for ``auto`` why."""
    asked = Layers(RunConfig)
    asked.lay(Layer(RunConfig().model_dump(mode="json")))
    for layer in given:
        asked.lay(Layer(layer.tree))
    preset, student, training = (asked.tree[name] for name in ("preset", "student", "training"))
    method = str(training.get("method")) if isinstance(training, Mapping) else ""
    if preset != "auto":
        return str(preset), method, ""
    model = student.get("model") if isinstance(student, Mapping) else None
    return ("tiny" if model == "tiny" else "paper"), method, f"auto, for student.model {model}"


def validated(layers: Layers, check: Check | None = None) -> Loaded:
    """Returns the validated configuration of merged sources.

    Args:
        layers: The sources.
        check: Looks at the chosen components, so that their problems are told with all others.

    Raises:
        ConfigError: Lists everything that is wrong, each with its path and where the value came from.
    """
    if check is not None and layers.carried:
        _leave_out_unknown(layers, check)
    config, problems = validate(RunConfig, layers.tree)
    problems = [*problems, *_of_training(layers.tree, config)]
    if check is not None:
        problems = [*problems, *_of_components(layers.tree, check)]
    lines = [*map(str, layers.problems), *(layers.located(problem) for problem in problems)]
    if config is None or lines:
        raise ConfigError("a configuration that cannot be used:", problems=dict.fromkeys(lines))
    origins = {f"objectives.{name}.name": DEFAULT for name in config.objectives}
    origins |= {dotted(path): origin for path, origin in layers.origins.items()}
    return Loaded(config, origins, tuple(dict.fromkeys([*layers.notes, *_without_effect(config, layers)])))


def _without_effect(config: RunConfig, layers: Layers) -> Iterator[str]:
    """Yields a line for each objective that somebody has said something of, and by which nothing is trained."""
    for name, why in not_on(config):
        said = layers.said_of(("objectives", name))
        if said:
            yield f"objectives.{name} changes nothing: {why} ({said})"


def _of_training(tree: Mapping[str, object], config: RunConfig | None) -> Iterator[Problem]:
    """Yields what only the levels and methods know to be wrong of how a student is trained."""
    training = tree.get("training")
    level = training.get("level") if isinstance(training, Mapping) else None
    if isinstance(level, str | int | float) and not isinstance(level, bool):
        try:
            find_level(str(level))
        except ConfigError as error:
            yield Problem(("training", "level"), f"there is no level {level!r}; {error.hint}")
    if config is not None and config.training.method == "malt" and config.student.adaptation != "lora":
        yield Problem((), "training.method malt trains an adapter for each role; student.adaptation: lora")


def _leave_out_unknown(layers: Layers, check: Check) -> None:
    """Leaves out what was given for whichever component is named, and is nothing that the one that is can be told."""
    for problem in list(_of_components(layers.tree, check)):
        if problem.unknown and problem.path in layers.carried:
            layers.leave_out(problem.path, f"there is no such setting of the {problem.path[-2]} that is named")


def _of_components(tree: Mapping[str, object], check: Check) -> Iterator[Problem]:
    """Yields the problems of every choice that is one at all, however wrong the rest may be."""
    for path, kind, given in _choices(tree):
        try:
            choice = (TeacherChoice if kind == "teacher" else ComponentChoice).model_validate(given)
        except ValidationError:
            continue  # a problem of its own
        yield from (replace(problem, path=(*path, *problem.path)) for problem in check(kind, choice))


def _choices(tree: Mapping[str, object]) -> Iterator[tuple[Path, Kind, object]]:
    """Yields where components are chosen, of which kind, and what is given there."""
    single: tuple[Kind, ...] = ("task", "protocol", "encoder")
    yield from (((kind,), kind, tree.get(kind)) for kind in single)
    inner: tuple[tuple[str, Kind], ...] = (("evaluation", "task"), ("discussion", "decision"))
    for section, kind in inner:
        part = tree.get(section)
        if isinstance(part, Mapping):
            yield (section, kind), kind, part.get(kind)
    for name, given in _objectives(tree).items():
        yield ("objectives", name), "objective", given
    teachers = tree.get("teachers")
    for index, given in enumerate(teachers if isinstance(teachers, list | tuple) else ()):
        yield ("teachers", str(index)), "teacher", given


def _objectives(tree: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
    training, named = tree.get("training"), tree.get("objectives")
    level = training.get("level") if isinstance(training, Mapping) else None
    pairs = named.items() if isinstance(named, Mapping) else ()
    good = {name: each or {} for name, each in pairs if isinstance(each, Mapping | None)}
    names = level if isinstance(level, list) else [level]
    try:
        return listed_in(level if level and all(isinstance(each, str) for each in names) else "4", good)
    except ConfigError:
        return good  # the level is a problem of its own
