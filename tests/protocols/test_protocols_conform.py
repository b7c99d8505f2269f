"""Shipped protocols in further modes than their defaults (`tests/test_conformance.py`), through the conformance kit."""

from typing import Any

import pytest
from pydantic import BaseModel

from magdi.core.configurable import Configurable
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.component import Component
from magdi.plugins.target import resolve
from magdi.plugins.testing import check_component
from magdi.plugins.testing.other_interpreter import job_of
from magdi.plugins.testing.runner import failures
from tests.conforming import ask_elsewhere

SETTINGS: dict[str, list[dict[str, Any]]] = {
    "single": [{}, {"confidence": False}],
    "self-consistency": [{}],
    "self-refine": [{}, {"feedback": False}],
    "reconcile": [{}, {"groups": "top2"}],
    "debate": [
        {"rounds": 2},
        {"rounds": 2, "memory": "last", "topology": "ring", "until_consensus": True},
        {"rounds": 2, "memory": "summary"},
        {"rounds": 2, "schedule": "async", "confidence": True, "agreement": 5},
    ],
    "mad": [{}, {"judge_sees": "last"}],
    "roundtable": [{}, {"speaker": "selector"}, {"speaker": "random", "window": 2}, {"speaker": "hand-off"}],
    "solver-critic": [{}],
    "malt": [{}, {"mode": "vote", "labels": "interval"}],
    "dag": [{}, {"topology": "full", "critics": True}, {"topology": "random", "nodes": 6}],
    "dialogue": [
        {},
        {
            "cast": [{"name": "one"}, {"name": "two", "role": "critic", "reply": "text"}],
            "steps": [
                {"speak": ["one"]},
                {"repeat": 2, "until": "approved", "steps": [
                    {"speak": ["two"], "sees": ["one.last"]}, {"speak": ["one"], "sees": ["own", "two.last"]},
                ]},
            ],
        },
    ],
}  # fmt: skip

COMPONENTS = {component.name: component for component in BUILTINS["protocol"] if not component.requires}
CASES = [(COMPONENTS[name], settings) for name, modes in SETTINGS.items() for settings in modes if settings]


def config_of(component: Component, settings: dict[str, Any]) -> BaseModel:
    target = resolve(component.target)
    assert issubclass(target, Configurable)
    return target.Config(**settings)


@pytest.fixture(scope="module")
def one_other_interpreter(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Asks one other interpreter about all of them, instead of one for each."""
    jobs = [job_of("protocol", resolve(each.target), config_of(each, settings)) for each, settings in CASES]
    ask_elsewhere("protocols", jobs, tmp_path_factory)


@pytest.mark.parametrize(("component", "settings"), CASES, ids=lambda value: getattr(value, "name", ""))
def test_conforms(component: Component, settings: dict[str, Any], one_other_interpreter: None) -> None:
    assert failures(check_component(component, config_of(component, settings))) == []
