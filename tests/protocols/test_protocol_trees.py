"""MALT's tree with its values and labels, and solutions flowing along a graph."""

from typing import Any

import pytest

from magdi.core.protocol import Ask
from magdi.protocols.dag import Dag
from magdi.protocols.malt import Malt
from tests.protocols.scripted_talk import Script, counts, disagree, hold, provenance


def malt(**settings: Any) -> Malt:
    return Malt(Malt.Config(**settings))


def dag(**settings: Any) -> Dag:
    return Dag(Dag.Config(**settings))


@pytest.mark.parametrize(("n", "expected", "tree"), [(3, (39, 63), 36), (2, (14, 20), 12), (1, (3, 3), 2)])
def test_malt_counts(n: int, expected: tuple[int, int], tree: int) -> None:
    mag = hold(malt(samples=n), disagree, agents=1)
    assert counts(mag) == expected
    assert counts(mag, "adjacent")[1] == tree
    provenance(mag)


def test_malt_votes_over_three_chains() -> None:
    mag = hold(malt(mode="vote"), disagree)
    assert counts(mag) == (9, 9)
    assert [turn.agent for turn in mag.turns] == list("AAABBBCCC")
    assert len(mag.decision.votes) == 3
    provenance(mag)


def right_leaves(*branches: tuple[int, ...]) -> Script:
    def script(ask: Ask, step: int) -> str:
        return f"Thus. The answer is {51 if ask.branch in branches else 7}."

    return script


def test_values_rise_from_outcomes() -> None:
    mag = hold(malt(samples=2), right_leaves((0,), (0, 0, 0), (0, 0, 1), (0, 1, 0)), agents=1)
    by_branch = {turn.branch: turn for turn in mag.turns}
    assert {branch: turn.value for branch, turn in by_branch.items() if branch[0] == 0} == {
        (0,): 0.75, (0, 0): 1, (0, 1): 0.5, (0, 0, 0): 1, (0, 0, 1): 1, (0, 1, 0): 1, (0, 1, 1): 0,
    }  # fmt: skip
    assert [by_branch[b].label for b in ((0,), (1,), (0, 0), (0, 1), (0, 1, 1))] == [True, False, True, False, False]
    assert [by_branch[b].label_source for b in ((0,), (0, 0), (0, 0, 0))] == ["value", "value", "gold"]
    assert by_branch[0,].correct is True


def test_a_value_label_and_the_own_answer_may_differ() -> None:
    mag = hold(malt(samples=1), right_leaves((0,)), agents=1)
    assert (mag.turns[0].correct, mag.turns[0].label, mag.turns[0].value) == (True, False, 0)


def test_labels_by_interval_leave_the_middle_out() -> None:
    leaves = [(0, 0, k) for k in range(3)] + [(0, 1, 0), (0, 1, 1)] + [(1, 0, 0)]
    mag = hold(malt(samples=3, labels="interval", gap=0.7), right_leaves(*leaves), agents=1)
    by_branch = {turn.branch: turn for turn in mag.turns}
    assert [by_branch[0, k].label for k in range(3)] == [True, None, False]
    assert [by_branch[1, k].label for k in range(3)] == [None] * 3
    assert by_branch[1, 0].value == pytest.approx(1 / 3)
    assert by_branch[0, 1].label_source == "none"


def test_nothing_grows_from_an_invalid_turn() -> None:
    def script(ask: Ask, step: int) -> str:
        return "" if ask.branch[:1] == (0,) else disagree(ask, step)

    mag = hold(malt(samples=2), script, agents=1)
    assert len(mag.turns) == 2 + 2 + 4
    assert mag.turns[0].value is None
    assert hold(malt(), lambda ask, step: "", agents=1).stop == "nothing to verify"
    silent = hold(malt(), lambda ask, step: "" if ask.role == "verifier" else disagree(ask, step), agents=1)
    assert (silent.stop, silent.decision.answer) == ("nothing to refine", None)


