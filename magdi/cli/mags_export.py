"""`magdi mags export`: MAGs for other tools, and what they teach for other trainers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from magdi.cli import options as opt
from magdi.cli.mags_sources import sources
from magdi.cli.output import check_out, progress_console, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from magdi.core.distill.lessons import Lessons
    from magdi.core.errors import MagFileError

LESSONS = "What is taught (--to sft, dpo, kto, prm)"

Role = Annotated[
    str | None, typer.Option(help="Turns of this role alone.", rich_help_panel=LESSONS, show_default=False)
]
Prompt = Annotated[
    str, typer.Option(help="role: what each turn was asked; question: the question.", rich_help_panel=LESSONS)
]
Labels = Annotated[
    str, typer.Option(help="As recorded, or from values: threshold or interval.", rich_help_panel=LESSONS)
]
Theta = Annotated[float, typer.Option(min=0, max=1, help="Right above it (threshold).", rich_help_panel=LESSONS)]
Gap = Annotated[float, typer.Option(min=0, max=1, help="Least difference (interval).", rich_help_panel=LESSONS)]
Balance = Annotated[
    bool,
    typer.Option("--balance", help="As many rows of every role, as many right as wrong.", rich_help_panel=LESSONS),
]


def export(
    files: Annotated[list[Path], typer.Argument(help="MAG files or run directories.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File or folder to write.")],
    to: Annotated[
        str, typer.Option(help="graphml, node-link, pyg, parquet, dataset, magdi; sft, dpo, kto or prm.")
    ] = "dataset",
    view: Annotated[str, typer.Option(help="exact, adjacent, undirected, full or none.")] = "exact",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Pass over what cannot be read, and say what.")] = False,
    role: Role = None,
    prompt: Prompt = "role",
    labels: Labels = "recorded",
    theta: Theta = 0.5,
    gap: Gap = 0.5,
    balance: Balance = False,
    protocol: Annotated[
        str | None,
        typer.Option(help="How the discussions were held.", rich_help_panel=LESSONS, show_default=False),
    ] = None,
    protocol_arg: opt.ProtocolArg = None,
    seed: opt.Seed = None,
    json: opt.Json = False,
    plugin: opt.Plugin = None,
    trust: opt.Trusted = False,
) -> None:
    """Write MAGs for other tools (networkx, torch_geometric, Parquet, the hub), or what they teach for TRL's trainers.

    A turn's prompt is the one that was kept, or the one that its protocol makes: of a run directory as it was run,
    else as --protocol says. --prompt question takes the question for all.
    """
    from magdi.core.corpus.files import at_least_one, read_all
    from magdi.core.errors import ConfigError, did_you_mean
    from magdi.core.files import writing
    from magdi.plugins.formats.exporters import EXPORTS, lessons

    if to not in EXPORTS and to not in lessons.FORMATS:
        raise ConfigError(f"no export format {to!r}", hint=did_you_mean(to, [*EXPORTS, *lessons.FORMATS]))
    check_out(out, folder=to in EXPORTS and EXPORTS[to].folder)
    bad: list[MagFileError] = []
    paths = sources(files)
    mags = at_least_one(read_all(paths, bad if skip_bad else None), paths, bad)
    document: dict[str, Any] = {"out": str(out), "format": to}
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        if to in EXPORTS:
            document["mags"] = EXPORTS[to].write(mags, out, known_view(view))
            said = f"{document['mags']} MAGs written to {out} ({EXPORTS[to].summary})"
        else:
            credit = {"labels": labels, "theta": theta, "gap": gap}
            training = {"role": role, "prompt": prompt, "credit": credit}
            held = {"name": protocol, **opt.component("protocol", protocol_arg)} if protocol else {}
            taught = _lessons(paths, training, held, plugin, trust)
            rows = lessons.write_lessons(mags, out, to, taught, balance=balance, seed=seed or 0)
            document |= {"rows": rows.total(), "by_role": dict(rows)}
            listed = "; ".join(f"{group}: {count:,}" for group, count in rows.items())
            said = f"{rows.total():,} rows written to {out} ({lessons.FORMATS[to][1]})\n{listed}"
    tell(bad)
    show(document | {"skipped": len(bad)}, as_json=json, render=lambda: said)


def _lessons(
    paths: Sequence[Path],
    training: Mapping[str, Any],
    protocol: Mapping[str, Any],
    plugin: list[str] | None,
    trust: bool,
) -> Lessons:
    from magdi.cli import loading
    from magdi.core.config.models import RunConfig
    from magdi.core.config.problems import validate
    from magdi.core.errors import ConfigError
    from magdi.core.run.roles import lessons

    registry = loading.load(plugin, runs=[path.parent for path in paths], trusted=trust).registry
    given = {"discussion": {"mags": [*map(str, paths)]}, "training": training}
    config, problems = validate(RunConfig, given | ({"protocol": protocol} if protocol else {}))
    if config is None:
        raise ConfigError("\n".join(map(str, problems)))
    return lessons(config, config.training, registry)


def known_view(name: str) -> Any:
    """Returns the name of an edge view.

    Raises:
        ConfigError: There is no such view.
    """
    from magdi.core.errors import ConfigError, did_you_mean
    from magdi.core.views import VIEWS

    if name not in VIEWS:
        raise ConfigError(f"no edge view {name!r}", hint=did_you_mean(name, VIEWS))
    return name


def tell(bad: Sequence[MagFileError]) -> None:
    """Says on stderr what was passed over."""
    for error in bad:
        progress_console().print(f"skipped {error.message}", markup=False, soft_wrap=True)
