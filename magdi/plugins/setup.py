"""From what a command was given to a configuration, its components and its observers, with all problems at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from magdi.core.config.code import whole
from magdi.core.config.models import RunConfig
from magdi.plugins.given import Given
from magdi.plugins.layers import Layers
from magdi.plugins.manager import Plugins, Trace, load_plugins
from magdi.plugins.merging import Loaded, merge, validated
from magdi.plugins.runs.finding import model_code_of, plugins_of
from magdi.plugins.trackers.names import chosen
from magdi.plugins.trust import Code, Trust


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run needs.

    Attributes:
        config: The validated configuration.
        origins: By dotted path, where each value came from.
        plugins: What was loaded; ``plugins.registry`` makes the components.
        notes: What the configuration was read with, such as keys that have moved.
    """

    config: RunConfig
    origins: Mapping[str, str]
    plugins: Plugins
    notes: tuple[str, ...] = ()


def set_up(
    files: Iterable[Path | str] = (),
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
    plugins_dir: Path | None = None,
    load: bool = True,
    trace: Trace | None = None,
    trust: Trust = Trust(),  # noqa: B008 (it cannot be changed)
    given: Given | None = None,
) -> Setup:
    """Merges all sources, loads the plugins that they name, and checks everything, components' settings included.

    Args:
        files: YAML files; later ones override earlier ones.
        environ: The environment; the process's when left out.
        flags: Values by dotted path.
        sets: ``key=value`` pairs.
        plugins_dir: A folder of plugin files.
        load: False for shipped components alone.
        trace: Told what was loaded, where MAGDI_TRACE_PLUGINS asks for it.
        trust: How it is decided whether code that files name is run.
        given: Classes and objects that stand in ``flags`` by name.

    Raises:
        ConfigError: Lists everything that is wrong, each with its path and where the value came from.
        ComponentError: A plugin that is named does not exist or cannot be loaded, or one is at fault while
            MAGDI_STRICT_PLUGINS is set.
    """
    layers = merge(files, environ, flags, sets)
    typed, found = named_plugins(layers)
    plugins = load_plugins(
        typed, folder=plugins_dir, enabled=load, environ=environ, trace=trace, found=found, trust=trust
    )
    plugins = without_code(plugins, remote_code(layers), trust, environ)
    note_folder(layers, plugins, plugins_dir)
    if given is not None:
        given.into(plugins.registry)
    loaded: Loaded = validated(layers, plugins.registry.problems)
    chosen(loaded.config.training.report_to)
    return Setup(loaded.config, loaded.origins, plugins, loaded.notes)


def going_on(setup: Setup, directory: Path) -> Setup:
    """Returns the same with the plugins that the run in a directory was made with and that are not named again.

    They observe it as before where they are there still, and trusted; else it goes on without them, which is reported.
    """
    left = {name: file for name, file in plugins_of(directory).items() if name not in setup.config.plugins}
    if not left:
        return setup
    found, these_alone = [Code.plugin(*each) for each in left.items()], {**os.environ, "MAGDI_LOAD_PLUGINS": ""}
    more = load_plugins(found=found, optional=True, environ=these_alone)
    setup.plugins.observers.join(more.observers)
    for fault in more.faults:
        setup.plugins.observers.report(fault)
    return replace(setup, config=setup.config.model_copy(update={"plugins": (*setup.config.plugins, *left)}))


def plugins_for(
    runs: Iterable[Path | str], trust: Trust, typed: Iterable[str] = (), *, models: bool = True, **how: Any
) -> Plugins:
    """Loads plugins, and those that runs were made with, as far as they are there and trusted.

    Args:
        runs: Their directories; what is no run is passed over.
        trust: How it is decided whether code that they name is run.
        typed: Plugins that a person has named.
        models: Whether the runs' students are to be loaded.
        **how: As `magdi.plugins.manager.load_plugins` takes it.

    Raises:
        ComponentError: Code that comes with a student is not trusted; or as `magdi.plugins.manager.load_plugins`.
    """
    found = [Code.plugin(name, by) for name, by in plugins_of(*runs).items()]
    plugins = load_plugins(typed, found=found, optional=True, trust=trust, **how)
    if models:
        without_code(plugins, model_code_of(*runs), trust).demand(plugins=False)
    return plugins


def named_plugins(layers: Layers) -> tuple[list[str], list[Code]]:
    """Returns the plugins that a person has typed, and those that files name, however wrong the rest may be."""
    typed = {whole(each) for layer in layers.laid if not layer.file for each in _texts(layer.tree.get("plugins"))}
    files = {each: layer.file for layer in layers.laid if layer.file for each in _texts(layer.tree.get("plugins"))}
    named = [whole(each) for each in _texts(layers.tree.get("plugins"))]
    unknown = next(iter(files.values()), "a file")
    found = [Code.plugin(each, files.get(each, unknown)) for each in named if each not in typed]
    return [each for each in named if each in typed], found


def _texts(value: Any) -> list[str]:
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [each for each in values if isinstance(each, str)]


def note_folder(layers: Layers, plugins: Plugins, folder: Path | None) -> None:
    """Writes the plugins of a folder into the configuration: a run is made with them as with any other."""
    named = layers.tree.get("plugins")
    if folder is not None and isinstance(named, list):
        inside = [each.origin for each in plugins.loaded if Path(each.origin).parent == folder.resolve()]
        layers.tree["plugins"] = list(dict.fromkeys([*named, *inside]))


def without_code(
    plugins: Plugins, codes: Iterable[Code], trust: Trust, environ: Mapping[str, str] | None = None
) -> Plugins:
    """Returns the plugins, with what of the code of models that files want to run is not trusted as refused."""
    refused = trust.refused(codes, os.environ if environ is None else environ)
    return replace(plugins, refused=(*plugins.refused, *refused)) if refused else plugins


def remote_code(layers: Layers) -> list[Code]:
    """Returns the code of models that files want to run (``trust_remote_code``)."""
    files = [layer.file for layer in layers.laid if layer.file and _is_remote(layer.tree)]
    return [Code(_models(layers.tree), file) for file in files]


def _is_remote(tree: Any) -> bool:
    """Returns whether ``trust_remote_code`` is on anywhere in a tree."""
    if isinstance(tree, Mapping):
        return any((key == "trust_remote_code" and value) or _is_remote(value) for key, value in tree.items())
    return isinstance(tree, list | tuple) and any(map(_is_remote, tree))


def _models(tree: Mapping[str, Any]) -> str:
    """Returns what the code of a configuration's models is called; other models, or revisions, are other code."""
    student = tree["student"] if isinstance(tree.get("student"), Mapping) else {}
    teachers = tree["teachers"] if isinstance(tree.get("teachers"), list) else []
    revision = student.get("revision") and f"@{student['revision']}"
    names = [f"{student.get('model')}{revision or ''}", *(_teacher(each) for each in teachers)]
    return f"the code that comes with {', '.join(dict.fromkeys(names))}"


def _teacher(given: Any) -> str:
    if not isinstance(given, Mapping):
        return str(given)
    settings = given.get("settings")
    revision = settings.get("revision") if isinstance(settings, Mapping) else None
    return f"{given.get('teacher')}{f'@{revision}' if revision else ''}"
