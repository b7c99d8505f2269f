"""Decision rules on any protocol: pure votes, thresholds, ballots, a judge."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from magdi.core.config.models import ComponentChoice
from magdi.core.decision import DecisionRule
from magdi.core.errors import ComponentError, ConfigError
from magdi.core.mag import Mag, Message, Question
from magdi.core.protocol import Ask
from magdi.plugins.decisions.ballots import BallotForm
from magdi.plugins.registry import default_registry
from magdi.protocols.debate import Debate
from magdi.protocols.single import Single
from tests.protocols.scripted_talk import QUESTION, RULES, as_json, hold, provenance


def rule(name: str, **settings: Any) -> DecisionRule:
    return default_registry().decision(ComponentChoice(name=name, **settings))


def decided(
    name: str,
    answers: tuple[int | None, ...],
    then: Sequence[str] = (),
    protocol: Debate | None = None,
    confidences: tuple[float, float, float] | None = None,
    **settings: str,
) -> Mag:
    stated = confidences or [0.9] * len(answers)
    replies = [
        as_json(a, c, f"word{i}word") if a else "?" for i, (a, c) in enumerate(zip(answers, stated, strict=True))
    ]
    return hold(protocol or Single(), [*replies, *then], agents=min(len(answers), 3), decide=rule(name, **settings))


@pytest.mark.parametrize(
    ("name", "answers", "expected"),
    [
        ("plurality", (7, 51, 51), "51"),
        ("last-word", (51, 51, 7), "7"),
        ("first-round", (51, 51, 7), "51"),
        ("majority", (51, 51, 7), "51"),
        ("majority", (1, 2, 3), None),
        ("majority", (51, None, None), None),
        ("supermajority", (51, 51, 7), "51"),
        ("unanimity", (51, 51, 7), None),
        ("unanimity", (51, 51, None), None),
        ("unanimity", (51, 51, 51), "51"),
        ("weighted", (None, None, None), None),
    ],
)
def test_rules_that_ask_nobody(
    name: str, answers: tuple[int | None, int | None, int | None], expected: str | None
) -> None:
    mag = decided(name, answers)
    assert mag.decision.answer == expected
    assert len(mag.turns) == 3
    assert mag.decision.rule in (name, "plurality")


def test_a_threshold_may_fall_back_on_the_most_frequent() -> None:
    assert decided("unanimity", (51, 51, 7), otherwise="plurality").decision.answer == "51"


def test_weights_are_recalibrated_confidences() -> None:
    assert decided("weighted", (51, 7, 7), confidences=(1.0, 0.7, 0.7)).decision.answer == "51"
    assert decided("weighted", (51, 7, 7), confidences=(1.0, 0.7, 0.7), calibration="equal").decision.answer == "7"


def test_first_round_is_what_an_ensemble_would_have_said() -> None:
    debate = Debate(Debate.Config(confidence=True))
    mag = decided("first-round", (51, 51, 7, 7, 7, 7), protocol=debate)
    assert (mag.decision.answer, len(mag.turns)) == ("51", 6)


def ballot(**fields: Any) -> str:
    return json.dumps({"reasoning": "r"} | fields)


@pytest.mark.parametrize(
    ("name", "ballots", "votes"),
    [
        ("simple-voting", [{"vote": "2"}, {"vote": 2}, {"vote": " 1"}], {"1": 1, "2": 2, "3": 0}),
        ("approval", [{"approve": ["1", "3"]}, {"approve": "3"}, {"approve": ["2", 9]}], {"1": 1, "2": 1, "3": 2}),
        ("ranked", [{"ranking": ["3", "2", "1"]}, {"ranking": ["1"]}, {"ranking": []}], {"1": 4, "2": 2, "3": 3}),
        ("cumulative", [{"points": {"1": 70, "2": 30}}, {"points": {"3": 8}}, {}], {"1": 7, "2": 3, "3": 10}),
    ],
)  # fmt: skip
def test_ballots(name: str, ballots: list[dict[str, Any]], votes: dict[str, int]) -> None:
    mag = decided(name, (1, 2, 3), [ballot(**each) for each in ballots])
    assert mag.decision.votes == votes
    assert mag.decision.answer == max(votes, key=lambda answer: votes[answer])
    assert {turn.role for turn in mag.turns[3:]} == {"voter"}
    assert all(turn.answer is None and turn.label is None for turn in mag.turns[3:])
    assert [edge.kind for edge in mag.turns[4].seen] == ["content", "self", "content"]
    provenance(mag)


def test_a_tie_is_voted_on_again_and_then_goes_to_who_proposed_first() -> None:
    tie = [ballot(vote=vote) for vote in ("51", "2", "3")]
    mag = decided("simple-voting", (51, 2, 3), tie * 2)
    assert (mag.decision.answer, len(mag.turns)) == ("51", 9)
    broken = decided("simple-voting", (51, 2, 3), [*tie, *[ballot(vote="2")] * 3])
    assert broken.decision.votes == {"51": 0, "2": 3, "3": 0}


def test_there_is_no_vote_where_all_agree() -> None:
    assert len(decided("ranked", (51, 51, 51)).turns) == 3


def test_an_answer_in_place_of_a_vote_counts_for_it_and_nonsense_for_nothing() -> None:
    mag = decided("approval", (51, 2, 3), [ballot(answer="51"), "hm", ballot(vote=None)])
    assert mag.decision.votes == {"51": 1, "2": 0, "3": 0}
    assert [turn.status for turn in mag.turns[3:]] == ["ok", "invalid", "invalid"]


def test_a_judge_has_the_last_word_or_else_the_vote_has() -> None:
    mag = decided("judge", (1, 1, 51), ["Two are hasty. The answer is 51."], agent="C")
    assert (mag.decision.answer, mag.decision.rule, mag.turns[3].agent) == ("51", "judge", "C")
    assert mag.turns[3].sources == (0, 1, 2)
    assert decided("judge", (1, 1, 51), ["Hm."]).decision.answer == "1"
    assert decided("judge", (None, None, None)).decision.answer is None
    assert len(decided("judge", (51, 51, 51)).turns) == 3, "there is nothing to judge"
    provenance(mag)


@pytest.mark.parametrize("name", ["simple-voting", "approval", "ranked", "cumulative"])
def test_ballots_have_a_schema_that_names_the_answers(name: str) -> None:
    form = decided_form(name)
    schema: Any = form.schema(QUESTION)
    assert set(schema["required"]) == {"reasoning", form.key}
    assert '"51"' in json.dumps(schema["properties"][form.key])


def decided_form(name: str) -> BallotForm:
    asks: list[Ask] = []

    kind: Any = type(rule(name))

    class Spy(kind):  # type: ignore[misc]
        def prompt(self, question: Question, ask: Ask) -> list[Message]:
            asks.append(ask)
            return super().prompt(question, ask)

    hold(Single(), [as_json(51), as_json(2), *[ballot(vote="51")] * 4], agents=2, decide=Spy())
    form = asks[0].reply
    assert isinstance(form, BallotForm)
    return form


def test_unknown_rules_and_settings_are_told() -> None:
    with pytest.raises(ComponentError) as caught:
        rule("pluralty")
    assert "did you mean 'plurality'?" in str(caught.value)
    with pytest.raises(ConfigError, match=r"attempts"):
        rule("ranked", attempts=0)


@pytest.mark.parametrize("name", RULES)
def test_every_setting_is_described(name: str) -> None:
    assert all(field.description for field in RULES[name].Config.model_fields.values())
