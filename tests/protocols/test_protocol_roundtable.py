"""Group chats: counts, windows, who speaks next, when it ends; solver and critic."""

from typing import Any

import pytest

from magdi.core.protocol import Agent, Ask
from magdi.protocols.chatting import without_signals
from magdi.protocols.roundtable import Roundtable
from magdi.protocols.solver_critic import SolverCritic
from tests.protocols.scripted_talk import Script, counts, disagree, hold, prompt_of, provenance


def table(**settings: Any) -> Roundtable:
    return Roundtable(Roundtable.Config(**settings))


@pytest.mark.parametrize(("window", "edges"), [(None, 15), (2, 9), (1, 5)])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_counts(window: int | None, edges: int, n: int) -> None:
    mag = hold(table(window=window, until_consensus=False), disagree, agents=n)
    assert counts(mag) == (6, edges)
    provenance(mag)


def test_the_question_is_in_every_prompt_however_small_the_window() -> None:
    mag = hold(table(window=1), disagree)
    assert all("17 * 3" in prompt_of(turn)[0].content for turn in mag.turns)


def choosing(*names: str) -> Script:
    left = list(names)

    def script(ask: Ask, step: int) -> str:
        return f"word{step}word {left.pop(0)}" if ask.role == "selector" else disagree(ask, step)

    return script


def test_a_selector_adds_a_turn_and_a_control_edge_for_every_choice() -> None:
    mag = hold(table(speaker="selector", max_turns=4), choosing("B", "C", "A", "C"))
    speakers = [turn.agent for turn in mag.turns if turn.role == "solver"]
    assert speakers == ["B", "C", "A", "C"]
    assert counts(mag) == (8, 2 * 6 + 4)
    assert [edge.kind for edge in mag.turns[3].seen] == ["content", "control"]
    assert all(turn.answer is None and turn.label is None for turn in mag.turns if turn.role == "selector")
    provenance(mag)


def test_a_selector_chooses_among_the_others_and_is_replaced_by_the_order_when_unclear() -> None:
    mag = hold(table(speaker="selector", max_turns=3), choosing("A", "B or C", "C or B"))
    assert [turn.agent for turn in mag.turns if turn.role == "solver"] == ["A", "C", "B"]
    assert mag.turns[2].status == "invalid"
    members = prompt_of(mag.turns[2])[0].content
    assert "- B" in members
    assert "- A" not in members


def test_two_agents_leave_nothing_to_choose() -> None:
    mag = hold(table(speaker="selector"), choosing("A"), agents=2)
    assert [turn.agent for turn in mag.turns] == ["A", "A", "B", "A", "B", "A", "B"]


def test_the_lot_is_the_same_for_the_same_seed_and_never_falls_twice_on_one() -> None:
    speakers = [
        [turn.agent for turn in hold(table(speaker="random", max_turns=12, seed=seed), disagree).turns]
        for seed in (0, 0, 1)
    ]
    assert speakers[0] == speakers[1] != speakers[2]
    assert all(one != two for one, two in zip(speakers[0], speakers[0][1:], strict=False))


def test_hand_off_follows_the_last_speaker() -> None:
    def script(ask: Ask, step: int) -> str:
        return {0: "NEXT: C\nThe answer is 1.", 1: "Next, B? The answer is 2."}.get(step, "NEXT: B\nThe answer is 3.")

    mag = hold(table(speaker="hand-off", max_turns=4), script)
    assert [turn.agent for turn in mag.turns] == ["A", "C", "C", "B"]
    assert "NEXT: name" in prompt_of(mag.turns[0])[-1].content


def test_signals_are_neither_reasoning_nor_answer() -> None:
    replies = [
        "2 + 2 = 4. The answer is 4.\nNEXT: Agent 3",
        "I checked. The answer is 5. NEXT: B",
        "NEXT: C\n1 + 4 = 5. The answer is 5.\nDONE",
    ]
    mag = hold(table(speaker="hand-off", stop_mention="DONE", until_consensus=False), replies)
    assert [turn.reasoning for turn in mag.turns] == ["2 + 2 = 4.", "I checked.", "1 + 4 = 5."]
    assert [turn.answer for turn in mag.turns] == ["4", "5", "5"]
    assert [turn.text for turn in mag.turns] == replies, "what was said is kept as it was"
    assert mag.stop == "mention"
    assert without_signals("DONEness is over. DONE.", "DONE") == "DONEness is over."


def test_it_ends_on_a_word_on_consensus_or_after_its_turns() -> None:
    replies = ["The answer is 51."] * 6
    assert (hold(table(), replies).stop, len(hold(table(), replies).turns)) == ("consensus", 3)
    assert hold(table(until_consensus=False), replies).stop == "turns"
    ended = hold(table(stop_mention="DONE"), ["The answer is 1.", "DONE. The answer is 2."])
    assert (ended.stop, len(ended.turns)) == ("mention", 2)
    assert "say DONE" in prompt_of(ended.turns[0])[-1].content


def test_votes_or_the_last_word() -> None:
    replies = [f"The answer is {n}." for n in (51, 51, 7, 51, 51, 8)]
    assert hold(table(), replies).decision.answer == "51"
    assert hold(table(decision="last"), replies).decision.answer == "8"


def test_personas_reach_speakers_and_selector() -> None:
    agents = [Agent("Ann", "You count."), Agent("Ann-Lee"), Agent("Bo", "You doubt.")]
    mag = hold(table(speaker="selector", max_turns=2), choosing("Ann-Lee", "Bo"), agents=agents)
    assert "- Ann: You count." in prompt_of(mag.turns[0])[0].content
    assert [turn.agent for turn in mag.turns] == ["Ann", "Ann-Lee", "Ann", "Bo"]
    assert prompt_of(mag.turns[3])[0].content == "You doubt."


def critic(**settings: Any) -> SolverCritic:
    return SolverCritic(SolverCritic.Config(**settings))


def never_happy(ask: Ask, step: int) -> str:
    return f"word{step}word is wrong" if ask.role == "critic" else disagree(ask, step)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_solver_and_critic_alternate(n: int) -> None:
    mag = hold(critic(), never_happy, agents=n)
    assert counts(mag) == (6, 15)
    assert [turn.role for turn in mag.turns] == ["solver", "critic"] * 3
    assert [edge.kind for edge in mag.turns[4].seen] == ["self", "critique", "self", "critique"]
    assert mag.decision.answer == "1004"
    provenance(mag)


def test_approval_ends_it() -> None:
    mag = hold(critic(), ["The answer is 51.", "I APPROVE"], agents=2)
    assert (len(mag.turns), mag.stop, mag.decision.correct) == (2, "approved", True)


def test_there_is_nothing_to_criticise_in_an_invalid_reply() -> None:
    assert hold(critic(), ["Hm."], agents=2).stop == "nothing to criticise"
    assert hold(critic(), ["The answer is 51.", ""], agents=2).stop == "nothing criticised"
