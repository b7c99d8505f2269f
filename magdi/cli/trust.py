"""`magdi trust`: code that runs, suites and configurations may have run, because somebody has looked at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from magdi.cli import options as opt
from magdi.core.errors import ConfigError, MagdiError

if TYPE_CHECKING:
    from magdi.plugins.trust import Code

Paths = Annotated[
    list[str] | None,
    typer.Argument(help="Plugins, or the runs, suites or configurations that name them.", show_default=False),
]


def trust(
    paths: Paths = None,
    list_: Annotated[bool, typer.Option("--list", help="Show what is trusted.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take trust back.")] = False,
    json: opt.Json = False,
) -> None:
    """Trust plugins as they are now: what files name is run only once its content is trusted. Look at it first."""
    from magdi.cli.output import show
    from magdi.plugins.trust import forget, remember, remembered

    if list_ or not paths:
        trusted = list(remembered())
        show({"trusted": trusted}, as_json=json, render=lambda: _listed(trusted))
        return
    codes = list(dict.fromkeys(code for path in paths for code in _named(path)))
    if not codes:
        raise ConfigError(f"there is no code that {', '.join(paths)} is or names")
    (forget if revoke else remember)(codes)
    verb = "no longer trusted" if revoke else "trusted"
    document = {verb: [{"name": str(code.source or code.name), "sha256": code.digest} for code in codes]}
    show(document, as_json=json, render=lambda: "\n".join(f"{verb}: {code}" for code in codes))


def _listed(entries: Sequence[dict[str, str]]) -> str:
    from magdi.plugins.trust import SHORT

    lines = [f"{each['sha256'][:SHORT]}  {each['since']}  {each['name']}" for each in entries]
    return "\n".join(lines) or "nothing is trusted but what is installed, and what you name with --plugin"


def _named(path: str) -> Iterator[Code]:
    """Yields the code that is at a path, or that the file or the runs there name."""
    from magdi.core.run.directory import RunDirectory
    from magdi.plugins.runs.finding import find_runs, model_code_of, plugins_of
    from magdi.plugins.trust import Code

    place = Path(path)
    if place.suffix in (".yaml", ".yml"):
        yield from _in_file(place)
    elif place.is_dir() and not (place / "__init__.py").is_file():
        runs = [run.path for run in find_runs(place)]
        if place in runs:
            RunDirectory(place).config()  # or it would seem to name nothing
        named = plugins_of(*runs)
        yield from model_code_of(*runs)
        yield from (code for name, by in named.items() if (code := Code.plugin(name, by)).source)
    elif (code := Code.plugin(str(place.resolve()) if place.exists() else path)).source:
        yield code


def _in_file(file: Path) -> Iterator[Code]:
    from magdi.plugins.setup import set_up
    from magdi.plugins.source import read_file
    from magdi.plugins.suite_setup import set_up_suite
    from magdi.plugins.trust import Listing

    listing, tree = Listing(), read_file(file).tree
    with suppress(MagdiError):  # without its plugins hardly anything is whole
        if tree.keys() & {"axes", "cells"}:
            set_up_suite(str(file), folder=file.parent, environ={}, trust=listing)
        else:
            set_up([file], environ={}, trust=listing)
    yield from listing.wanted
