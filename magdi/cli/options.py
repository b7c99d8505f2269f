"""Options that several commands share, and how they become settings of a configuration."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_origin, get_type_hints

import typer

from magdi.cli import completing as propose
from magdi.cli.mags_sources import holds_mags
from magdi.core.config.shortcuts import SHORTCUTS
from magdi.core.config.yaml_text import QUOTING, read_value
from magdi.core.errors import ConfigError

if TYPE_CHECKING:
    from magdi.core.config.models import Limits
    from magdi.plugins.manager import Plugins as Loaded
    from magdi.plugins.registry import Registry
    from magdi.plugins.setup import Setup


def _option(panel: str | None, help: str, *names: str, **more: Any) -> Any:
    """Returns an option of a panel; defaults are not shown, for they are the configuration's."""
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False, **more)


_component, _limit, _plugin = (partial(_option, panel) for panel in ("Components", "Limits", "Plugins"))
_setting = partial(_option, None)

Text: TypeAlias = str | None
Texts: TypeAlias = list[str] | None
Number: TypeAlias = int | None
Amount: TypeAlias = float | None

ONE_OF_FILES = "YAML files, later ones override earlier ones; .jsonl and .parquet files, URLs and runs are --mags."
OF_TEACHER = "[NAME=]KIND:TARGET, once for each agent; e.g. ada=openai:gpt-4o@https://host/v1."
OF_OBJECTIVE = "NAME, or NAME.KEY=VALUE, of an objective; one that the level lacks joins it."
OF_PRICE = "US dollars per million tokens of prompts and replies, where a teacher's price is not known."

Config = Annotated[list[str] | None, typer.Argument(help=ONE_OF_FILES, show_default=False)]
Task = Annotated[
    Text, _component("Where questions come from, e.g. gsm8k or jsonl:FILE.", autocompletion=propose.components("task"))
]
Protocol = Annotated[
    Text, _component("Who speaks when, shown what; e.g. debate.", autocompletion=propose.components("protocol"))
]
Encoder = Annotated[Text, _component("The graph network, e.g. gcn.", autocompletion=propose.components("encoder"))]
Teacher = Annotated[Texts, _component(OF_TEACHER, autocompletion=propose.components("teacher", ":"))]
Student = Annotated[Text, _component("The small model: path, hub id or tiny.")]
Data = Annotated[Text, _component("Local folder or file with the task's data.")]
TaskArg = Annotated[Texts, _component("KEY=VALUE of the task.", "--task-arg")]
ProtocolArg = Annotated[Texts, _component("KEY=VALUE of the protocol.", "--protocol-arg", "-P")]
EncoderArg = Annotated[Texts, _component("KEY=VALUE of the encoder.", "--encoder-arg", "-E")]
ObjectiveArg = Annotated[
    Texts, _component(OF_OBJECTIVE, "--objective-arg", "-O", autocompletion=propose.components("objective"))
]
Decision = Annotated[
    Text, _component("Decision rule; the protocol's own by default.", autocompletion=propose.components("decision"))
]
Level = Annotated[Text, _setting("1-4, base, single-teacher:NAME or dss-mt.", autocompletion=propose.levels)]
Method = Annotated[Text, _setting("magdi: one student; malt: an adapter for each role.")]
Edges = Annotated[Text, _setting("exact, adjacent, undirected, full or none.", autocompletion=propose.views)]
Refresh = Annotated[Number, _setting("Passes after which the student's own answers join the MAGs.", min=1)]
Limit = Annotated[Number, _setting("Questions to discuss.", min=1)]
Shard = Annotated[
    Text, _setting("I/N: every N-th question from the I-th on, as one of N jobs that share them.", metavar="I/N")
]
Shards = Annotated[int, typer.Option(min=1, help="Do it in N jobs that share the questions, and merge what they did.")]
Seed = Annotated[Number, _setting("Seed of everything that is drawn.", min=0)]
Preset = Annotated[Text, _setting("auto, tiny, quick, paper or authors-code.", autocompletion=propose.presets)]
Quick = Annotated[
    bool,
    _setting(
        "Fewer steps (250) and test questions (500) than the embedded default, as many discussions (1,000).",
        "--quick",
    ),
]
Set = Annotated[
    Texts, _setting("KEY=VALUE of the configuration, by dotted path.", "--set", autocompletion=propose.settings)
]
MaxCost = Annotated[Amount, _limit("US dollars.")]
MaxCalls = Annotated[Number, _limit("Calls of teachers.")]
MaxTokens = Annotated[Number, _limit("Teachers' tokens.")]
MaxTime = Annotated[Amount, _limit("Seconds of discussion.")]
Price = Annotated[Text, _limit(OF_PRICE, metavar="IN,OUT")]
EstimateUsage = Annotated[bool, _limit("Count tokens by a tokenizer where a server does not.", "--estimate-usage")]
Mags = Annotated[
    Texts,
    _setting(
        "Learn from this MAG file, run, pattern or URL, hold no discussions; once for each.",
        autocompletion=propose.runs,
    ),
]
SkipBad = Annotated[bool, _setting("Pass over unreadable lines of that file.", "--skip-bad")]
Cache = Annotated[Text, _limit("Directory of replies shared between runs.")]
Out = Annotated[Path | None, _setting("The run's directory.", "--out", "-o")]
Fresh = Annotated[bool, _setting("Start over: throw away what the run directory holds.", "--fresh")]
RoundsOfTraining = Annotated[
    int, typer.Option(min=1, help="Do it N times, each with the roles that the last one trained (--method malt).")
]
Json = Annotated[bool, _setting("Print one JSON document.", "--json")]
Quiet = Annotated[bool, _setting("No progress on stderr.", "--quiet", "-q")]
Otel = Annotated[bool, _setting("Send discussions as spans, as OTEL_EXPORTER_OTLP_* variables do.", "--otel")]
DryRun = Annotated[bool, _setting("Print the plan and do nothing.", "--dry-run", "-n")]
ReportTo = Annotated[
    Texts, _setting("Tracker that follows the run (tensorboard, wandb, mlflow, trackio); once for each.", "--report-to")
]
Push = Annotated[Text, _setting("Upload it to the Hugging Face hub, as NAME or OWNER/NAME.", "--push")]
Private = Annotated[bool | None, _setting("Who sees it there; new ones are private.", "--private/--public")]
Licence = Annotated[str, _setting("What its card says, as the hub names licences, e.g. mit.")]
Plugin = Annotated[Texts, _plugin("FILE or MODULE to load.", "--plugin")]
PluginsDir = Annotated[Path | None, _plugin("Load every plugin file in it.")]
NoPlugins = Annotated[bool, _plugin("Shipped components only.", "--no-plugins")]
Trusted = Annotated[bool, _plugin("Run the plugins that files name, unasked.", "--trust")]


