"""docs/protocols.md: every protocol and every setting is in it, and its numbers are those of the program."""

import re
from pathlib import Path

import pytest
import yaml

from magdi.core.protocol import Ask
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.component import Component
from magdi.plugins.target import resolve
from tests.protocols.scripted_talk import counts, disagree, hold
from tests.protocols.test_protocols_conform import COMPONENTS

TEXT = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([\w-]+)` \| (?:`([^`]*)`)?[^|]*\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
ROWS = ROW.findall(TEXT)


def section(name: str) -> str:
    found = re.search(rf"^## `{name}`\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/protocols.md has no section {name}"
    return found[1]


def undecided(ask: Ask, step: int) -> str:
    return '{"decided": false, "answer": ""}' if ask.role == "moderator" else disagree(ask, step)


@pytest.mark.parametrize(("name", "settings", "agents", "nodes", "exact", "adjacent"), ROWS)
def test_counts(name: str, settings: str, agents: str, nodes: str, exact: str, adjacent: str) -> None:
    protocol = resolve(COMPONENTS[name].target)
    mag = hold(protocol(protocol.Config(**(yaml.safe_load(settings) or {}))), undecided, agents=int(agents))
    assert counts(mag) == (int(nodes), int(exact))
    assert counts(mag, "adjacent")[1] == int(adjacent)


def test_all_protocols_are_counted() -> None:
    assert {row[0] for row in ROWS} == set(COMPONENTS)


@pytest.mark.parametrize("component", BUILTINS["protocol"], ids=lambda component: component.name)
def test_every_protocol_and_setting_is_described(component: Component) -> None:
    text = section(component.name)
    assert "Edges**" in text
    fields = resolve(component.target).Config.model_fields if not component.requires else ()
    missing = [name for name in fields if name != "prompts" and f"`{name}" not in text]
    assert missing == []


def test_every_decision_rule_is_described() -> None:
    table = TEXT.partition("## Decision rules")[2]
    assert [name for name in (each.name for each in BUILTINS["decision"]) if f"`{name}`" not in table] == []


def test_the_yaml_in_it_is_a_configuration() -> None:
    from magdi.protocols.debate import Debate
    from magdi.protocols.dialogue import Dialogue

    for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL):
        settings = yaml.safe_load(block)["protocol"]
        {"debate": Debate, "dialogue": Dialogue}[settings.pop("name")].Config(**settings)
