"""Du et al.'s debate: the counts of every topology, memory and schedule, and whose words stand in whose prompt."""

import random
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from magdi.core.errors import ConfigError
from magdi.core.protocol import agents_named
from magdi.protocols.debate import Debate
from magdi.protocols.topology import Topology, adjacency
from tests.protocols.scripted_talk import QUESTION, as_json, counts, disagree, hold, prompt_of, provenance


def debate(**settings: Any) -> Debate:
    return Debate(Debate.Config(**settings))


@pytest.mark.parametrize(
    ("settings", "agents", "exact", "adjacent"),
    [
        ({}, 3, (6, 9), (6, 9)),
        ({"rounds": 2}, 3, (9, 27), (9, 18)),
        ({"rounds": 2, "memory": "last"}, 3, (9, 18), (9, 18)),
        ({"rounds": 1, "memory": "last", "schedule": "async"}, 3, (6, 9), (6, 9)),
        ({"rounds": 2, "topology": "ring"}, 4, (12, 36), (12, 24)),
        ({"rounds": 2, "topology": "regular", "degree": 2}, 4, (12, 36), (12, 24)),
        ({"memory": "last", "topology": "report"}, 3, (6, 7), (6, 7)),
        ({"memory": "last", "topology": "star"}, 3, (6, 7), (6, 7)),
        ({"memory": "last", "topology": "relay"}, 3, (6, 6), (6, 6)),
        ({"memory": "last", "topology": "debate"}, 3, (6, 7), (6, 7)),
        ({"memory": "last", "own": False}, 3, (6, 6), (6, 6)),
        ({"memory": "summary", "rounds": 2}, 3, (11, 12), (11, 12)),
        ({"memory": "summary", "rounds": 2, "own": True}, 3, (11, 18), (11, 16)),
        ({"topology": "custom", "adjacency": [[0], [0, 1], [1, 2]], "memory": "last"}, 3, (6, 5), (6, 5)),
        ({"topology": "custom", "adjacency": [[1], [], [2, 2, 1]], "memory": "last"}, 3, (6, 5), (6, 5)),
        ({"topology": "custom", "adjacency": [[1], [], [2, 1]], "own": False}, 3, (6, 2), (6, 2)),
        ({"rounds": 2}, 1, (3, 3), (3, 2)),
    ],
)
def test_counts(settings: dict[str, Any], agents: int, exact: tuple[int, int], adjacent: tuple[int, int]) -> None:
    mag = hold(debate(**settings), disagree, agents=agents)
    assert counts(mag) == exact
    assert counts(mag, "adjacent") == adjacent
    provenance(mag)


def test_async_agents_hear_those_before_them_in_the_round() -> None:
    mag = hold(debate(memory="last", schedule="async"), disagree)
    assert [turn.sources for turn in mag.turns[3:]] == [(0, 1, 2), (1, 2, 3), (2, 3, 4)]


@pytest.mark.parametrize("topology", [name for name in get_args(Topology) if name != "custom"])
def test_topologies_stay_within_the_agents(topology: Topology) -> None:
    for n in (1, 2, 5):
        reads = adjacency(topology, n)
        assert len(reads) == n
        assert all(k in sources and set(sources) <= set(range(n)) for k, sources in enumerate(reads))


def test_a_regular_topology_reads_as_many_as_asked() -> None:
    assert {len(sources) for sources in adjacency("regular", 6, degree=3)} == {4}


def test_an_agents_chat_reads_as_it_went() -> None:
    mag = hold(debate(rounds=2), disagree)
    chat = prompt_of(mag.turns[7])
    assert [message.role for message in chat] == ["user", "assistant", "user", "assistant", "user"]
    assert chat[1].content == mag.turns[1].text
    assert "word0word" in chat[2].content
    assert "word5word" in chat[4].content
    assert "word5word" not in chat[2].content


def test_an_invalid_reply_is_shown_to_nobody_and_breaks_no_chat() -> None:
    replies = ["The answer is 1."] * 9
    replies[1] = "no idea"
    mag = hold(debate(rounds=2), replies)
    assert mag.turns[1].status == "invalid"
    assert all(1 not in turn.sources for turn in mag.turns)
    assert [message.role for message in mag.turns[7].prompt] == ["user", "assistant", "user"]


def test_it_stops_on_consensus_only_when_told_to() -> None:
    assert len(hold(debate(rounds=3), ["The answer is 51."] * 12).turns) == 12
    early = hold(debate(rounds=3, until_consensus=True), ["The answer is 51."] * 3)
    assert (len(early.turns), early.stop) == (3, "consensus")
    assert early.decision.correct


def test_the_vote_is_over_the_last_round() -> None:
    replies = [f"The answer is {n}." for n in (7, 7, 7, 51, 51, 7)]
    assert hold(debate(), replies).decision.votes == {"51": 2, "7": 1}


def test_agreement_intensity_is_told() -> None:
    told = prompt_of(hold(debate(agreement=8), disagree).turns[3])[-1].content
    assert "let 8 guide you" in told
    assert "guide you" not in prompt_of(hold(debate(), disagree).turns[3])[-1].content


@pytest.mark.parametrize(
    "settings",
    [
        {"topology": "custom"},
        {"adjacency": [[0]]},
        {"topology": "custom", "adjacency": [[1], [2]]},
        {"topology": "custom", "adjacency": [[1], [-1]]},
        {"memory": "summary", "topology": "ring"},
        {"agreement": 11},
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Debate.Config(**settings)


@pytest.mark.parametrize("agents", [1, 3])
def test_an_adjacency_is_for_as_many_agents_as_it_has_rows(agents: int) -> None:
    custom = debate(topology="custom", adjacency=[[1], [0]])
    with pytest.raises(ConfigError, match=f"adjacency is for 2 agents, but {agents} take part"):
        next(custom.discuss(QUESTION, agents_named("ABC"[:agents])))
    assert counts(hold(custom, disagree, agents=2)) == (4, 4)


def test_a_template_must_keep_its_names() -> None:
    with pytest.raises(ValidationError, match=r"\{agreement\}, \{form\}, \{solutions\}"):
        Debate.Config(prompts={"update": "Now what? {form}"})
    mag = hold(debate(prompts={"reflect": "Again! {form}"}), [as_json(1), as_json(2)], agents=1)
    assert prompt_of(mag.turns[1])[-1].content.startswith("Again!")


def test_random_topology_reads_by_lot_within_the_agents_and_keeps_own_answers() -> None:
    drawn = [adjacency("random", 4, lot=random.Random(seed)) for seed in range(200)]
    assert all(k in sources for reads in drawn for k, sources in enumerate(reads))
    others = sum(len(sources) - 1 for reads in drawn for sources in reads)
    assert 0.45 < others / (200 * 4 * 3) < 0.55
    assert adjacency("random", 4, lot=random.Random(1)) == adjacency("random", 4, lot=random.Random(1))
