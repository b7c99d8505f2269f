"""`magdi view`: a run, several, a suite or a MAG file as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt


def view(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A run's or suite's directory, or a MAG file; several runs are compared.",
            show_default="the newest in ./runs",
            autocompletion=propose.runs,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The HTML file.",
            show_default="report.html in the directory, or FILE.html, or compared.html",
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    json: opt.Json = False,
    plugin: opt.Plugin = None,
    plugins_dir: opt.PluginsDir = None,
    no_plugins: opt.NoPlugins = False,
    trust: opt.Trusted = False,
) -> None:
    """Write one HTML file that shows a run, several, a suite or a MAG file; it needs no server and no network."""
    from rich.text import Text

    from magdi.cli import loading
    from magdi.cli.output import show
    from magdi.plugins.report import data

    sources = sources or [_newest()]
    components = loading.load(plugin, plugins_dir, enabled=not no_plugins, runs=sources, trusted=trust).registry
    if len(sources) > 1:
        page = data.view_several(sources, out, components=components).resolve()
    else:
        page = data.view(sources[0], out, components=components).resolve()
    if open_:
        import webbrowser

        webbrowser.open(page.as_uri())
    document = {"page": str(page), "bytes": page.stat().st_size}
    show(document, as_json=json, render=lambda: Text(str(page)))


def _newest() -> Path:
    """Returns the newest run in ./runs or, where that is a suite's, the suite; says on stderr which."""
    from magdi.cli.newest import say
    from magdi.plugins.runs.finding import newest_run
    from magdi.plugins.suites.page import is_suite

    run = newest_run().path
    return say(next((folder for folder in run.parents if is_suite(folder)), run))
