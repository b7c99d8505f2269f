"""An encoder that does not work is found out before anybody is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import magdi
from magdi.core.config.models import ComponentChoice, Student
from magdi.core.distill.objective_batch import ObjectiveBatch
from magdi.core.encoder import Encoder, GraphBatch
from magdi.core.errors import ComponentError, ConfigError, TrainingError
from magdi.core.objective import PAIRS, Chain, Objective, Selecting, Taken
from magdi.encoders.none import NoEncoder
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.manager import load_plugins
from magdi.plugins.runs.named_roles import check_roles
from magdi.plugins.runs.plan import plan_run
from magdi.plugins.setup import set_up
from magdi.plugins.trial import try_encoder, try_objective, width

WRONG = {
    "raises AttributeError: 'GraphBatch' object has no attribute 'nodes' (test_plugins_trial.py:": lambda b: b.nodes,
    "gives NoneType, which is no tensor": lambda b: None,
    "gives [1, 8] instead of [4, 8], N x out_dim": lambda b: b.x[:1],
    "gives what is not finite": lambda b: b.x / 0,
    "lets no gradient through to the nodes' states": lambda b: b.x.detach(),
}


@pytest.mark.parametrize(("told", "forward"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong_with_an_encoder_is_said(told: str, forward: Callable[[GraphBatch], Tensor]) -> None:
    class Wrong(Encoder):
        def forward(self, batch: GraphBatch) -> Tensor:
            return forward(batch)

    with pytest.raises(ComponentError) as caught:
        try_encoder("wrong", Wrong, 8)
    assert caught.value.message.startswith(f"encoder 'wrong', tried on a graph of 4 turns, {told}")


@pytest.mark.parametrize("name", [each.name for each in BUILTINS["encoder"]])
def test_the_shipped_ones_pass_and_nothing_is_drawn_from_the_run(name: str) -> None:
    registry = load_plugins(environ={"MAGDI_LOAD_PLUGINS": ""}).registry
    before = torch.get_rng_state()
    try_encoder(name, lambda dim: registry.encoder(registry_choice(name), dim), 64)
    assert torch.equal(torch.get_rng_state(), before)


def registry_choice(name: str) -> ComponentChoice:
    return ComponentChoice(name=name)


def test_a_student_that_is_not_there_is_told_before_anybody_is_asked(tmp_path: Path) -> None:
    assert width(Student(model="tiny")) == 128
    with pytest.raises(ConfigError, match=f"student.model: cannot load {tmp_path}"):
        width(Student(model=str(tmp_path)))
    with pytest.raises(ConfigError, match="cannot load"):
        magdi.run(out=tmp_path / "run", student=str(tmp_path / "mistyped"), limit=4)
    assert not (tmp_path / "run" / "journal.sqlite").exists()


def test_nobody_is_asked_where_the_encoder_does_not_work(tmp_path: Path) -> None:
    plugin = tmp_path / "wrong.py"
    plugin.write_text(
        "from magdi.core.encoder import Encoder\n"
        "from magdi.plugins import Component, hookimpl\n\n\n"
        "class Wrong(Encoder):\n"
        "    def forward(self, batch):\n"
        "        return batch.x[:1]\n\n\n"
        "@hookimpl\n"
        "def magdi_encoders():\n"
        "    yield Component('wrong', Wrong, 'Wrong.')\n"
    )
    settings: dict[str, Any] = {"plugin": [str(plugin)], "encoder": "wrong", "preset": "quick", "limit": 4}
    with pytest.raises(ComponentError, match="encoder 'wrong', tried on a graph of 4 turns, gives"):
        magdi.run(out=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()
    assert magdi.discuss(out=tmp_path / "talk", **settings)["mags"]["count"] == 4


HALF: Any = "half"  # no part of a reply
BAD: dict[str, dict[str, Any]] = {
    "select raises ZeroDivisionError: division by zero (test_plugins_trial.py:": {"select": lambda given: 1 / 0},
    "gives the columns none of MAG tried, and declares pairs": {"select": lambda given: {}},
    "column 'pairs' of MAG tried holds (3,); it is for tuples of 2 chains of turns 0 to 5": {
        "select": lambda given: {"pairs": [3]}
    },
    "holds Chain(step=9, part='whole', prefix=''); it is for": {
        "select": lambda given: {"pairs": [(Chain(9), Chain(0))]}
    },
    "holds Chain(step=0, part='half', prefix=''); it is for": {
        "select": lambda given: {"pairs": [(Chain(0, HALF), Chain(0))]}
    },
    "count gives 0.5, no whole number": {"count": lambda columns, lengths: 0.5},
    "weight(0, 10) gives None, no number": {"weight": lambda step, steps: None},
    "weight(3, 10) gives nan, no number": {"weight": lambda step, steps: float("nan") if step == 3 else 1.0},
    "weight(0, 10) gives -1.0, no number": {"weight": lambda step, steps: -1.0},
    "weight raises ZeroDivisionError": {"weight": lambda step, steps: 1 / (steps - step)},
    "loss raises RuntimeError: shape '[]' is invalid": {"loss": lambda b: b.log("x", b.logprobs("pairs").repeat(1, 2))},
    "count raises KeyError": {"count": lambda columns, lengths: columns["x"]},
    "head raises RuntimeError: no head": {"head": lambda dim, encoder: (_ for _ in ()).throw(RuntimeError("no head"))},
    "head raises TypeError": {"head": lambda dim, encoder: 3},
    "loss raises AttributeError: 'ObjectiveBatch' object has no attribute 'x' (test_plugins_trial.py:": {
        "loss": lambda batch: batch.x
    },
    "has no column 'pair'": {"loss": lambda batch: batch.logprobs("pair").sum()},
    "loss raises TypeError: unsupported operand type(s) for *: 'float' and 'NoneType'": {"loss": lambda batch: None},
    "loss gives a tensor of [2, 1], torch.float32, no scalar": {"loss": lambda batch: batch.logprobs("pairs")},
    "the loss of a made-up discussion is nan": {"loss": lambda batch: batch.logprobs("pairs").sum() * float("nan")},
    "its loss has no gradient": {"loss": lambda batch: batch.logprobs("pairs").sum().detach()},
}


def bad_objective(**methods: Any) -> Objective:
    class Bad(Objective):
        columns = {"pairs": PAIRS}

        def select(self, given: Selecting) -> Taken:
            return {"pairs": [(Chain(0), Chain(1))]}

        def loss(self, batch: ObjectiveBatch) -> Tensor:
            return batch.logprobs("pairs").sum()

    for name, method in methods.items():
        setattr(Bad, name, staticmethod(method))
    return Bad()


def try_it(objective: Objective) -> None:
    try_objective("mine", objective, lambda dim: NoEncoder(dim), 8)


@pytest.mark.parametrize("told", BAD)
def test_what_is_wrong_with_an_objective_is_said(told: str) -> None:
    with pytest.raises(TrainingError) as caught:
        try_it(bad_objective(**BAD[told]))
    assert "objective 'mine'" in caught.value.message
    assert told in caught.value.message
    assert "\n" not in caught.value.message


def test_a_right_objective_passes_and_so_do_the_shipped_ones() -> None:
    try_it(bad_objective())
    registry = load_plugins(environ={"MAGDI_LOAD_PLUGINS": ""}).registry
    before = torch.get_rng_state()
    for each in BUILTINS["objective"]:
        try_it(registry.objective(registry_choice(each.name)))
    assert torch.equal(torch.get_rng_state(), before)


def test_nobody_is_asked_where_an_objective_does_not_work(tmp_path: Path) -> None:
    plugin = tmp_path / "wrong.py"
    plugin.write_text(
        "from magdi.core.objective import CHAINS, Chain, Objective\n"
        "from magdi.plugins import Component, hookimpl\n\n\n"
        "class Wrong(Objective):\n"
        "    columns = {'chains': CHAINS}\n\n"
        "    def select(self, given):\n"
        "        return {'chains': [Chain(0)]}\n\n"
        "    def loss(self, batch):\n"
        "        return batch['chains'].nothing\n\n\n"
        "@hookimpl\n"
        "def magdi_objectives():\n"
        "    yield Component('wrong', Wrong, 'Wrong.')\n"
    )
    with pytest.raises(
        TrainingError, match=r"objective 'wrong' \(Wrong\): loss raises AttributeError.*\(wrong.py:12, of wrong\)"
    ):
        magdi.run(out=tmp_path / "run", plugin=[str(plugin)], level=["wrong"], preset="quick", limit=4)
    assert not (tmp_path / "run").exists()


CRITIC = "protocol 'malt' has no role critic, only generator, verifier, refiner"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"training.method": "malt", "training.dpo.roles": ["refiner", "critic"]}, f"training.dpo.roles: {CRITIC}"),
        ({"training.method": "malt", "evaluation.untrained": ["critic"]}, f"evaluation.untrained: {CRITIC}"),
        ({"training.role": "critic"}, f"training.role: {CRITIC}"),
        ({"training.role": "critic", "protocol": "dialogue"}, "protocol 'dialogue' has no role critic, only solver"),
        ({"training.method": "malt", "training.dpo.roles": ["refiner"]}, ""),
        ({"training.method": "malt", "protocol": "debate"}, ""),
        ({"training.role": "critic", "protocol": "roundtable"}, ""),
        ({"training.role": "judge", "discussion.decision.name": "judge"}, ""),
        ({"training.role": "critic", "discussion.mags": "there.jsonl"}, ""),
    ],
)
def test_a_role_that_the_protocol_has_not_is_told_before_anybody_is_asked(given: dict[str, Any], says: str) -> None:
    made = set_up(flags={"protocol.name": given.pop("protocol", "malt")} | given)
    if not says:
        check_roles(made.config, made.plugins.registry)
        return
    registry = made.plugins.registry
    task = registry.task(made.config.task, 0)
    refusals: dict[str, Callable[[], object]] = {
        "alone": lambda: check_roles(made.config, registry),
        "run": lambda: list(registry.try_out(made.config, task, trains=True)),
        "plan": lambda: plan_run(made.config, registry),
    }
    for refusing in refusals.values():
        with pytest.raises(ConfigError) as caught:
            refusing()
        assert says in caught.value.message
        assert caught.value.hint
