"""ReConcile: counts, groups, recalibrated votes, convincing samples, and what it does with replies that are no use."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from magdi.core.errors import ConfigError, DataError
from magdi.core.mag import Mag, Turn
from magdi.protocols.confidence import Fitted, fit, recalibrate, table
from magdi.protocols.reconcile import ReConcile
from tests.protocols.scripted_talk import QUESTION, as_json, counts, disagree, hold, prompt_of, provenance


def reconcile(**settings: Any) -> ReConcile:
    return ReConcile(ReConcile.Config(**settings))


@pytest.mark.parametrize(("rounds", "expected"), [(0, (3, 0)), (1, (6, 9)), (2, (9, 18)), (3, (12, 27))])
def test_counts(rounds: int, expected: tuple[int, int]) -> None:
    mag = hold(reconcile(rounds=rounds), disagree)
    assert counts(mag) == counts(mag, "adjacent") == expected
    provenance(mag)


def test_top2_hides_the_third_opinion_as_the_authors_code_does() -> None:
    mag = hold(reconcile(rounds=1, groups="top2"), disagree)
    assert counts(mag) == (6, 6)
    provenance(mag)


@pytest.mark.parametrize("settings", [{"groups": "top2"}, {}])
def test_the_third_opinion_wins_unseen_only_in_top2(settings: dict[str, str]) -> None:
    replies = [as_json("1", 0.9), as_json("2", 0.9), as_json("3", 1.0)] * 2
    mag = hold(reconcile(rounds=1, **settings), replies)
    assert mag.decision.answer == "3"
    seen_by_anyone = any(2 in turn.sources for turn in mag.turns)
    assert seen_by_anyone is not bool(settings)


def test_it_stops_as_soon_as_all_agree() -> None:
    replies = [as_json(n) for n in (1, 51, 51, 51, 51, 51)]
    mag = hold(reconcile(), replies)
    assert (counts(mag), mag.stop, mag.structure, mag.decision.correct) == ((6, 9), "consensus", "G1", True)


def test_an_invalid_turn_has_no_vote_is_not_shown_and_is_no_consensus() -> None:
    mag = hold(reconcile(rounds=1), [as_json(51), as_json(51), "???"] * 2)
    assert counts(mag) == (6, 6)
    assert mag.decision.votes == {"51": 1.6}
    assert mag.stop == "rounds"
    assert "2 agents have answered" in prompt_of(mag.turns[3])[0].content


def test_a_silent_last_round_leaves_the_vote_to_the_one_before() -> None:
    mag = hold(reconcile(rounds=1), [as_json(51), as_json(51), as_json(2), "", "", ""])
    assert mag.decision.answer == "51"


def test_the_largest_group_comes_first_and_the_own_answer_is_marked() -> None:
    mag = hold(reconcile(rounds=1), [as_json(n, reasoning=f"word{i}word") for i, n in enumerate((7, 8, 8) * 2)])
    text = prompt_of(mag.turns[3])[0].content
    assert text.index("2 of 3 say 8") < text.index("1 of 3 say 7")
    assert text.index("1 of 3 say 7") < text.index("Your own earlier solution") < text.index("word0word")
    assert text.count("Your own") == 1


@pytest.mark.parametrize(
    ("stated", "weight"),
    [(1, 1), (0.99, 0.8), (0.9, 0.8), (0.89, 0.5), (0.8, 0.5), (0.7, 0.3), (0.6, 0.1), (0, 0.1), (None, 0.1)],
)
def test_the_papers_table(stated: float | None, weight: float) -> None:
    assert table(stated) == weight


def test_votes_are_weighted_by_recalibrated_confidence() -> None:
    replies = [as_json(1, 1.0), as_json(2, 0.7), as_json(2, 0.7)]
    assert hold(reconcile(rounds=0), replies).decision.answer == "1"
    assert hold(reconcile(rounds=0, calibration="equal"), replies).decision.answer == "2"
    assert hold(reconcile(rounds=0, calibration="stated"), replies).decision.votes == {"1": 1.0, "2": 1.4}


def graded(agent: str, confidence: float | None, correct: bool | None) -> Turn:
    return Turn(step=0, agent=agent, text="", answer="1", confidence=confidence, correct=correct)


def mags_of(turns: list[Turn]) -> list[Mag]:
    mag = hold(reconcile(rounds=0), [as_json(1)] * 3)
    return [mag.model_copy(update={"turns": (turn,)}) for turn in turns]


def test_a_calibration_is_fitted_by_agent_and_never_falls(tmp_path: Path) -> None:
    turns = [graded("A", c, right) for c, right in ((0.5, False), (0.5, True), (0.7, True), (0.9, False), (0.9, True))]
    fitted = fit(mags_of(turns + [graded("B", 0.9, False)] * 4))
    assert fitted.agents["A"].right == pytest.approx((0.5, 2 / 3, 2 / 3))
    assert fitted.agents["B"](0.9) == fitted.agents["B"](0.2) == 0
    path = tmp_path / "calibration.json"
    path.write_text(fitted.model_dump_json())
    weight = recalibrate(str(path))
    assert Fitted.model_validate_json(path.read_text()) == fitted
    assert weight(graded("A", 0.8, None)) == pytest.approx(2 / 3)
    assert weight(graded("unknown", 0.9, None)) == pytest.approx(1 / 3)
    assert weight(graded("A", None, None)) == 0.1


def test_a_calibration_needs_something_to_fit() -> None:
    with pytest.raises(DataError):
        fit(mags_of([graded("A", None, True)]))
    with pytest.raises(ConfigError):
        reconcile(calibration="missing.json")


SAMPLES = {
    name: [{"question": f"question {name}{k}", "explanation": f"explained {name}{k}", "answer": "1"} for k in range(6)]
    for name in ("A", "B", "C")
}


def test_each_agent_is_shown_what_convinced_the_others(tmp_path: Path) -> None:
    path = tmp_path / "convincing.json"
    path.write_text(json.dumps(SAMPLES))
    for convincing in (SAMPLES, str(path)):
        mag = hold(reconcile(rounds=1, convincing=convincing, convincing_count=2), disagree)
        assert "explained" not in prompt_of(mag.turns[0])[0].content
        told = prompt_of(mag.turns[3])[0].content
        assert [f"explained {name}{k}" in told for name in "ABC" for k in range(3)] == [0, 0, 0, 1, 1, 0, 1, 1, 0]


def test_a_convincing_sample_never_gives_the_question_away() -> None:
    sample = {"question": QUESTION.text, "explanation": "it is 51", "answer": "51"}
    mag = hold(reconcile(convincing={"B": [sample]}, convincing_first=True, rounds=0), disagree)
    assert all("51" not in prompt_of(turn)[0].content for turn in mag.turns)


@pytest.mark.parametrize("text", [None, "[]", '{"A": [{"question": "q"}]}'])
def test_a_bad_file_of_samples_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "convincing.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValidationError, match="convincing.json"):
        reconcile(convincing=str(path))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_any_number_of_agents(n: int) -> None:
    mag = hold(reconcile(rounds=2), disagree, agents=n)
    assert counts(mag) == ((1, 0) if n == 1 else (3 * n, 2 * n * n))
