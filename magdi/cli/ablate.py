"""`magdi ablate`: a suite of runs with one table at the end; the same command again resumes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.cli import place
from magdi.core.errors import SOME_FAILED, ConfigError
from magdi.plugins.suites.executors.resources import On, Resources

if TYPE_CHECKING:
    from magdi.plugins.suite_setup import SuiteSetup
    from magdi.plugins.suites.document import SuiteDocument

SHAPE = "Output"
AT_ONCE = min(2, os.cpu_count() or 1)


SuiteName = Annotated[
    str | None,
    typer.Argument(
        metavar="SUITE", help="A suite's name or a YAML grid; without it, all names.", autocompletion=propose.suites
    ),
]
Config = Annotated[
    list[Path] | None,
    typer.Option("--config", "-c", help="YAML file of configuration, for all cells.", show_default=False),
]
Seeds = Annotated[int | None, typer.Option(min=1, help="How many seeds.", show_default="5; 2 with --quick")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Runs at once.", show_default=f"{AT_ONCE}; on a cluster no limit"),
]
Only = Annotated[
    list[str] | None,
    typer.Option(help="KEY=VALUE: only such cells, e.g. encoder=gcn; * stands for anything.", show_default=False),
]
Equal = Annotated[
    Literal["steps", "tokens", "calls"] | None,
    typer.Option(help="Even cells out, to show what a confound does.", show_default="as the suite says"),
]
Instrument = Annotated[
    str | None,
    typer.Option(help="The embedded task to run on: arithmetic, order or bugs.", show_default="as the suite says"),
]
Tasks = Annotated[
    str | None,
    typer.Option(
        help="Run it on each of these tasks (A,B,...; all: the paper's five) and print their mean.", show_default=False
    ),
]
Rescore = Annotated[bool, typer.Option("--rescore", help="Read and grade kept answers anew; run nothing.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Throw away the cells' runs; discussions are kept.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.", rich_help_panel=SHAPE)]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.", rich_help_panel=SHAPE)]
Latex = Annotated[bool, typer.Option("--latex", help="Print a LaTeX table (booktabs).", rich_help_panel=SHAPE)]
Quick = Annotated[bool, typer.Option("--quick", help="All of it made small: a check, too small to conclude from.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The suite's directory.", show_default=False)]


@opt.grouped
def ablate(
    suite: SuiteName = None,
    *,
    config: Config = None,
    seeds: Seeds = None,
    jobs: Jobs = None,
    only: Only = None,
    equal: Equal = None,
    instrument: Instrument = None,
    tasks: Tasks = None,
    quick: Quick = False,
    rescore: Rescore = False,
    where: place.Place,
    dry_run: opt.DryRun = False,
    json: opt.Json = False,
    csv: Csv = False,
    markdown: Markdown = False,
    latex: Latex = False,
    seed: opt.Seed = None,
    task: opt.Task = None,
    data: opt.Data = None,
    protocol: opt.Protocol = None,
    encoder: opt.Encoder = None,
    teacher: opt.Teacher = None,
    student: opt.Student = None,
    mags: opt.Mags = None,
    limit: opt.Limit = None,
    set_: opt.Set = None,
    out: Out = None,
    fresh: Fresh = False,
    plugins: opt.RunPlugins,
    quiet: opt.Quiet = False,
) -> None:
    """Run every cell of a grid with several seeds, compare them in pairs, and print one table.

    Cells share discussions, and whatever else they can; the same command goes on where it was stopped.

    Files and options are the configuration of all cells; what a cell varies goes before them. Exit code 1: one failed.
    """
    from rich.console import Group

    from magdi.cli import loading, output
    from magdi.cli.suite_tables import plan_table, suite_names, suite_tables

    if suite is None:
        names = _names()
        output.show({"suites": names}, as_json=json, render=lambda: suite_names(names))
        return
    written = _format(csv=csv, markdown=markdown, latex=latex, json=json)
    given = {"seed": seed, "task": task, "data": data, "protocol": protocol, "encoder": encoder, "teacher": teacher}
    given |= {"student": student, "mags": mags, "limit": limit, "plugin": plugins.plugin}
    on, resources = where.on, where.resources(jobs or (AT_ONCE if where.on == "local" else None))
    options: dict[str, object] = {
        "seeds": seeds,
        "only": tuple(only or ()),
        "equal": equal,
        "instrument": instrument,
        "quick": quick,
        "sets": tuple(set_ or ()),
        "plugins_dir": plugins.plugins_dir,
        "load": not plugins.no_plugins,
        "trust": loading.trust(given=plugins.trust),
    }
    setups = {
        name: _set_up(suite, config or [], each, out=folder, **options)
        for name, each, folder in _by_task(given, tasks, out)
    }
    if dry_run:
        plans = {name: setup.suite.plan(on, resources) for name, setup in setups.items()}
        plan = plans.get("") or {"tasks": plans}
        output.show(plan, as_json=json, render=lambda: Group(*map(plan_table, plans.values())))
        return
    documents = {
        name: setup.suite.outcome(again=True) if rescore else _run(setup, on, resources, fresh=fresh, quiet=quiet)
        for name, setup in setups.items()
    }
    document = _one(documents)
    if written is not None:
        from magdi.cli.visible import visible
        from magdi.plugins.suites.formats import FORMATS
        from magdi.plugins.suites.sheet import not_done

        sys.stdout.write(visible(FORMATS[written](document)))
        for line in not_done(document):  # a table alone does not say why a row is missing
            output.warn(line)
    else:
        output.show(document, as_json=json, render=lambda: suite_tables(document))
    _exit(document)


def _by_task(
    given: Mapping[str, object], tasks: str | None, out: Path | None
) -> list[tuple[str, Mapping[str, object], Path | None]]:
    """Returns by task what is given and where the suite goes; once, under no name, where no tasks are named.

    Raises:
        ConfigError: A task is named beside them, or none is.
    """
    if tasks is None:
        return [("", given, out)]
    from magdi.plugins.suites.across import named

    if given["task"] is not None:
        raise ConfigError(f"--tasks {tasks} and --task {given['task']} cannot be had at once", hint="leave one out")
    if not (names := named(tasks)):
        raise ConfigError(f"--tasks {tasks!r} names none", hint="e.g. --tasks gsm8k,math, or all")
    return [(name, {**given, "task": name}, out and out / name.replace(":", "-")) for name in names]


def _one(documents: dict[str, SuiteDocument]) -> SuiteDocument:
    """Returns the document of one suite, or the mean of several tasks'."""
    from magdi.plugins.suites.across import across

    return documents[""] if "" in documents else across(documents)


