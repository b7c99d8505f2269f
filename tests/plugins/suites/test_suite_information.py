"""What is known of held-out turns: probes see no question twice, and find what was put there."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import magdi
from magdi.core.config.models import Discussion, RunConfig
from magdi.core.errors import DataError
from magdi.core.mag import Mag, Question, Turn, write_mags
from magdi.core.run.learned import kept
from magdi.plugins.registry import default_registry
from magdi.plugins.suites import information as module
from magdi.plugins.suites import turn_states
from magdi.plugins.suites.diagnostics import auc
from magdi.plugins.suites.information import KNOWN, Known, Node, information
from magdi.plugins.suites.turn_states import Read
from magdi.plugins.suites.turn_states import _keep as keep

COUNT = 80


def mag(number: int) -> Mag:
    """Two wrong turns that agree with one another and a right one that nobody agrees with, or the other way round."""
    lonely = number % 2 == 0
    answers = ("7", "7", "8") if lonely else ("8", "8", "7")
    question = Question(id=f"q{number}", text=f"What is {number}?", gold="8", answer_type="number")
    turns = [
        Turn(step=step, agent=agent, round=0, text=f"I say {answer}.", answer=answer, label=answer == "8")
        for step, (agent, answer) in enumerate(zip("abc", answers, strict=True))
    ]
    return Mag(id=f"m{number}", question=question, turns=turns, protocol="single")


MAGS = [mag(number) for number in range(COUNT)]
NODES = [
    Node(number, turn.step, bool(turn.label), module._is_first(each, 0, 0.5))
    for number, each in enumerate(MAGS)
    for turn in each.turns
]
LABELS = torch.tensor([float(node.right) for node in NODES])


def known(monkeypatch: pytest.MonkeyPatch, read: Read | None = None, **config: Any) -> Known:
    settings = {"seed": 0, "encoder": SimpleNamespace(name="gcn", settings={}), **config}
    stages: Any = SimpleNamespace(
        config=SimpleNamespace(training=SimpleNamespace(edges="full"), **settings), components=default_registry()
    )
    nowhere: Any = None
    if read is not None:
        monkeypatch.setattr(Known, "_read", read)
    return Known(stages, nowhere, MAGS, NODES)


def held_out(scores: torch.Tensor) -> float:
    pairs = [(score, int(node.right)) for score, node in zip(scores.tolist(), NODES, strict=True) if not node.trained]
    found = auc(pairs)
    assert found is not None
    return found


def read_of(column: torch.Tensor) -> Read:
    noise = torch.Generator().manual_seed(0)
    other = torch.randn(len(NODES), 8, generator=noise)
    states = torch.cat([column[:, None], other], 1)
    return Read(pooled=states, last=other, middle=states, logprob=column)


def test_no_question_is_on_both_sides_and_each_seed_splits_anew() -> None:
    sides = {node.mag: {each.trained for each in NODES if each.mag == node.mag} for node in NODES}
    assert all(len(side) == 1 for side in sides.values())
    assert 0.3 < sum(node.trained for node in NODES) / len(NODES) < 0.7
    assert [module._is_first(each, 0, 0.5) for each in MAGS] != [module._is_first(each, 1, 0.5) for each in MAGS]


def test_a_state_that_says_it_is_found_and_noise_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    told = known(monkeypatch, read_of(LABELS + 0.1))
    torch.manual_seed(0)
    for name in ("pooled", "middle", "logprob"):
        assert held_out(KNOWN[name](told)) > 0.9
    assert 0.3 < held_out(KNOWN["last"](told)) < 0.7


def test_what_most_say_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert held_out(KNOWN["most"](known(monkeypatch))) == 0.5


def test_agreement_knows_nothing_where_the_majority_is_right_as_often_as_not(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    assert 0.35 < held_out(KNOWN["agreement"](known(monkeypatch))) < 0.65


def test_a_state_adds_to_agreement_what_agreement_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    lonely = torch.tensor([float(node.mag % 2 == 0) for node in NODES])  # who is right: the one alone, or the others
    states = torch.stack([lonely, torch.randn(len(NODES), generator=torch.Generator().manual_seed(0))], 1)
    told = known(monkeypatch, Read(pooled=states, last=states, middle=states, logprob=lonely))
    torch.manual_seed(0)
    assert held_out(KNOWN["last"](told)) < 0.75
    assert held_out(KNOWN["agreement"](told)) < 0.65
    assert held_out(KNOWN["agreement-last"](told)) > 0.75


def test_a_round_adds_to_agreement_what_agreement_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the one who is alone is right, everybody speaks in the second round."""
    later = [turn.model_copy(update={"round": 1}) for turn in MAGS[0].turns]
    mags = [mag.model_copy(update={"turns": later}) if place % 2 == 0 else mag for place, mag in enumerate(MAGS)]
    told = dataclasses.replace(known(monkeypatch), mags=mags)
    torch.manual_seed(0)
    assert held_out(KNOWN["rounds"](told)) < 0.75
    assert held_out(KNOWN["agreement-rounds"](told)) > 0.9