def test_a_chain_goes_on_whatever_is_said() -> None:
    def script(ask: Ask, step: int) -> str:
        return "" if ask.role == "verifier" else "No idea." if ask.role == "generator" else disagree(ask, step)

    mag = hold(malt(mode="vote", samples=2), script)
    assert [turn.role for turn in mag.turns] == ["generator"] * 2 + ["verifier"] * 2 + ["refiner"] * 2
    assert [turn.sources for turn in mag.turns] == [(), (), (0,), (1,), (0,), (1,)]
    assert [turn.status for turn in mag.turns] == ["ok", "ok", "invalid", "invalid", "ok", "ok"]
    assert (mag.turns[0].answer, mag.turns[0].attempts) == (None, 1)
    assert sum(mag.decision.votes.values()) == 2


def test_roles_can_be_left_out_of_a_chain() -> None:
    alone = hold(malt(mode="vote", roles=["generator"]), disagree)
    assert ({turn.role for turn in alone.turns}, alone.stop, len(alone.decision.votes)) == (
        {"generator"},
        "generated",
        3,
    )
    refined = hold(malt(mode="vote", roles=["generator", "refiner"]), disagree)
    assert [turn.sources for turn in refined.turns if turn.role == "refiner"] == [(0,), (1,), (2,)]
    assert [turn.agent for turn in refined.turns] == list("AAACCC")

    def script(ask: Ask, step: int) -> str:
        doubts: dict[tuple[int, ...], str] = {
            (0, 0): "Wrong. The answer is 51.",
            (1, 0): "Right.",
            (2, 0): "Step 3 has 9 twice; 7 is wrong.",
        }
        return doubts.get(ask.branch, f"The answer is {ask.branch[0]}.")

    verified = hold(malt(mode="vote", roles=["generator", "verifier"]), script)
    assert verified.decision.votes == {"51": 1, "1": 1, "2": 1}
    for wrong in ({"roles": ["generator"]}, {"roles": ["verifier"], "mode": "vote"}, {"roles": [], "mode": "vote"}):
        with pytest.raises(ValueError, match="roles|tree"):
            malt(**wrong)


@pytest.mark.parametrize(
    ("settings", "edges"),
    [
        ({"topology": "chain"}, 6),
        ({"topology": "star"}, 6),
        ({"topology": "tree"}, 6),
        ({"topology": "layered", "width": 3}, 9 + 3),
        ({"topology": "full"}, 21),
        ({"topology": "star", "reverse": True}, 6),
    ],
)
def test_dag_counts(settings: dict[str, str | int], edges: int) -> None:
    mag = hold(dag(nodes=7, **settings), disagree)
    assert counts(mag) == (7, edges)
    provenance(mag)
    critics = hold(dag(nodes=7, critics=True, **settings), disagree)
    assert counts(critics) == (7 + edges, 3 * edges)
    assert {seen.kind for turn in critics.turns for seen in turn.seen} <= {"content", "self", "critique"}
    provenance(critics)


def test_a_random_graph_is_acyclic_connected_and_repeatable() -> None:
    graphs = [dag(topology="random", density=0.2, seed=seed).graph(12) for seed in (0, 0, 1)]
    assert list(graphs[0].edges) == list(graphs[1].edges) != list(graphs[2].edges)
    assert all(u < v for graph in graphs for u, v in graph.edges)
    assert all(graph.in_degree(v) > 0 for graph in graphs for v in range(1, 12))


def test_the_vote_is_over_the_sinks() -> None:
    replies = [f"The answer is {n}." for n in (7, 51, 51)]
    assert hold(dag(topology="star"), replies).decision.votes == {"51": 2}
    assert hold(dag(topology="chain"), replies).decision.votes == {"51": 1}
    assert hold(dag(topology="chain"), ["The answer is 51.", "The answer is 7.", ""]).decision.answer == "7"


def test_agents_take_the_nodes_by_turns_and_depth_is_the_round() -> None:
    mag = hold(dag(topology="tree", nodes=7), disagree, agents=2)
    assert [turn.agent for turn in mag.turns] == list("ABABABA")
    assert [turn.round for turn in mag.turns] == [0, 1, 1, 2, 2, 2, 2]