@dataclass(frozen=True)
class Plugins:
    """Which plugins a command loads."""

    plugin: Plugin = None
    plugins_dir: PluginsDir = None
    no_plugins: NoPlugins = False

    def load(self, *, warn: bool = True, lenient: bool = False) -> Loaded:
        """Returns them; see `magdi.cli.loading.load`."""
        from magdi.cli import loading

        return loading.load(self.plugin, self.plugins_dir, enabled=not self.no_plugins, warn=warn, lenient=lenient)


@dataclass(frozen=True)
class RunPlugins(Plugins):
    """The same of a command that reads runs, and whether the plugins that these were made with are run unasked."""

    trust: Trusted = False

    def components(self, runs: Iterable[Path | str], *, models: bool = False) -> Registry:
        """Returns the components of plugins and of runs; with ``models`` the runs' students are to be loaded."""
        from magdi.cli import loading

        enabled = not self.no_plugins
        loaded = loading.load(
            self.plugin, self.plugins_dir, enabled=enabled, runs=runs, trusted=self.trust, models=models
        )
        return loaded.registry


@dataclass(frozen=True)
class Bounds:
    """What asking may take."""

    max_cost: MaxCost = None
    max_calls: MaxCalls = None
    max_tokens: MaxTokens = None
    max_time: MaxTime = None
    price: Price = None
    estimate_usage: EstimateUsage = False

    def limits(self) -> Limits:
        """Returns them as part of a configuration.

        Raises:
            ConfigError: One of them is wrong.
        """
        from magdi.core.config.models import Limits
        from magdi.core.config.problems import validate

        found, problems = validate(Limits, {name: value for name, value in vars(self).items() if value is not None}, ())
        if found is None:
            raise ConfigError("\n".join(map(str, problems)))
        return found


