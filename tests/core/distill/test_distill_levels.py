"""Which turns each level learns from: one MAG, every level."""

from __future__ import annotations

import pytest

from magdi.core.config.models import Objective
from magdi.core.distill.levels import LEVELS, asked, check_teachable, find_level, select
from magdi.core.errors import ConfigError, TrainingError
from magdi.core.mag import Mag, Question, Seen, Turn

OBJECTIVE = Objective()


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
        ("dss-mt", (0, 1, 3, 4, 5), 0, ()),
    ],
)
def test_turns_of_each_level(name: str, learned: tuple[int, ...], pairs: int, nodes: tuple[int, ...]) -> None:
    found = select(MAG, find_level(name), OBJECTIVE)
    assert (found.learned, len(found.pairs), found.nodes) == (learned, pairs, nodes)


def test_a_level_is_what_the_one_below_it_is_and_one_thing_more() -> None:
    one, two, three, four = (find_level(name) for name in "1234")
    assert (one.first_round, two.first_round) == (True, False)
    assert (two.margin, three.margin, three.node, four.node) == (False, True, False, True)


def test_losses_of_weight_zero_take_nothing() -> None:
    four = find_level("4")
    assert select(MAG, four, Objective(beta=0, gamma=0)) == select(MAG, find_level("2"), OBJECTIVE)
    assert select(MAG, four, Objective(alpha=0, gamma=0)).learned == ()


def test_unknown_levels_are_named() -> None:
    with pytest.raises(ConfigError, match="no level 'dss'") as caught:
        find_level("dss")
    assert "dss-mt" in caught.value.hint


def test_every_level_is_found_by_its_name() -> None:
    assert [find_level(level.name) for level in LEVELS] == list(LEVELS)


def test_distilling_step_by_step_asks_with_prefixes() -> None:
    level = find_level("dss-mt")
    assert [lesson.prefix for lesson in level.lessons] == ["[label] ", "[rationale] "]
    assert asked(MAG.question, level).text == "[label] How many?"
    assert asked(MAG.question, find_level("4")) == MAG.question


@pytest.mark.parametrize(
    ("level", "mags", "said"),
    [
        ("4", [], "in 0 MAGs"),
        ("base", [MAG], "trains on nothing"),
        ("single-teacher:Eve", [MAG], "no agent 'Eve'"),
        ("2", [MAG.model_copy(update={"turns": (turn(0, "Ann", None),)})], "no turn carries a label"),
        ("2", [MAG.model_copy(update={"turns": (turn(0, "Ann", False),)})], "none that a loss of this level reads"),
        ("4", [MAG.model_copy(update={"turns": (turn(0, "Ann", False),)})] * 2, "in 2 MAGs: none has a right turn"),
    ],
)
def test_a_corpus_that_leaves_nothing_is_an_error(level: str, mags: list[Mag], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        check_teachable(mags, find_level(level), OBJECTIVE)


def test_wrong_turns_alone_are_enough_where_nothing_is_to_be_written() -> None:
    wrong = MAG.model_copy(update={"turns": (turn(0, "Ann", False),)})
    check_teachable([wrong], find_level("4"), Objective(alpha=0))
    check_teachable([wrong, MAG], find_level("4"), OBJECTIVE)
