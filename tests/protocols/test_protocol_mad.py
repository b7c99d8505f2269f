"""MAD: counts with and without judge, adaptive break, whose words whom reaches."""

import json

import pytest

from magdi.protocols.mad import Mad
from tests.protocols.scripted_talk import counts, hold, provenance


def mad(**settings):
    return Mad(Mad.Config(**settings))


def verdict(answer="", decided=None, step=0):
    fields = {"reasoning": f"word{step}word", "answer": answer}
    return json.dumps(fields if decided is None else fields | {"decided": decided})


def undecided(ask, step):
    if ask.role == "moderator":
        return verdict(step=step, decided=False)
    return f"word{step}word. The answer is {1000 + step}."


def decided_in(round):
    def script(ask, step):
        if ask.role == "moderator" and ask.round == round:
            return verdict("51", True, step)
        return undecided(ask, step)

    return script


@pytest.mark.parametrize(("round", "expected", "adjacent"), [(1, (3, 3), 3), (2, (6, 13), 10), (3, (9, 30), 17)])
def test_counts_until_the_moderator_decides(round, expected, adjacent):
    mag = hold(mad(), decided_in(round), agents=4)
    assert counts(mag) == expected
    assert counts(mag, "adjacent")[1] == adjacent == 7 * round - 4
    assert (mag.stop, mag.decision.answer, mag.decision.rule) == ("moderator decided", "51", "moderator")
    provenance(mag)


@pytest.mark.parametrize(("sees", "steps"), [("first", (0, 1)), ("last", (6, 7))])
def test_a_judge_ends_it_in_two_calls(sees, steps):
    mag = hold(mad(judge_sees=sees), undecided, agents=4)
    assert counts(mag) == (11, 35)
    assert [turn.sources for turn in mag.turns[9:]] == [steps, (*steps, 9)]
    assert (mag.decision.answer, mag.decision.rule) == ("1010", "judge")
    assert [turn.answer for turn in mag.turns if turn.role == "moderator"] == [None] * 3
    provenance(mag)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_number_of_agents_plays_all_roles(n):
    mag = hold(mad(), undecided, agents=n)
    assert counts(mag) == (11, 35)
    provenance(mag)


def test_an_answer_without_a_decision_ends_nothing():
    def script(ask, step):
        return verdict("51", False) if ask.role == "moderator" else undecided(ask, step)

    assert len(hold(mad(), script, agents=4).turns) == 11


def test_a_moderator_that_cannot_be_read_ends_nothing():
    def script(ask, step):
        return "well" if ask.role == "moderator" else undecided(ask, step)

    mag = hold(mad(rounds=2), script, agents=4)
    assert [turn.status for turn in mag.turns if turn.role == "moderator"] == ["invalid"] * 2
    assert len(mag.turns) == 8


def test_nobody_judges_nothing():
    mag = hold(mad(rounds=1), lambda ask, step: "", agents=4)
    assert (len(mag.turns), mag.stop, mag.decision.answer) == (3, "nothing to judge", None)


def test_the_negative_side_is_told_to_disagree_once():
    mag = hold(mad(), undecided, agents=4)
    first, second = mag.turns[1].prompt, mag.turns[4].prompt
    assert "You disagree" in first[-1].content
    assert [message.role for message in second] == ["user", "assistant", "user"]
    assert "Do you agree?" in second[-1].content
    assert all("Moderator" not in message.content for message in second)
