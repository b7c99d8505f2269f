"""Every shipped protocol, in its defaults and in its further modes, through the conformance kit."""

from typing import Any

import pytest

from magdi.core.configurable import Configurable
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.target import resolve
from magdi.plugins.testing.other_interpreter import job_of
from magdi.plugins.testing.runner import checks_for, run_check
from magdi.plugins.testing.specimen import Specimen
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
CASES = [
    pytest.param(name, place, check, id=f"{name}-{place}-{check}")
    for name in COMPONENTS
    for place in range(len(SETTINGS.get(name, [{}])))
    for check in checks_for("protocol")
]


@pytest.fixture(scope="module")
def specimens(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Specimen]:
    """One specimen for each mode, whose discussions are held once, and one other interpreter for all of them."""
    made = {}
    for name, component in COMPONENTS.items():
        target = resolve(component.target)
        assert issubclass(target, Configurable)
        for place, settings in enumerate(SETTINGS.get(name, [{}])):
            made[name, place] = Specimen("protocol", target, target.Config(**settings), component)
    jobs = (job_of(each.kind, each.target, each.config) for each in made.values())
    ask_elsewhere("protocols", jobs, tmp_path_factory)
    return made


@pytest.mark.parametrize(("name", "place", "check"), CASES)
def test_conforms(name: str, place: int, check: str, specimens: dict[tuple[str, int], Specimen]) -> None:
    result = run_check(check, checks_for("protocol")[check], specimens[name, place])
    assert result.passed, result.message