def test_too_few_mags_are_said(tmp_path: Path) -> None:
    path = tmp_path / "mags.jsonl"
    path.write_text(MAGS[0].model_dump_json() + "\n")
    stages: Any = SimpleNamespace(config=SimpleNamespace(seed=0, discussion=Discussion()))
    directory: Any = SimpleNamespace(mags=path)
    with pytest.raises(DataError, match="too few"):
        information(stages, directory, "most")


def test_turns_of_one_discussion_are_compared_alone() -> None:
    nodes = [Node(mag, step, right, trained=False) for mag in (0, 1) for step, right in enumerate((True, False))]
    assert module._within(nodes, [0.2, 0.1, 0.9, 0.8]) == 1.0
    assert module._within(nodes, [0.2, 0.1, 0.7, 0.7]) == 0.75
    assert module._within(nodes[:1], [0.2]) == 0.5
    assert module._within([Node(0, 0, True, trained=True), nodes[1]], [0.1, 0.2]) == 0.5


def test_nobody_is_asked_about_a_question_that_was_learned(tmp_path: Path) -> None:
    """However its second discussion is called."""
    path = tmp_path / "mags.jsonl"
    twice = [each.model_copy(update={"id": f"again-{each.id}"}) for each in MAGS]
    write_mags(path, [*MAGS, *twice])
    config = RunConfig.model_validate({"discussion": {"keep": {"share": 0.3}}})
    asked = {each.question.prompt for each in module._not_learned(path, config)}
    learned = {each.question.prompt for each in kept(path, config.discussion.keep, config.seed)}
    assert learned
    assert asked == {each.question.prompt for each in MAGS} - learned
    assert len(module._not_learned(path, RunConfig())) == 2 * COUNT


SUITE = """
title: What a student knows
columns: [auc, trained_tokens]
settings: {level: base}
cells:
  - {knows: who agrees, measure: "knows:agreement"}
  - {knows: last, measure: "knows:last", set: {level: 1, discussion.keep.share: 0.5}}
  - {knows: log-probability, measure: "knows:logprob", set: {level: 1, discussion.keep.share: 0.5}}
"""


def test_cells_of_a_student_that_learned_say_how_much_and_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.core.run.conftest import TOY

    (tmp_path / "known.yaml").write_text(SUITE)
    kept_states: list[Any] = []
    monkeypatch.setattr(turn_states, "_keep", lambda file, found: kept_states.append(file) or keep(file, found))
    done = magdi.ablate(str(tmp_path / "known.yaml"), out=tmp_path / "out", seeds=1, **TOY)
    figures = {row["knows"]: row["figures"] for row in done["rows"]}
    assert figures["last"]["trained_tokens"] == figures["log-probability"]["trained_tokens"] > 0
    assert "trained_tokens" not in figures["who agrees"]
    assert len(kept_states) == 1
