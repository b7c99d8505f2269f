"""MAD: counts with and without judge, adaptive break, whose words whom reaches."""

import json
from typing import Any

import pytest

from magdi.core.protocol import Ask
from magdi.protocols.mad import Mad
from tests.protocols.scripted_talk import Script, counts, hold, prompt_of, provenance


def mad(**settings: Any) -> Mad:
    return Mad(Mad.Config(**settings))


def verdict(answer: str = "", decided: bool | None = None, step: int = 0) -> str:
    fields = {"reasoning": f"word{step}word", "answer": answer}
    return json.dumps(fields if decided is None else fields | {"decided": decided})


def undecided(ask: Ask, step: int) -> str:
    if ask.role == "moderator":
        return verdict(step=step, decided=False)
    return f"word{step}word. The answer is {1000 + step}."


def decided_in(round: int) -> Script:
    def script(ask: Ask, step: int) -> str:
        if ask.role == "moderator" and ask.round == round:
            return verdict("51", True, step)
        return undecided(ask, step)

    return script


@pytest.mark.parametrize(("round", "expected", "adjacent"), [(1, (3, 3), 3), (2, (6, 13), 10), (3, (9, 30), 17)])
def test_counts_until_the_moderator_decides(round: int, expected: tuple[int, int], adjacent: int) -> None:
    mag = hold(mad(), decided_in(round), agents=4)
    assert counts(mag) == expected
    assert counts(mag, "adjacent")[1] == adjacent == 7 * round - 4
    assert (mag.stop, mag.decision.answer, mag.decision.rule) == ("moderator decided", "51", "moderator")
    provenance(mag)


@pytest.mark.parametrize(("sees", "steps"), [("first", (0, 1)), ("last", (6, 7))])
def test_a_judge_ends_it_in_two_calls(sees: str, steps: tuple[int, int]) -> None:
    mag = hold(mad(judge_sees=sees), undecided, agents=4)
    assert counts(mag) == (11, 35)
    assert [turn.sources for turn in mag.turns[9:]] == [steps, (*steps, 9)]
    assert (mag.decision.answer, mag.decision.rule) == ("1010", "judge")
    assert [turn.answer for turn in mag.turns if turn.role == "moderator"] == [None] * 3
    provenance(mag)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_number_of_agents_plays_all_roles(n: int) -> None:
    mag = hold(mad(), undecided, agents=n)
    assert counts(mag) == (11, 35)
    provenance(mag)


def test_an_answer_without_a_decision_ends_nothing() -> None:
    def script(ask: Ask, step: int) -> str:
        return verdict("51", False) if ask.role == "moderator" else undecided(ask, step)

    assert len(hold(mad(), script, agents=4).turns) == 11


def test_a_moderator_that_cannot_be_read_ends_nothing() -> None:
    def script(ask: Ask, step: int) -> str:
        return "well" if ask.role == "moderator" else undecided(ask, step)

    mag = hold(mad(rounds=2), script, agents=4)
    assert [turn.status for turn in mag.turns if turn.role == "moderator"] == ["invalid"] * 2
    assert len(mag.turns) == 8


def test_nobody_judges_nothing() -> None:
    mag = hold(mad(rounds=1), lambda ask, step: "", agents=4)
    assert (len(mag.turns), mag.stop, mag.decision.answer) == (3, "nothing to judge", None)


def test_the_negative_side_is_told_to_disagree_once() -> None:
    mag = hold(mad(), undecided, agents=4)
    first, second = prompt_of(mag.turns[1]), prompt_of(mag.turns[4])
    assert "You disagree" in first[-1].content
    assert [message.role for message in second] == ["user", "assistant", "user"]
    assert "Do you agree?" in second[-1].content
    assert all("Moderator" not in message.content for message in second)