@dataclass(frozen=True)
class Request:
    """What the command line says of a configuration.

    Attributes:
        more: What a command has to add to it, by the dotted path of what it sets.
    """

    config: Config = None
    task: Task = None
    data: Data = None
    protocol: Protocol = None
    encoder: Encoder = None
    teacher: Teacher = None
    student: Student = None
    decision: Decision = None
    task_arg: TaskArg = None
    protocol_arg: ProtocolArg = None
    encoder_arg: EncoderArg = None
    objective_arg: ObjectiveArg = None
    mags: Mags = None
    skip_bad: SkipBad = False
    level: Level = None
    method: Method = None
    edges: Edges = None
    refresh: Refresh = None
    limit: Limit = None
    seed: Seed = None
    preset: Preset = None
    quick: Quick = False
    set_: Set = None
    bounds: Bounds = Bounds()
    cache: Cache = None
    report_to: ReportTo = None
    plugins: RunPlugins = RunPlugins()
    more: Mapping[str, object] = field(default_factory=dict)

    def set_up(self) -> Setup:
        """Loads plugins and configuration; faults of plugins are told on stderr, a line each."""
        from magdi.cli import loading
        from magdi.plugins.setup import set_up

        setup = set_up(
            [Path(file) for file in self.config or () if not holds_mags(file)],
            flags=self._flags(),
            sets=tuple(self.set_ or ()),
            plugins_dir=self.plugins.plugins_dir,
            load=not self.plugins.no_plugins,
            trace=loading.trace,
            trust=loading.trust(given=self.plugins.trust),
        )
        loading.watch(setup.plugins)
        tell_notes(setup.notes)
        return setup

    def _flags(self) -> dict[str, object]:
        """Returns what options say, by the dotted path of what they set."""
        from magdi.plugins.given import long_form

        mags = [*filter(holds_mags, self.config or ()), *(self.mags or ())]
        given = {
            **vars(self),
            **vars(self.bounds),
            **vars(self.plugins),
            "mags": mags,
            "preset": "quick" if self.quick else self.preset,
        }
        flags = long_form({name: given[name] for name in (*SHORTCUTS, *WHOLE) if _is_given(given[name])})
        sections = {"task": self.task_arg, "protocol": self.protocol_arg, "encoder": self.encoder_arg}
        for section, pairs in sections.items():
            flags |= arguments(section, pairs)
        return {**flags, **objectives(self.objective_arg), **self.more}


WHOLE = ("task", "protocol", "encoder", "seed", "preset")
"""Options of the name that the setting has; `SHORTCUTS` has the others."""


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != []


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of every group that it takes: a dataclass whose fields are options, or groups."""
    parameters = list(_options(command))

    @functools.wraps(command)
    def wrapper(**given: Any) -> None:
        command(**_made(command, given))

    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapper.__wrapped__  # typer would look behind it
    return wrapper


def _options(taker: Callable[..., Any]) -> Iterator[inspect.Parameter]:
    """Yields the options of a command or a group, those of groups in their place."""
    for parameter in _taken(taker):
        kind: type = parameter.annotation
        if is_dataclass(kind):
            yield from _options(kind)
        elif not is_dataclass(taker) or get_origin(kind) is Annotated:
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)


def _made(taker: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a command or a group, with its groups made from the options given."""
    made: dict[str, Any] = {each.name: given[each.name] for each in _taken(taker) if each.name in given}
    groups = [each for each in _taken(taker) if is_dataclass(each.annotation)]
    return made | {each.name: each.annotation(**_made(each.annotation, given)) for each in groups}


@functools.cache
def _taken(taker: Callable[..., Any]) -> list[inspect.Parameter]:
    """Returns the parameters of a command or a group, with their types' metadata."""
    kinds = get_type_hints(taker, include_extras=True)
    return [each.replace(annotation=kinds[each.name]) for each in inspect.signature(taker).parameters.values()]


def tell_notes(notes: Iterable[str]) -> None:
    """Prints what configurations were read with."""
    for note in notes:
        sys.stderr.write(f"note: {note}\n")


def arguments(section: str, pairs: Sequence[str] | None) -> dict[str, object]:
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
            said = str(error).removesuffix(f"; {QUOTING}")
            raise ConfigError(f"{section}.{key}: {said}", hint=QUOTING) from None
    return found


def objectives(given: Sequence[str] | None) -> dict[str, object]:
    """Returns ``-O margin.weight=0.3`` as settings of objectives, and ``-O dpo`` as one that is named.

    Raises:
        ConfigError: A key names no objective's setting, or a value is no YAML.
    """
    alone: dict[str, object] = {f"objectives.{name}": {} for name in given or () if "=" not in name}
    pairs = [pair for pair in given or () if "=" in pair]
    if wrong := next((pair for pair in pairs if "." not in pair.partition("=")[0]), ""):
        raise ConfigError(f"{wrong!r} names no objective", hint="e.g. -O margin.weight=0.3")
    return alone | arguments("objectives", pairs)


def component(section: str, pairs: Sequence[str] | None, **given: Any) -> dict[str, object]:
    """Returns the settings of a component that ``pairs`` (see `arguments`) and options of their own give.

    Raises:
        ConfigError: A pair has no equals sign, or its value is no YAML.
    """
    found = {key.partition(".")[2]: value for key, value in arguments(section, pairs).items()}
    return found | {key: value for key, value in given.items() if value is not None}
