"""The pages on encoders and conformance name everything that there is. (Their code runs in test_plugins_docs.)"""

import re
from pathlib import Path

import pytest

from magdi.plugins.builtins import BUILTINS
from magdi.plugins.component import Kind
from magdi.plugins.target import resolve
from magdi.plugins.testing import checks_for

DOCS = Path(__file__).parents[3] / "docs"


def table_rows(page: str, heading: str) -> list[list[str]]:
    section = (DOCS / page).read_text("utf-8").partition(f"{heading}\n")[2].partition("\n#")[0]
    return [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]


def test_every_encoder_is_in_the_table() -> None:
    rows = {row[0].strip("| `"): row[2].strip() for row in table_rows("encoders.md", "# Encoders")}
    says = {one.name: "yes" if resolve(one.target).uses_edges else "no" for one in BUILTINS["encoder"]}
    assert rows == says


@pytest.mark.parametrize(
    ("kind", "heading"),
    [
        ("protocol", "### Protocols"),
        ("encoder", "### Encoders"),
        ("teacher", "### Teachers"),
        ("task", "### Tasks"),
        ("objective", "### Objectives"),
        ("decision", "### Decision rules"),
        ("importer", "### Importers"),
        ("exporter", "### Exporters"),
    ],
)
def test_every_check_is_in_a_table(kind: Kind, heading: str) -> None:
    text = (DOCS / "conformance.md").read_text("utf-8")
    full_heading = next(line for line in text.splitlines() if line.startswith(heading))
    named = [name for row in table_rows("conformance.md", full_heading) for name in re.findall(r"`(\w+)`", row[0])]
    general = [row[0].strip("| `") for row in table_rows("conformance.md", "(`magdi.plugins.testing.general_checks`)")]
    assert {*general, *named} >= set(checks_for(kind))
    assert set(named) <= set(checks_for(kind))
