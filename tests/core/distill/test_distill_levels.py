"""Which turns each level learns from: one MAG, every level; and levels as lists of objectives."""

from __future__ import annotations

import re
from typing import Any

import pytest

from magdi.core.config.models import RunConfig
from magdi.core.distill.selection import check_teachable, select
from magdi.core.errors import ConfigError, TrainingError
from magdi.core.mag import Mag, Question, Seen, Turn
from magdi.core.objective import CHAINS, Chain, Objective
from magdi.core.run.figures import training_figures
from magdi.plugins.objectives.levels import LEVELS, find_level, objectives_of, with_prefix
from tests.core.distill.distill_models import make_objectives


def turn(
    step: int, agent: str, label: bool | None, *, round: int = 0, answer: str | None = "7", **more: object
) -> Turn:
    seen = tuple(Seen(step=s) for s in range(3)) if round else ()
    return Turn(step=step, agent=agent, round=round, seen=seen, text="said", answer=answer, label=label, **more)


MAG = Mag(
    id="m",
    question=Question(id="q", text="How many?"),
    protocol="test",
    turns=(
        turn(0, "Ann", True),
        turn(1, "Bob", False),
        turn(2, "Cid", None, answer=None, status="invalid"),
        turn(3, "Ann", True, round=1),
        turn(4, "Bob", True, round=1),
        turn(5, "Cid", False, round=1),
    ),
)


def steps(level: str, column: str, **settings: Any) -> tuple[Any, ...]:
    """Steps of the turns in a column; () where the level has no such objective."""
    found = select(MAG, make_objectives(level, **settings))
    entries = found.columns.get(column)
    if entries is None:
        return ()
    taken = [tuple(found.chains[place].step for place in entry) for entry in entries.T]
    return tuple(entry[0] if len(entry) == 1 else entry for entry in taken)


@pytest.mark.parametrize(
    ("name", "learned", "pairs", "nodes"),
    [
        ("base", (), 0, ()),
        ("single-teacher:ann", (0,), 0, ()),
        ("single-teacher:Bob", (), 0, ()),
        ("1", (0,), 0, ()),
        ("2", (0, 3, 4), 0, ()),
        ("3", (0, 3, 4), 6, ()),
        ("4", (0, 3, 4), 6, (0, 1, 2, 3, 4, 5)),
    ],
)
def test_turns_of_each_level(name: str, learned: tuple[int, ...], pairs: int, nodes: tuple[int, ...]) -> None:
    assert steps(name, "positive.learned") == learned
    assert len(steps(name, "margin.pairs")) == pairs
    assert steps(name, "node.nodes") == nodes


def test_distilling_step_by_step_learns_all_answered_turns_twice() -> None:
    assert steps("dss-mt", "answer.learned") == steps("dss-mt", "reasoning.learned") == (0, 1, 3, 4, 5)


def test_a_level_is_what_the_one_below_it_is_and_one_thing_more() -> None:
    one, two, three, four = (find_level(name).objectives for name in "1234")
    assert one == {"positive": {"first_round": True}}
    assert [list(level) for level in (two, three, four)] == [["positive"], ["positive", "margin"], [*three, "node"]]


def test_losses_are_shown_by_their_signs_where_these_tell_them_apart() -> None:
    metrics = dict.fromkeys(("loss/positive", "loss/node", "grad_norm/node", "loss/answer", "loss", "threads"), 1.0)
    assert list(training_figures(metrics, make_objectives("4"))) == ["L+", "L_I", "|g_I|", "threads"]
    assert list(training_figures(metrics, make_objectives("dss-mt"))) == ["answer", "threads"]


def test_objectives_of_weight_zero_take_nothing() -> None:
    off = {"weight": 0}
    assert list(make_objectives("4", margin=off, node=off)) == list(make_objectives("2"))
    assert list(make_objectives("4", positive=off, node=off)) == ["margin"]


def test_settings_of_what_the_level_lacks_do_nothing_and_other_objectives_join_it() -> None:
    assert list(make_objectives("2", margin={"weight": 0.5})) == ["positive"]
    joined = make_objectives("2", dpo={"beta": 0.2}, second={"name": "dpo", "weight": 0.1})
    assert {name: type(each).__name__ for name, each in joined.items()} == {
        "positive": "Positive", "dpo": "Dpo", "second": "Dpo",
    }  # fmt: skip
    assert (joined["dpo"].config.beta, joined["second"].config.weight) == (0.2, 0.1)


def test_a_list_says_which_there_are_and_how() -> None:
    config = RunConfig.model_validate({"objectives": ["positive", {"name": "unlikelihood", "weight": 0.3}]})
    assert {name: each.settings for name, each in objectives_of(config).items()} == {
        "positive": {}, "unlikelihood": {"weight": 0.3},
    }  # fmt: skip
    assert config.training.level_name == "positive, unlikelihood"


def test_unknown_levels_are_named() -> None:
    with pytest.raises(ConfigError, match="no level 'dss'") as caught:
        find_level("dss")
    assert "dss-mt" in caught.value.hint


def test_every_level_is_found_by_its_name() -> None:
    assert [find_level(level.name) for level in LEVELS] == list(LEVELS)


def test_distilling_step_by_step_asks_with_prefixes() -> None:
    dss, four = (RunConfig.model_validate({"training": {"level": level}}) for level in ("dss-mt", "4"))
    assert [each.settings["prefix"] for each in objectives_of(dss).values()] == ["[label] ", "[rationale] "]
    assert with_prefix(MAG.question, dss).text == "[label] How many?"
    assert with_prefix(MAG.question, four) == MAG.question


@pytest.mark.parametrize(
    ("level", "mags", "said"),
    [
        ("4", [], "in 0 MAGs"),
        ("base", [MAG], "trains on nothing"),
        ("single-teacher:Eve", [MAG], "no agent 'Eve'"),
        ("2", [MAG.model_copy(update={"turns": (turn(0, "Ann", None),)})], "no turn carries a label"),
        ("2", [MAG.model_copy(update={"turns": (turn(0, "Ann", False),)})], "in 1 MAGs: each has no right turn"),
        ("4", [MAG.model_copy(update={"turns": (turn(0, "Ann", False),)})] * 2, "in 2 MAGs: each has no right turn"),
    ],
)
def test_a_corpus_that_leaves_nothing_is_an_error(level: str, mags: list[Mag], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        check_teachable(mags, make_objectives(level), str(find_level(level)))


def test_wrong_turns_alone_are_enough_where_nothing_is_to_be_written() -> None:
    wrong = MAG.model_copy(update={"turns": (turn(0, "Ann", False),)})
    check_teachable([wrong], make_objectives("4", positive={"weight": 0}), "level 4")
    check_teachable([wrong, MAG], make_objectives(), "level 4")


class Odd(Objective):
    """Takes what its test tells it to."""

    columns = {"some": CHAINS}
    taken: Any = None

    def select(self, given: object) -> Any:
        return self.taken

    def loss(self, batch: Any) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ({}, "gives the columns none of MAG m, and declares some"),
        ({"some": [], "more": []}, "gives the columns some, more"),
        ({"some": [3]}, "column 'some' of MAG m holds 3; it is for chains of turns 0 to 5"),
        ({"some": [(Chain(0), Chain(1))]}, "it is for chains"),
        ({"some": [Chain(6)]}, "it is for chains of turns 0 to 5"),
    ],
)
def test_what_an_objective_takes_wrongly_is_said(taken: Any, said: str) -> None:
    objective = Odd()
    objective.taken = taken
    with pytest.raises(TrainingError, match=re.escape(said)):
        select(MAG, {"odd": objective})
