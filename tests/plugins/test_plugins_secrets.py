"""Secrets that components are given by their settings are in nothing that is written or shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import magdi
from magdi.core.config.models import ComponentChoice
from magdi.core.errors import ConfigError, MagdiError
from magdi.core.redact import KEPT, redact
from magdi.plugins.setup import set_up

SECRET = "hunter2-hunter2"
KEYED = """from magdi.core.protocol import Protocol
from magdi.plugins import Component, hookimpl
from pydantic import BaseModel, SecretStr


class Keyed(Protocol):
    class Config(BaseModel, extra="forbid"):
        key: SecretStr = SecretStr("none")
        logins: dict[str, dict[str, list[SecretStr]]] = {}
        base_url: SecretStr = SecretStr("")

    def discuss(self, question, agents):
        assert self.config.key.get_secret_value() == "hunter2-hunter2"
        said = yield [self.ask(agent) for agent in agents]
        if question.id.endswith("3"):
            raise ValueError(f"no more of {self.config.key.get_secret_value()}")


@hookimpl
def magdi_protocols():
    yield Component("keyed", Keyed, "It has a key.")
"""


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    KEPT.clear()
    yield
    KEPT.clear()


@pytest.fixture
def plugin(tmp_path: Path) -> str:
    file = tmp_path / "keyed.py"
    file.write_text(KEYED)
    return str(file)


def test_a_secret_setting_is_in_no_file_of_a_run(plugin: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    settings = {"name": "keyed", "key": SECRET, "base_url": "http://localhost:8000/v1"}
    with pytest.raises(MagdiError) as caught:
        magdi.discuss(plugin=[plugin], protocol=settings, limit=6, out=out)
    assert SECRET not in redact(str(caught.value))
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert "key: '***'" in (out / "config.yaml").read_text()
    assert "base_url: http://localhost:8000/v1" in (out / "config.yaml").read_text()


def test_secrets_within_settings_are_found_and_what_was_left_out_is_asked_for(plugin: str) -> None:
    registry = set_up(flags={"plugins": [plugin]}).plugins.registry
    choice = ComponentChoice.model_validate({"name": "keyed", "logins": {"a": {"b": ["first-word"]}}})
    assert registry.problems("protocol", choice) == []
    assert redact("it was first-word") == "it was ***"
    left = ComponentChoice.model_validate({"name": "keyed", "key": "***"})
    (problem,) = registry.problems("protocol", left)
    assert "is secret, and was left out where this was written: give it again" in str(problem)
    with pytest.raises(ConfigError, match="is secret"):
        registry.protocol(left)


def test_defaults_are_no_secrets(plugin: str) -> None:
    set_up(flags={"plugins": [plugin], "protocol.name": "keyed"})
    assert redact("none at all") == "none at all"
