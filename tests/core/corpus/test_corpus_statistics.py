"""Statistics against what was counted by hand."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from magdi.core.mag import Seen
from magdi.plugins.corpus.statistics import describe
from magdi.plugins.corpus.statistics.compared import baselines, by_rule, expected_vote
from magdi.plugins.corpus.statistics.flips import changes, flips
from magdi.plugins.corpus.statistics.rounds import by_round, entropy
from magdi.plugins.corpus.statistics.shares import share_of
from magdi.plugins.corpus.statistics.voices import voices
from tests.core.corpus.mag_samples import QUESTION, mag, talk, turn


def row(rows: Sequence[Mapping[str, Any]], name: str, key: str = "rule") -> Mapping[str, Any]:
    return next(each for each in rows if each[key] == name)


def test_the_whole_document_is_json_and_counts_add_up() -> None:
    document = describe([talk("a"), talk("b")])
    assert json.loads(json.dumps(document)) == document
    assert {name: document["totals"][name] for name in ("mags", "questions", "turns", "edges")} == {
        "mags": 2, "questions": 1, "turns": 12, "edges": 18,
    }  # fmt: skip
    for table in document["turns"].values():
        assert sum(each["turns"] for each in table) == 12
        assert sum(each["right"] + each["wrong"] + each["unlabelled"] for each in table) == 12
    assert row(document["turns"]["agent"], "B", "group")["accuracy"]["share"] == 0.5
    assert document["judged"] is None


def test_nothing_is_described_as_nothing() -> None:
    document = describe([])
    assert document["totals"]["mags"] == 0
    assert document["rounds"] == []
    assert document["totals"]["accuracy"]["share"] is None


def test_rounds() -> None:
    first, second = by_round([talk(), mag(turn(0, "A", "51"), turn(1, "B", "51"), name="m2")])
    assert (first["reached"], second["reached"]) == (2, 1)
    assert first["consensus"]["share"] == 0.5
    assert first["distinct"] == 1.5
    assert second["entropy"] == pytest.approx(0.918, abs=1e-3)
    assert second["accuracy"]["share"] == pytest.approx(2 / 3)
    assert second["vote"]["count"] == 2, "discussions that ended earlier still answer"


def test_an_unreadable_turn_counts_as_wrong_and_as_no_consensus() -> None:
    (only,) = by_round([mag(turn(0, "A", "51"), turn(1, "B", None))])
    assert only["accuracy"]["share"] == 0.5
    assert only["consensus"]["share"] == 0
    assert only["agreement"] == 0.5


def test_critics_count_neither_way() -> None:
    critic = turn(1, "B", None, (0,), 1, role="critic", status="ok")
    rows = by_round([mag(turn(0, "A", "51"), critic)])
    assert [each["reached"] for each in rows] == [1, 1], "reached is what was held, answered or not"
    assert [each["consensus"]["count"] for each in rows] == [1, 0]
    assert rows[1]["accuracy"]["count"] == 0


def test_every_sample_of_an_agent_has_a_vote() -> None:
    drawn = [turn(step, "A", answer, branch=(step,)) for step, answer in enumerate(["51", "51", "51", "7", None])]
    samples = mag(*drawn, name="s", protocol="self-consistency")
    assert by_round([samples])[0]["vote"]["share"] == 1, "A's last sample alone is wrong"
    right = {each["rule"]: each["accuracy"]["share"] for each in by_rule([samples])}
    assert right["plurality"] == right["weighted"] == right["majority"] == 1
    assert right["supermajority"] == 0, "three of five: what could not be read counts against it"
    assert right["last-word"] == 0


def test_an_agent_that_goes_on_in_a_round_has_one_vote() -> None:
    again = [turn(0, "A", "51"), turn(1, "A", "51", (0,)), turn(2, "A", "7", (1,)), turn(3, "B", "7")]
    assert [each.agent for each in voices(mag(*again).turns)] == ["A", "A", "A", "B"]
    assert by_round([mag(*again)])[0]["vote"]["share"] == 0
    assert list(voices(talk().turns)) == list(talk().turns)


def test_samples_of_earlier_rounds_have_no_vote_any_more() -> None:
    tree = [turn(step, "A", "51", branch=(step,)) for step in range(3)]
    leaves = [turn(3 + k, "A", "7", (k,), 1, branch=(k, 0)) for k in range(2)]
    first, second = by_round([mag(*tree, *leaves)])
    assert (first["vote"]["share"], second["vote"]["share"]) == (1, 0)


def test_flips_and_who_moved_whom() -> None:
    found = flips([talk()])
    assert found["kinds"] == {"kept": 1, "wrong-to-right": 1, "right-to-wrong": 1}
    assert found["unmoved"] == {"right-to-wrong": 1}
    assert [(each["mover"], each["moved"], each["wrong-to-right"]) for each in found["who_moved_whom"]] == [
        ("A", "B", 1), ("C", "B", 1),
    ]  # fmt: skip
    assert found["edges"]["wrong-to-right"] == 2
    assert found["edges"]["shown"] == 9


def test_only_what_was_shown_can_move() -> None:
    blind = talk().model_copy(update={"turns": (*talk().turns[:4], turn(4, "B", "51", (1,), 1), talk().turns[5])})
    assert [change.movers for change in changes(blind) if change.after.agent == "B"] == [()]
    chosen = turn(4, "B", "51", round=1).model_copy(update={"seen": (Seen(step=0, kind="control"),)})
    controlled = talk().model_copy(update={"turns": (*talk().turns[:4], chosen, talk().turns[5])})
    assert [change.movers for change in changes(controlled) if change.after.agent == "B"] == [()]


def test_branches_and_samples_are_no_changes_of_mind() -> None:
    samples = [turn(step, "A", answer, branch=(step,)) for step, answer in enumerate(("51", "7", "51"))]
    assert list(changes(mag(*samples))) == []
    assert list(changes(mag(turn(0, "A", "51"), turn(1, "A", "7")))) == []


def test_decision_rules_on_the_same_discussion() -> None:
    rows = by_rule([talk()])
    right = {each["rule"]: each["accuracy"]["share"] for each in rows}
    assert right["as held"] == right["plurality"] == right["first-round"] == 1
    assert right["last-word"] == right["unanimity"] == 0
    assert row(rows, "unanimity")["decided"] == 0
    assert row(rows, "unanimity")["accuracy_decided"]["share"] is None
    assert right["weighted"] == 1, "A's 0.9 and B's 0.5 outweigh C's 0.9"


def test_baselines_compare_with_samples_of_the_same_question() -> None:
    drawn = [turn(step, "A", answer, branch=(step,)) for step, answer in enumerate(["51"] * 4 + ["7"] * 4)]
    samples = mag(*drawn, name="s", protocol="self-consistency")
    rows = baselines([talk(), samples])
    assert row(rows, "protocol", "name")["calls"] == 6
    assert row(rows, "single", "name")["accuracy"]["share"] == pytest.approx(2 / 3)
    assert row(rows, "best teacher (A)", "name")["accuracy"]["share"] == 1
    consistency = row(rows, "self-consistency", "name")
    assert (consistency["calls"], consistency["fewer_samples_than_calls"]) == (6, 0)
    assert 0 < consistency["accuracy"]["share"] < 1


@pytest.mark.parametrize(("answers", "k", "expected"), [("RW", 1, 0.5), ("RRW", 3, 1), ("RWW", 2, 2 / 3), ("WR", 2, 0)])
def test_expected_vote_is_over_all_subsets(answers: str, k: int, expected: float) -> None:
    drawn = [turn(step, "A", "51" if each == "R" else "7") for step, each in enumerate(answers)]
    assert expected_vote(drawn, k) == pytest.approx(expected)


def test_expected_vote_of_many_samples_is_drawn_and_repeatable() -> None:
    drawn = [turn(step, "A", "51" if step % 3 else "7") for step in range(40)]
    assert expected_vote(drawn, 11) == expected_vote(drawn, 11) > 0.8


def test_labels_are_held_against_what_the_file_says() -> None:
    judged = describe([talk().model_copy(update={"metadata": {"is_correct": {"A": True, "B": False}}})])["judged"]
    assert judged is not None
    assert (judged["turns"], judged["agreed"]) == (4, 3)
    assert [each["agent"] for each in judged["disagreements"]] == ["B"]


def test_shares_leave_out_what_is_not_known() -> None:
    assert share_of([True, None, False])["share"] == 0.5
    assert share_of([None])["interval"] is None
    assert entropy([]) == 0
    ungraded = talk().model_copy(update={"question": QUESTION.model_copy(update={"gold": None})})
    assert by_rule([ungraded])[0]["accuracy"]["count"] == 0
