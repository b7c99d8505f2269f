"""The command line's root: errors become messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Annotated

import typer

import magdi
from magdi.cli.commands import Commands, taken
from magdi.cli.launch import one_of_several
from magdi.core.distill.processes import FailedBeside, several
from magdi.core.errors import DataError, MagdiError
from magdi.core.files import FULL
from magdi.core.threads import PASSIVE
from magdi.plugins.target import blamed

QUIET = {
    "TQDM_DISABLE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""The libraries' own progress and chatter, which would fight with ours for the terminal."""

INTERRUPTED = 130
"""The exit code of what Ctrl-C has ended, as shells have it."""

GOING_ON = {"run", "discuss", "distill", "evaluate", "ablate"}
"""Commands that, given again, go on from where they were."""

SAFE = {"PYTHONSAFEPATH": "1"}
"""Processes that are started do not look for modules in the working directory."""

app = typer.Typer(
    name="magdi",
    cls=Commands,
    help="Turn conversations between language models into a small model (MAGDi, ICML 2024).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"magdi {magdi.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Turn conversations between language models into a small model (MAGDi, ICML 2024)."""


def _opened() -> None:
    """Opens what whoever started us has closed: nobody reads it, and no file of ours is to come in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (for as long as we are there)


def _check_width() -> None:
    """Takes away a width that is none: in no columns nothing at all would be shown."""
    columns = os.environ.get("COLUMNS", "")
    if not (columns.isdecimal() and int(columns)):
        os.environ.pop("COLUMNS", None)


def _check_text(arguments: Sequence[str]) -> None:
    """Refuses names that are no UTF-8: no file of text can tell of them, and libraries in Rust cannot open them."""
    for each in arguments:
        if each != each.encode(errors="ignore").decode():
            raise DataError(f"the argument {each!a} is no UTF-8", hint="give what it names another name")


def main() -> None:
    """Runs the command line; every error that magdi raises on purpose is a message and an exit code."""
    _opened()
    _check_width()
    with one_of_several() if several() else nullcontext():
        _main()


def _main() -> None:
    from magdi.cli.output import complain

    for name, value in (QUIET | SAFE | PASSIVE).items():
        os.environ.setdefault(name, value)
    brought, arguments = taken(sys.argv[1:])
    try:
        _check_text(arguments)
        app(args=arguments, obj=brought)
    except KeyboardInterrupt:  # before click hears of it, or after
        _tell_interrupted(arguments)
        sys.exit(INTERRUPTED)
    except MagdiError as error:
        if not isinstance(error, FailedBeside):  # which has said it
            complain(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has left; there is nobody to tell
        sys.exit(1)
    except BaseException as error:  # a plugin may raise SystemExit, or what is of no kind at all
        if isinstance(error, SystemExit) and error.code == INTERRUPTED:  # click's word for Ctrl-C
            _tell_interrupted(arguments)
        if plugin := blamed(error):
            complain(MagdiError(plugin, hint="MAGDI_TRACE_PLUGINS=1 shows the traceback"))
            if os.environ.get("MAGDI_TRACE_PLUGINS"):
                raise
        elif isinstance(error, OSError) and error.filename is not None:
            complain(MagdiError(f"{error.filename} cannot be read or written: {error.strerror}"))
        elif isinstance(error, OSError) and error.errno in FULL:  # of no file of ours, which have names
            complain(MagdiError(f"the output cannot be written: {error.strerror}"))
            with suppress(OSError):
                sys.stdout.close()  # or Python tries it again
        else:
            raise
        sys.exit(MagdiError.exit_code)


def _tell_interrupted(arguments: Sequence[str]) -> None:
    """Says that Ctrl-C was heard, and whether anything is lost; of several processes their starter says it."""
    from magdi.cli.output import progress_console

    if not several():
        goes_on = "; the same command goes on from here" if GOING_ON.intersection(arguments[:1]) else ""
        progress_console().print(f"interrupted{goes_on}", markup=False)
