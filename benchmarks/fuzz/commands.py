"""Commands, run in this process: what they raise is raised, and a traceback that they print is one."""

from __future__ import annotations


def invoke(arguments: list[str], **environ: str) -> object:
    """Runs a command; raises what it raised.

    Raises:
        AssertionError: It printed a traceback, or ended with a code that no command has.
    """
    from typer.testing import CliRunner

    from magdi.cli.app import app

    result = CliRunner().invoke(app, arguments, env=environ)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        if isinstance(result.exception, OSError) and result.exception.filename is not None:
            return None  # what `main` makes one line of
        raise result.exception
    assert "Traceback (most recent call last)" not in result.output, f"{arguments}: {result.output[-1500:]}"
    assert result.exit_code in (0, 1, 2, 3, 4), f"{arguments}: ends with {result.exit_code}"
    return result
