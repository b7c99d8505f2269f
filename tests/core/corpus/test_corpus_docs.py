"""docs/mags.md names every field, format and check there is, and its example is a MAG."""

import re
from pathlib import Path

from magdi.core.mag import Mag, Question, Turn
from magdi.plugins.builtins import BUILTINS

TEXT = (Path(__file__).parents[3] / "docs" / "mags.md").read_text(encoding="utf-8")


def test_every_field_format_and_export_is_named() -> None:
    fields = {field.alias or name for name, field in Mag.model_fields.items()} | set(Question.model_fields)
    formats = {each.name for kind in ("importer", "exporter") for each in BUILTINS[kind]}
    for name in fields | set(Turn.model_fields) | formats:
        assert f"`{name}`" in TEXT, name


def test_the_example_is_a_mag() -> None:
    (example,) = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
    mag = Mag.model_validate_json(example)
    assert mag.edges == ((0, 1),)
    assert mag.to_line() == example


def test_every_command_is_named() -> None:
    from magdi.cli.mags import app

    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert len(names) == 12
    assert [name for name in names if f"magdi mags {name}" not in TEXT] == []