def _format(**asked: bool) -> str | None:
    """Returns the format that was asked for, None for a table on the terminal or JSON.

    Raises:
        ConfigError: Two were.
    """
    named = [name for name, wanted in asked.items() if wanted]
    if len(named) > 1:
        raise ConfigError(f"--{named[0]} and --{named[1]} cannot be had at once", hint="run it again for the other")
    return named[0] if named and named[0] != "json" else None


def _set_up(suite: str, files: list[Path], given: Mapping[str, object], **options: Any) -> SuiteSetup:
    from magdi.cli import loading
    from magdi.plugins.given import long_form
    from magdi.plugins.runs.finding import RUNS
    from magdi.plugins.suite_setup import set_up_suite

    flags = long_form({name: value for name, value in given.items() if value is not None and value != []})
    setup = set_up_suite(suite, files, folder=RUNS, flags=flags, trace=loading.trace, **options)
    loading.watch(setup.plugins)
    opt.tell_notes(setup.notes)
    return setup


def _run(setup: SuiteSetup, on: On, resources: Resources, *, fresh: bool, quiet: bool) -> SuiteDocument:
    from magdi.api import go_ablate
    from magdi.cli.output import TerminalProgress

    progress = TerminalProgress(quiet=quiet)
    try:
        return go_ablate(setup, on=on, resources=resources, fresh=fresh, progress=progress)
    finally:
        progress.close()


def _names() -> list[dict[str, str]]:
    from magdi.plugins.suites.file import read_suite, shipped

    found = {name: read_suite(path) for name, path in shipped().items()}
    return [
        {"name": name, "title": file.title, "asks": file.asks or file.title, "repeats": file.repeats}
        for name, file in found.items()
    ]


def _exit(document: SuiteDocument) -> None:
    """Ends the command with 3 where a limit stopped something, 1 where a cell failed, 4 where discussions did."""
    kinds = {failure["kind"] for failure in document["failures"]}
    if kinds:
        raise typer.Exit(3 if kinds == {"stopped"} else 1)
    if document.get("failed"):
        raise typer.Exit(SOME_FAILED)
