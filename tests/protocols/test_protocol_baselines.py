"""The baselines: alone, self-consistency, self-refine."""

import pytest

from magdi.core.protocol import Ask
from magdi.protocols.self_consistency import SelfConsistency
from magdi.protocols.self_refine import SelfRefine
from magdi.protocols.single import Single
from tests.protocols.scripted_talk import as_json, counts, disagree, hold, prompt_of, provenance


def refine(**settings: int) -> SelfRefine:
    return SelfRefine(SelfRefine.Config(**settings))


@pytest.mark.parametrize("n", [1, 3])
def test_single_is_one_answer_each_and_no_edge(n: int) -> None:
    mag = hold(Single(), [as_json(51)] * n, agents=n)
    assert counts(mag) == (n, 0)
    assert mag.decision.votes == {"51": n}


def test_single_without_confidence_is_free_text() -> None:
    protocol = Single(Single.Config(confidence=False))
    mag = hold(protocol, ["17 and 17 and 17. The answer is 51."], agents=1)
    assert (mag.turns[0].answer, mag.turns[0].reasoning) == ("51", "17 and 17 and 17.")
    assert "JSON" not in prompt_of(mag.turns[0])[0].content


def test_self_consistency_draws_one_prompt_several_times_and_counts_every_sample() -> None:
    mag = hold(SelfConsistency(), [f"The answer is {n}." for n in (51, 2, 51, 2, 51)], agents=1)
    assert counts(mag) == (5, 0)
    assert mag.decision.votes == {"51": 3, "2": 2}
    assert len({turn.prompt for turn in mag.turns}) == 1
    assert [turn.branch for turn in mag.turns] == [(k,) for k in range(5)]


def test_self_consistency_shares_its_samples_among_agents() -> None:
    assert [turn.agent for turn in hold(SelfConsistency(), disagree, agents=2).turns] == ["A", "B", "A", "B", "A"]


@pytest.mark.parametrize(("k", "expected"), [(0, (1, 0)), (1, (3, 3)), (2, (5, 6))])
def test_self_refine_counts(k: int, expected: tuple[int, int]) -> None:
    mag = hold(refine(refinements=k), disagree, agents=1)
    assert counts(mag) == expected
    assert [edge.kind for turn in mag.turns[2:3] for edge in turn.seen] == ["self", "critique"][: 2 * k]
    provenance(mag)


def test_without_feedback_it_is_a_chain() -> None:
    mag = hold(refine(feedback=False), disagree, agents=1)
    assert (counts(mag), mag.edges) == ((3, 2), ((0, 1), (1, 2)))
    provenance(mag)


def test_agents_refine_side_by_side_and_stop_one_by_one() -> None:
    def script(ask: Ask, step: int) -> str:
        if ask.role == "critic":
            return "APPROVE" if ask.agent.name == "A" else "Wrong."
        return f"The answer is {51 if ask.agent.name == 'A' else 7}."

    mag = hold(refine(refinements=1), script, agents=2)
    assert [(turn.agent, turn.role) for turn in mag.turns] == [
        ("A", "solver"), ("B", "solver"), ("A", "critic"), ("B", "critic"), ("B", "solver"),
    ]  # fmt: skip
    assert mag.turns[2].answer is None
    assert mag.decision.votes == {"51": 1, "7": 1}
    assert hold(refine(), ["The answer is 51.", "APPROVE"], agents=1).stop == "approved"


def test_a_refinement_that_cannot_be_read_leaves_the_answer_before_it() -> None:
    mag = hold(refine(refinements=1), ["The answer is 51.", "Add a line.", "Hm."], agents=1)
    assert mag.decision.answer == "51"


def test_nothing_is_refined_where_there_is_no_answer() -> None:
    mag = hold(refine(), ["Hm."], agents=1)
    assert (counts(mag), mag.decision.answer) == ((1, 0), None)
