"""Options that several commands share, and how they become settings of a configuration."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from magdi.core.config.shortcuts import long_form
from magdi.core.config.yaml_text import read_value
from magdi.core.errors import ConfigError

if TYPE_CHECKING:
    from magdi.core.config.models import Limits
    from magdi.plugins.setup import Setup

COMPONENTS = "Components"
LIMITS = "Limits"
PLUGINS = "Plugins"

Config = Annotated[
    list[Path] | None,
    typer.Argument(
        help="YAML files, later ones override earlier ones; .jsonl files and runs are --mags.", show_default=False
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        help="Where questions come from, e.g. gsm8k or jsonl:FILE.", rich_help_panel=COMPONENTS, show_default=False
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(help="Who speaks when, shown what; e.g. debate.", rich_help_panel=COMPONENTS, show_default=False),
]
Encoder = Annotated[
    str | None, typer.Option(help="The graph network, e.g. gcn.", rich_help_panel=COMPONENTS, show_default=False)
]
Teacher = Annotated[
    list[str] | None,
    typer.Option(
        help="[NAME=]KIND:TARGET, once for each agent; e.g. ada=openai:gpt-4o@https://host/v1.",
        rich_help_panel=COMPONENTS,
        show_default=False,
    ),
]
Student = Annotated[
    str | None,
    typer.Option(help="The small model: path, hub id or tiny.", rich_help_panel=COMPONENTS, show_default=False),
]
Data = Annotated[
    str | None,
    typer.Option(help="Local folder or file with the task's data.", rich_help_panel=COMPONENTS, show_default=False),
]
TaskArg = Annotated[
    list[str] | None,
    typer.Option("--task-arg", help="KEY=VALUE of the task.", rich_help_panel=COMPONENTS, show_default=False),
]
ProtocolArg = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol-arg", "-P", help="KEY=VALUE of the protocol.", rich_help_panel=COMPONENTS, show_default=False
    ),
]
EncoderArg = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder-arg", "-E", help="KEY=VALUE of the encoder.", rich_help_panel=COMPONENTS, show_default=False
    ),
]
ObjectiveArg = Annotated[
    list[str] | None,
    typer.Option(
        "--objective-arg",
        "-O",
        help="NAME, or NAME.KEY=VALUE, of an objective; one that the level lacks joins it.",
        rich_help_panel=COMPONENTS,
        show_default=False,
    ),
]
Decision = Annotated[
    str | None, typer.Option(help="Decision rule; the protocol's own by default.", rich_help_panel=COMPONENTS)
]
Level = Annotated[str | None, typer.Option(help="1-4, base, single-teacher:NAME or dss-mt.", show_default=False)]
Edges = Annotated[str | None, typer.Option(help="exact, adjacent, undirected, full or none.", show_default=False)]
Refresh = Annotated[
    int | None,
    typer.Option(min=1, help="Passes after which the student's own answers join the MAGs.", show_default=False),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Questions to discuss.", show_default=False)]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of everything that is drawn.", show_default=False)]
Preset = Annotated[str | None, typer.Option(help="auto, tiny, quick, paper or authors-code.", show_default=False)]
Quick = Annotated[bool, typer.Option("--quick", help="The embedded default made small: a check, not a measurement.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE of the configuration, by dotted path.", show_default=False)
]
MaxCost = Annotated[float | None, typer.Option(help="US dollars.", rich_help_panel=LIMITS, show_default=False)]
MaxCalls = Annotated[int | None, typer.Option(help="Calls of teachers.", rich_help_panel=LIMITS, show_default=False)]
MaxTokens = Annotated[int | None, typer.Option(help="Teachers' tokens.", rich_help_panel=LIMITS, show_default=False)]
MaxTime = Annotated[
    float | None, typer.Option(help="Seconds of discussion.", rich_help_panel=LIMITS, show_default=False)
]
Price = Annotated[
    str | None,
    typer.Option(
        metavar="IN,OUT",
        help="US dollars per million tokens of prompts and replies, where a teacher's price is not known.",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]
EstimateUsage = Annotated[
    bool,
    typer.Option(
        "--estimate-usage", help="Count tokens by a tokenizer where a server does not.", rich_help_panel=LIMITS
    ),
]
Mags = Annotated[
    list[str] | None,
    typer.Option(help="Learn from this MAG file or run, hold no discussions; once for each.", show_default=False),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Pass over unreadable lines of that file.")]
Cache = Annotated[
    str | None,
    typer.Option(help="Directory of replies shared between runs.", rich_help_panel=LIMITS, show_default=False),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The run's directory.", show_default=False)]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start over: throw away what the run directory holds.")]
Processes = Annotated[int, typer.Option(min=1, help="Processes that train together (DDP), one for each GPU.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Print the plan and do nothing.")]
Plugin = Annotated[
    list[str] | None,
    typer.Option("--plugin", help="FILE or MODULE to load.", rich_help_panel=PLUGINS, show_default=False),
]
PluginsDir = Annotated[
    Path | None, typer.Option(help="Load every plugin file in it.", rich_help_panel=PLUGINS, show_default=False)
]
NoPlugins = Annotated[bool, typer.Option("--no-plugins", help="Shipped components only.", rich_help_panel=PLUGINS)]
Trusted = Annotated[
    bool, typer.Option("--trust", help="Run the plugins that files name, unasked.", rich_help_panel=PLUGINS)
]


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line says of a configuration.

    Attributes:
        files: YAML files, later ones over earlier ones.
        flags: Options that were given, by the dotted path of what they set.
        sets: ``--set`` pairs, which go before everything else.
        plugins_dir: A folder of plugin files to load.
        load_plugins: Whether plugins are loaded at all.
        trusted: Whether those that files name are run unasked.
    """

    files: tuple[Path, ...]
    flags: dict[str, Any]
    sets: tuple[str, ...]
    plugins_dir: Path | None
    load_plugins: bool
    trusted: bool = False

    def set_up(self) -> Setup:
        """Loads plugins and configuration; faults of plugins are told on stderr, a line each."""
        from magdi.cli import loading
        from magdi.plugins.setup import set_up

        setup = set_up(
            self.files,
            flags=self.flags,
            sets=self.sets,
            plugins_dir=self.plugins_dir,
            load=self.load_plugins,
            trace=loading.trace,
            trust=loading.trust(given=self.trusted),
        )
        loading.watch(setup.plugins)
        for note in setup.notes:
            sys.stderr.write(f"note: {note}\n")
        return setup

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Request:
        """Reads the values of the options that `configured` adds."""
        files = [file for file in given["config"] or () if not _holds_mags(file)]
        mags = [str(file) for file in given["config"] or () if _holds_mags(file)]
        given = {**given, "mags": [*mags, *(given["mags"] or ())]}
        flags = long_form({name: given[name] for name in SETTINGS if _is_given(given[name])})
        if given["quick"]:
            flags["preset"] = "quick"
        for section in ("task", "protocol", "encoder"):
            flags |= arguments(section, given[f"{section}_arg"])
        flags |= objectives(given["objective_arg"])
        return cls(
            files=tuple(files),
            flags=flags,
            sets=tuple(given["set_"] or ()),
            plugins_dir=given["plugins_dir"],
            load_plugins=not given["no_plugins"],
            trusted=given["trust"],
        )


