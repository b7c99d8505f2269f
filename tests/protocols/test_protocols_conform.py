"""Every shipped protocol, in its defaults and in its further modes, through the conformance kit."""

import pytest

from magdi.core.configurable import Configurable
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.target import resolve
from magdi.plugins.testing.runner import checks_for, run_check
from magdi.plugins.testing.specimen import Specimen

SETTINGS: dict[str, list[dict]] = {
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
    pytest.param(name, settings, check, id=f"{name}-{place}-{check}")
    for name in COMPONENTS
    for place, settings in enumerate(SETTINGS.get(name, [{}]))
    for check in checks_for("protocol")
]


@pytest.mark.parametrize(("name", "settings", "check"), CASES)
def test_conforms(name, settings, check):
    target = resolve(COMPONENTS[name].target)
    assert issubclass(target, Configurable)
    specimen = Specimen("protocol", target, target.Config(**settings), COMPONENTS[name])
    result = run_check(check, checks_for("protocol")[check], specimen, "")
    assert result.passed, result.message
