"""`magdi config`: what a run would be told, where each value comes from, and whether it can be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import options as opt
from magdi.cli.output import say, show
from magdi.core.config.shortcuts import flatten
from magdi.core.config.yaml_text import write_value
from magdi.core.errors import ComponentError, ConfigError
from magdi.plugins.component import Kind

if TYPE_CHECKING:
    from pydantic import BaseModel

    from magdi.core.config.models import ComponentChoice
    from magdi.plugins.registry import Registry
    from magdi.plugins.setup import Setup

app = typer.Typer(help="Look at configurations and check them.", no_args_is_help=True)

Origin = Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")]


@app.command("show")
@opt.grouped
def show_(request: opt.Request, origin: Origin = False, json: opt.Json = False) -> None:
    """Show the whole configuration that the files and options given make."""
    from rich.text import Text

    from magdi.cli.component_tables import origin_table
    from magdi.core.run.directory import shown

    setup = request.set_up()
    _say_of_runs(setup.config.discussion.mag_files)
    config = shown(setup.config)
    if json:
        show({"config": config, "origins": dict(setup.origins)}, as_json=True, render=lambda: "")
    elif origin:
        show({}, as_json=False, render=lambda: origin_table(_rows(setup)))
    else:
        show({}, as_json=False, render=lambda: Text(_yaml(config).rstrip()))


def _say_of_runs(mags: Iterable[str]) -> None:
    """Says where the configuration of a run is that is taken as MAGs to learn from."""
    from magdi.core.run.directory import RunDirectory

    for run in map(RunDirectory, map(Path, mags)):
        if (own := run.path / run.CONFIG).is_file():
            said = f"this learns from the MAGs of {run.path}; what that run was told: magdi config show {own}"
            say(said)


@app.command()
@opt.grouped
def validate(request: opt.Request, json: opt.Json = False) -> None:
    """Check files and options; all problems at once, exit code 2 where there are any."""
    problems: tuple[str, ...] = ()
    try:
        request.set_up()
    except ConfigError as error:
        if not json:
            raise
        problems = error.problems or (error.message,)
    document = {"valid": not problems, "problems": problems}
    show(document, as_json=json, render=lambda: "the configuration is valid")
    raise typer.Exit(2 if problems else 0)


@app.command()
@opt.grouped
def schema(plugins: opt.Plugins) -> None:
    """Print the JSON Schema of configuration files, settings of all components included."""
    from magdi.plugins.config_schema import json_schema

    show(json_schema(dict(_settings(plugins.load().registry))), as_json=True, render=lambda: "")


def _settings(registry: Registry) -> Iterator[tuple[str, dict[str, type[BaseModel]]]]:
    """Yields the settings' models of all components that can be loaded here."""
    kinds: tuple[Kind, ...] = ("protocol", "encoder", "task", "objective")
    for kind in kinds:
        models = {}
        for each in registry.listing(kind):
            try:
                model = registry.config_of(kind, each.address)
            except ComponentError:
                continue  # an extra is not installed: its settings are not checked
            models[each.component.name if registry.is_plain(each) else each.address] = model
        yield kind, models


def _rows(setup: Setup) -> Iterator[tuple[str, str, str]]:
    """Yields (path, value, origin), settings that only the component's defaults fill in included."""
    from magdi.core.run.directory import shown
    from magdi.plugins.objectives.levels import find_level

    config = shown(setup.config)
    for path, value in flatten(config).items():
        yield path, write_value(value), setup.origins.get(path, "default")
    for kind, path, choice in _choices(setup):
        settings = setup.plugins.registry.chosen_settings(kind, choice, setup.config.seed).model_dump(mode="json")
        for name, value in flatten(settings).items():
            origin = "the run's seed" if name == "seed" else f"default of {choice.name}"
            if name in choice.settings and kind == "objective":
                origin = str(find_level(setup.config.training.level))
            if f"{path}.{name}" not in setup.origins:
                yield f"{path}.{name}", write_value(value), origin


def _choices(setup: Setup) -> Iterator[tuple[Kind, str, ComponentChoice]]:
    """Yields kind, path and choice of all components but teachers."""
    from magdi.plugins.objectives.levels import objectives_of

    config = setup.config
    yield from (("task", "task", config.task), ("protocol", "protocol", config.protocol))
    yield "encoder", "encoder", config.encoder
    if config.discussion.decision is not None:
        yield "decision", "discussion.decision", config.discussion.decision
    yield from (("objective", f"objectives.{name}", choice) for name, choice in objectives_of(config).items())


def _yaml(config: Mapping[str, object]) -> str:
    import yaml

    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