SHARED: dict[str, Any] = {
    "config": Config,
    "task": Task,
    "data": Data,
    "protocol": Protocol,
    "encoder": Encoder,
    "teacher": Teacher,
    "student": Student,
    "decision": Decision,
    "task_arg": TaskArg,
    "protocol_arg": ProtocolArg,
    "encoder_arg": EncoderArg,
    "objective_arg": ObjectiveArg,
    "mags": Mags,
    "skip_bad": SkipBad,
    "level": Level,
    "edges": Edges,
    "refresh": Refresh,
    "limit": Limit,
    "seed": Seed,
    "preset": Preset,
    "quick": Quick,
    "set_": Set,
    "max_cost": MaxCost,
    "max_calls": MaxCalls,
    "max_tokens": MaxTokens,
    "max_time": MaxTime,
    "price": Price,
    "estimate_usage": EstimateUsage,
    "cache": Cache,
    "plugin": Plugin,
    "plugins_dir": PluginsDir,
    "no_plugins": NoPlugins,
    "trust": Trusted,
}
SWITCHES = ("quick", "no_plugins", "skip_bad", "trust", "estimate_usage")

SETTINGS = (
    *("task", "data", "protocol", "encoder", "teacher", "student", "decision", "level", "edges", "limit", "seed"),
    *("preset", "mags", "skip_bad", "max_cost", "max_calls", "max_tokens", "max_time", "price", "estimate_usage"),
    *("cache", "plugin", "refresh"),
)


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != []


