"""Help that reads well at any width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from magdi.cli.app import app


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    yield name, command
    for each, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {each}".strip())


EVERY = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", EVERY)
def test_paragraphs_are_not_broken_before_the_line_is_full(name: str) -> None:
    first, *further = EVERY[name].help.strip().split("\n\n")
    assert "\n" not in first, "it is cut there in the list of commands"
    assert not [paragraph for paragraph in further if "\n" in paragraph.strip()], "typer keeps these line breaks"


@pytest.mark.parametrize("name", EVERY)
def test_every_option_says_what_it_does(name: str) -> None:
    mute = [parameter.name for parameter in EVERY[name].params if not getattr(parameter, "help", None)]
    assert not mute


def test_help_is_short_for_help() -> None:
    for arguments in (["-h"], ["runs", "list", "-h"]):
        assert "Usage" in CliRunner().invoke(app, arguments).stdout
