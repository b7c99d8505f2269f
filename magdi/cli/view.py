"""`magdi view`: a run, several, a suite or a MAG file as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import completing as propose
from magdi.cli import options as opt
from magdi.core.errors import ConfigError

if TYPE_CHECKING:
    from magdi.core.components import Components
    from magdi.plugins.report.live import Live


@opt.grouped
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
    *,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Follow a run under way, at an address of this machine, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of --live; 0 takes a free one.", min=0, max=65535)] = 0,
    json: opt.Json = False,
    plugins: opt.RunPlugins,
) -> None:
    """Write one HTML file that shows a run, several, a suite or a MAG file; it needs no server and no network."""
    from rich.text import Text

    from magdi.cli.output import say, show
    from magdi.plugins.report import data

    _check(sources or [], live=live, out=out, port=port)
    sources = sources or [_newest(suite=not live)]
    components = plugins.components(sources)
    if live:
        return _follow(sources, port, components, open_=open_, as_json=json)
    written: list[str] = []

    def told(page: Path) -> None:
        written.append(str(page.resolve()))
        say(f"the run's page: {page}")

    if len(sources) > 1:
        page = data.view_several(sources, out, components=components, told=told).resolve()
    else:
        page = data.view(sources[0], out, components=components, told=told).resolve()
    if open_:
        import webbrowser

        webbrowser.open(page.as_uri())
    document = {"page": str(page), "bytes": page.stat().st_size} | ({"pages": written} if written else {})
    show(document, as_json=json, render=lambda: Text(str(page)))


def _check(sources: list[Path], *, live: bool, out: Path | None, port: int) -> None:
    if live and (len(sources) > 1 or out):
        told = "--live follows one run, and writes no file" if out else "--live follows one run"
        raise ConfigError(told, hint="leave the others out" if len(sources) > 1 else "leave -o out")
    if port and not live:
        raise ConfigError("--port is where --live listens", hint="add --live, or leave it out")


def _follow(sources: list[Path], port: int, components: Components, *, open_: bool, as_json: bool) -> None:
    """Serves the page of a run until Ctrl-C."""
    import asyncio

    from magdi.plugins.report.following import Following
    from magdi.plugins.report.live import Live
    from magdi.plugins.runs.finding import open_run

    run = open_run(sources[0])
    asyncio.run(_serve(Live(Following(run, components), run.path.resolve().name, port), open_=open_, as_json=as_json))


async def _serve(live: Live, *, open_: bool, as_json: bool) -> None:
    import asyncio
    import sys
    import webbrowser

    from rich.text import Text

    from magdi.cli.output import say, show
    from magdi.plugins.listening import stop_on_signals

    running = asyncio.create_task(live.run(stop_on_signals()))
    waiting = asyncio.create_task(live.listening.wait())
    await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        show({"page": live.address}, as_json=as_json, render=lambda: Text(live.address))
        sys.stdout.flush()
        say("follows the run; Ctrl-C ends")
        if open_:
            webbrowser.open(live.address)
    await running
    waiting.cancel()


def _newest(*, suite: bool) -> Path:
    """Returns the newest run in ./runs or, with ``suite`` and where that is a suite's, the suite; says which."""
    from magdi.cli.newest import announced
    from magdi.plugins.runs.finding import newest_run
    from magdi.plugins.suites.page import is_suite

    run = newest_run().path
    return announced(next((folder for folder in run.parents if suite and is_suite(folder)), run))