def _holds_mags(file: Path) -> bool:
    """Returns whether a file that is named among configurations holds MAGs, or a run does."""
    return file.suffix == ".jsonl" or file.is_dir()


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command every option that sets a configuration; it receives them as its first argument, a `Request`."""
    hints = get_type_hints(command, include_extras=True)
    own = list(inspect.signature(command).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, keyword, default=False if name in SWITCHES else None, annotation=option)
        for name, option in SHARED.items()
    ]
    parameters += [parameter.replace(kind=keyword, annotation=hints[parameter.name]) for parameter in own]

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        shared = {name: given.pop(name) for name in SHARED}
        command(Request.of(shared), **given)

    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapper.__wrapped__  # typer would look behind it
    return wrapper


def arguments(section: str, pairs: Sequence[str] | None) -> dict[str, Any]:
    """Returns ``-P key=value`` and the like as settings of a component, values read as YAML.

    Raises:
        ConfigError: A pair has no equals sign, or its value is no YAML.
    """
    found = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigError(f"{pair!r} is not KEY=VALUE", hint=f"e.g. --{section}-arg rounds=2")
        try:
            found[f"{section}.{key}"] = read_value(value)
        except ValueError as error:
            raise ConfigError(f"{section}.{key}: {error}") from None
    return found


def objectives(given: Sequence[str] | None) -> dict[str, Any]:
    """Returns ``-O margin.weight=0.3`` as settings of objectives, and ``-O dpo`` as one that is named.

    Raises:
        ConfigError: A key names no objective's setting, or a value is no YAML.
    """
    alone: dict[str, Any] = {f"objectives.{name}": {} for name in given or () if "=" not in name}
    pairs = [pair for pair in given or () if "=" in pair]
    if wrong := next((pair for pair in pairs if "." not in pair.partition("=")[0]), ""):
        raise ConfigError(f"{wrong!r} names no objective", hint="e.g. -O margin.weight=0.3")
    return alone | arguments("objectives", pairs)


def limits(**given: Any) -> Limits:
    """Returns the limits that options give.

    Raises:
        ConfigError: One of them is wrong.
    """
    from magdi.core.config.models import Limits
    from magdi.core.config.problems import validate

    found, problems = validate(Limits, {name: value for name, value in given.items() if value is not None}, ())
    if found is None:
        raise ConfigError("\n".join(map(str, problems)))
    return found


def component(section: str, pairs: Sequence[str] | None, **given: Any) -> dict[str, Any]:
    """Returns the settings of a component that ``pairs`` (see `arguments`) and options of their own give.

    Raises:
        ConfigError: A pair has no equals sign, or its value is no YAML.
    """
    found = {key.partition(".")[2]: value for key, value in arguments(section, pairs).items()}
    return found | {key: value for key, value in given.items() if value is not None}
