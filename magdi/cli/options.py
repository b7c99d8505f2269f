"""Options that several commands share, and how they become settings of a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from magdi.core.errors import ConfigError

COMPONENTS = "Components"
LIMITS = "Limits"
PLUGINS = "Plugins"

Config = Annotated[
    list[Path] | None, typer.Argument(help="YAML files; later ones override earlier ones.", show_default=False)
]
Task = Annotated[
    str | None, typer.Option(help="Where questions come from.", rich_help_panel=COMPONENTS, show_default=False)
]
Protocol = Annotated[
    str | None, typer.Option(help="Who speaks when, shown what.", rich_help_panel=COMPONENTS, show_default=False)
]
Encoder = Annotated[str | None, typer.Option(help="The graph network.", rich_help_panel=COMPONENTS, show_default=False)]
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
Decision = Annotated[
    str | None, typer.Option(help="Decision rule; the protocol's own by default.", rich_help_panel=COMPONENTS)
]
Level = Annotated[str | None, typer.Option(help="1-4, single-teacher:NAME or dss-mt.", show_default=False)]
Edges = Annotated[str | None, typer.Option(help="exact, adjacent, undirected, full or none.", show_default=False)]
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
Cache = Annotated[
    Path | None,
    typer.Option(help="Directory of replies shared between runs.", rich_help_panel=LIMITS, show_default=False),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The run's directory.", show_default=False)]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start over: throw away what the run directory holds.")]
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


def settings(**values: Any) -> dict[str, Any]:
    """Returns the options that were given, by the dotted path of what they set."""
    return {PATHS[name]: value for name, value in values.items() if value is not None and value != []}


PATHS = {
    "task": "task.name",
    "protocol": "protocol.name",
    "encoder": "encoder.name",
    "teacher": "teachers",
    "student": "student.model",
    "decision": "discussion.decision.name",
    "level": "training.level",
    "edges": "training.edges",
    "limit": "discussion.questions",
    "seed": "seed",
    "preset": "preset",
    "max_cost": "discussion.max_cost",
    "max_calls": "discussion.max_calls",
    "max_tokens": "discussion.max_tokens",
    "max_time": "discussion.max_time",
    "cache": "discussion.cache",
    "plugin": "plugins",
}


def arguments(section: str, pairs: Sequence[str] | None) -> dict[str, Any]:
    """Returns ``-P key=value`` and the like as settings of a component, values read as YAML.

    Raises:
        ConfigError: A pair has no equals sign.
    """
    found = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigError(f"{pair!r} is not KEY=VALUE", hint=f"e.g. --{section}-arg rounds=2")
        found[f"{section}.{key}"] = yaml.safe_load(value)
    return found
