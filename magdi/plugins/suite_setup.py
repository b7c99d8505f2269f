"""From what `magdi ablate` was given to a suite that can be run: cells' configurations, plugins, workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.errors import ConfigError, did_you_mean
from magdi.core.run.directory import deciding
from magdi.core.run.seats import agents
from magdi.core.seals import fingerprint
from magdi.plugins.corpus.files import read_in_turn
from magdi.plugins.given import Given
from magdi.plugins.layers import UNSAID, Layers
from magdi.plugins.manager import Plugins, load_plugins
from magdi.plugins.merging import merge, validated
from magdi.plugins.setup import named_plugins, remote_code, without_code
from magdi.plugins.source import Layer
from magdi.plugins.suites.file import EMBEDDED, INSTRUMENTS, Equal, SuiteFile, find, read_suite
from magdi.plugins.suites.grid import Grid, make_grid, settings_layer
from magdi.plugins.suites.jobs import talk_config
from magdi.plugins.suites.suite import Suite
from magdi.plugins.suites.worker import Observe, WorkerSetup
from magdi.plugins.trackers.names import chosen
from magdi.plugins.trust import Code, Trust

SEEDS = 5
QUICK_SEEDS = 2
QUICK = {"preset": "quick", "training.steps": 100, "discussion.questions": 200}
"""What ``--quick`` sets beside the preset, below all files: small enough for CI, and too small to conclude from."""

LOOKED_AT = 50  # MAGs of a file whose agents' names are wanted


@dataclass(frozen=True, slots=True)
class SuiteSetup:
    """A suite and what it is run with.

    Attributes:
        suite: What is to be done.
        plugins: What was loaded.
        worker_setup: Makes the same in a worker process.
        notes: What configurations were read with, such as settings that are left out in a cell.
    """

    suite: Suite
    plugins: Plugins
    worker_setup: WorkerSetup
    notes: tuple[str, ...] = ()


def set_up_suite(
    name: str,
    files: Iterable[Path | str] = (),
    *,
    folder: Path,
    out: Path | None = None,
    seeds: int | None = None,
    only: Sequence[str] = (),
    equal: Equal | None = None,
    instrument: str | None = None,
    quick: bool = False,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
    plugins_dir: Path | None = None,
    load: bool = True,
    trace: Callable[[str], None] | None = None,
    trust: Trust = Trust(),  # noqa: B008 (it cannot be changed)
    given: Given | None = None,
) -> SuiteSetup:
    """Reads a suite, loads plugins, and makes and checks the configuration of every cell.

    Args:
        name: A shipped suite, or a YAML file.
        files: Configuration files; they go before the suite's own settings, and a cell's go before all.
        folder: Where suites are kept.
        out: The suite's directory; one in ``folder`` named after suite and configuration when left out.
        seeds: How many, from the configuration's seed on; `SEEDS` when left out.
        only: ``key=value`` pairs that choose cells.
        equal: What cells are evened out by; what the suite says when left out.
        instrument: The embedded task that it is run on; what the suite says when left out.
        quick: Make all of it small.
        environ: The environment; the process's when left out.
        flags: Values by dotted path.
        sets: ``key=value`` pairs.
        plugins_dir: A folder of plugin files.
        load: False for shipped components alone.
        trace: Told what was loaded.
        trust: How it is decided whether code that files name is run.
        given: Classes and objects that stand in ``flags`` by name.

    Raises:
        ConfigError: Lists all that is wrong with the suite or with the configuration of a cell.
        ComponentError: As `magdi.plugins.setup.set_up`.
    """
    path = find(name)
    file = read_suite(path)
    below = [replace(settings_layer(file.settings, f"suite {path.stem}"), file=str(path))]
    if quick:
        below.append(settings_layer(QUICK, "--quick"))
    files = list(files)

    def sources(*above: Layer) -> Layers:
        return merge(files, environ, flags, sets, below=below, above=above)

    given_now = sources()
    on = _instrument(given_now, instrument, file)
    if _brings_mags(given_now):  # all of them, of which no preset and no instrument knows how many there are
        below.insert(0, settings_layer({"discussion.questions": None}, "MAGs that are there"))
    if on is not None:
        settings = {**INSTRUMENTS[on], **file.embedded}
        below.insert(0, replace(settings_layer(settings, f"instrument {on}"), file=str(path)))
    layers = sources()
    typed, found = named_plugins(layers)
    plugins = load_plugins(
        typed, folder=plugins_dir, enabled=load, environ=environ, trace=trace, found=found, trust=trust
    )
    plugins = without_code(plugins, remote_code(layers), trust, environ)
    if given is not None:
        given.into(plugins.registry)
    problems = plugins.registry.problems
    config = validated(layers, problems).config
    notes = dict.fromkeys(layers.notes)
    chosen(config.training.report_to)

    codes: list[Code] = []

    def configure(layer: Layer | None) -> RunConfig:
        layers = sources(*([replace(layer, file=str(path))] if layer else []))
        codes.extend(remote_code(layers))
        config = validated(layers, problems).config
        notes.update(dict.fromkeys(layers.notes))
        return config

    there = agent_names(config, plugins.registry)
    grid, left_out = possible(make_grid(file, there, configure, lookup(config, plugins.registry)), config)
    plugins = without_code(plugins, codes, trust, environ)
    suite = Suite(
        name=path.stem,
        grid=grid,
        folder=out or folder / f"{path.stem}-{_digest(config)}",
        seeds=tuple(range(config.seed, config.seed + (seeds or (QUICK_SEEDS if quick else SEEDS)))),
        components=plugins.registry,
        only=tuple(only),
        equal=equal or file.equal,
        quick=quick,
        instrument=on if on == config.task.name else None,
        left_out=left_out,
    )
    admitted = [code.name for code in found if code not in plugins.refused]
    return SuiteSetup(
        suite, plugins, partial(worker_setup, (*typed, *admitted), plugins_dir, load, given), tuple(notes)
    )


def _brings_mags(layers: Layers) -> bool:
    """Returns whether discussions are taken from files that somebody names."""
    tree: Mapping[str, Any] = layers.tree
    return tree["discussion"].get("mags") is not None


def _instrument(layers: Layers, asked: str | None, file: SuiteFile) -> str | None:
    """Returns the instrument that a suite is run on: what is asked for, else the suite's where nothing is against it.

    None where the student is no tiny one, or nothing is trained.

    Raises:
        ConfigError: There is none of that name, or it is asked for beside another task.
    """
    tree: Mapping[str, Any] = layers.tree
    said = {path[0] for path, origin in layers.origins.items() if path and not origin.startswith(UNSAID)}
    task = tree["task"]["name"] if "task" in said else None
    if asked is None:
        if tree["preset"] not in ("tiny", "quick") or file.measure != "student":
            return None
        mine = task is None and "teachers" not in said and not _brings_mags(layers)
        return file.instrument if mine else task if task in INSTRUMENTS else EMBEDDED
    if asked not in INSTRUMENTS:
        raise ConfigError(f"--instrument {asked!r}", hint=did_you_mean(asked, INSTRUMENTS))
    if task not in (None, asked):
        raise ConfigError(f"--instrument {asked} and the task {task} cannot be had at once", hint="leave one out")
    return asked


def worker_setup(
    named: Sequence[str], folder: Path | None, load: bool, given: Given | None = None
) -> tuple[Components, Observe]:
    """Returns what a worker process needs: components, and who is told of events."""
    plugins = load_plugins(named, folder=folder, enabled=load)
    if given is not None:
        given.into(plugins.registry)
    return plugins.registry, plugins.observers.tell


def agent_names(config: RunConfig, components: Components) -> list[str]:
    """Returns the names of the agents: of the teachers, or of those who speak first in a file of MAGs."""
    if config.discussion.mags is None:
        return list(agents(config, components.task(config.task, config.seed)))
    few = islice(read_in_turn(config.discussion.mag_files), LOOKED_AT)
    return list(dict.fromkeys(turn.agent for mag in few for turn in mag.turns if turn.round == 0))


def lookup(config: RunConfig, components: Components) -> Callable[[tuple[str, ...]], Any]:
    """Returns what knows a setting's value: the configuration or, of the task, its own default."""
    tree = config.model_dump(mode="json")

    def value(path: tuple[str, ...]) -> Any:
        found: Any = tree
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None and path[0] == "task" and len(path) == 2:
            return getattr(components.task(config.task, config.seed).config, path[1], None)
        return found

    return value


def possible(grid: Grid, config: RunConfig) -> tuple[Grid, dict[str, str]]:
    """Returns the cells that can be had, and of the others why not: a file of MAGs allows of no other discussions.

    Raises:
        ConfigError: The reference cannot be had.
    """
    if config.discussion.mags is None:
        return grid, {}
    given = deciding(talk_config(config))
    why = f"it needs other discussions than those in {', '.join(config.discussion.mag_files)}"
    left_out = {
        name: why for name, cell in grid.cells.items() if deciding(talk_config(cell.seeded(config.seed))) != given
    }
    for name, cell in grid.cells.items():
        if cell.match and cell.match.to in left_out:
            left_out[name] = f"it is evened out with {cell.match.to}, and {left_out[cell.match.to]}"
    if grid.reference in left_out:
        raise ConfigError(f"the cell {grid.reference!r}, which others are compared with: {left_out[grid.reference]}")
    return replace(grid, cells={name: cell for name, cell in grid.cells.items() if name not in left_out}), left_out


def _digest(config: RunConfig) -> str:
    seedless = deciding(config.model_copy(update={"seed": 0}))
    return fingerprint(seedless)[:8]
