"""`magdi runs`: which runs there are, what one came to, what is different between two."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.core.errors import DataError

app = typer.Typer(help="List runs, show one, compare two.", no_args_is_help=True)

Run = Annotated[Path, typer.Argument(help="A run's directory.", show_default=False, autocompletion=propose.runs)]
Newest = Annotated[
    Path | None,
    typer.Argument(help="A run's directory.", show_default="the newest in ./runs", autocompletion=propose.runs),
]


@app.command("list")
def list_(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = Path("runs"),
    all_: Annotated[bool, typer.Option("--all", "-a", help="Runs within suites as well.")] = False,
    json: opt.Json = False,
) -> None:
    """List the runs below a folder, the newest first."""
    from magdi.cli.output import show
    from magdi.cli.runs_tables import list_table
    from magdi.plugins.runs.finding import listed

    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder", hint="magdi run makes one")
    document = listed(folder, all_=all_)
    show(document, as_json=json, render=lambda: list_table(document))


@app.command("show")
def show_(run: Newest = None, json: opt.Json = False) -> None:
    """Show what a run was told and what it came to."""
    from magdi.cli.newest import newest
    from magdi.cli.output import show
    from magdi.cli.runs_tables import show_table
    from magdi.plugins.runs.finding import open_run, shown

    document = shown(open_run(run or newest()))
    show(document, as_json=json, render=lambda: show_table(document))


@app.command()
def compare(first: Run, second: Newest = None, json: opt.Json = False) -> None:
    """Compare two runs: settings that differ, and accuracy on the same questions, second less first."""
    from magdi.cli.newest import newest
    from magdi.cli.output import show
    from magdi.cli.runs_tables import compare_table
    from magdi.plugins.runs.finding import compare as compare_runs
    from magdi.plugins.runs.finding import open_run

    document = compare_runs(open_run(first), open_run(second or newest()))
    show(document, as_json=json, render=lambda: compare_table(document))
