"""Real workflows of Agent Framework: edges from the prompts that its clients got. Skipped without the extra."""

import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.mag import Mag
from magdi.core.protocol import Agent, Ask
from magdi.plugins.corpus.provenance import unquoted
from magdi.plugins.testing import check_component
from magdi.plugins.testing.runner import failures
from magdi.protocols.agent_framework import AgentFramework
from tests.protocols.scripted_talk import QUESTION, counts, disagree, hold, prompt_of, provenance

pytest.importorskip("agent_framework_orchestrations", reason="the extra magdi[agent-framework] is not installed")


def team(**settings: Any) -> AgentFramework:
    return AgentFramework(AgentFramework.Config(**settings))


def sources(mag: Mag) -> list[tuple[int, ...]]:
    return [turn.sources for turn in mag.turns]


@pytest.mark.parametrize("agents", [1, 3])
def test_a_group_chat_is_a_transcript(agents: int) -> None:
    mag = hold(team(), disagree, agents=agents)
    assert counts(mag) == (6, 15)
    assert mag.stop == "The group chat has reached its termination condition."
    assert mag.decision.answer == "1005"
    provenance(mag)


def test_what_others_said_is_no_message_of_the_readers() -> None:
    mag = hold(team(max_turns=4), disagree, agents=[Agent("7 of 9", "You count."), Agent("böb-2")])
    prompt = [(message.role, message.content) for message in mag.turns[2].prompt]
    assert prompt[0] == ("system", "You count.")
    assert prompt[2:] == [
        ("assistant", "word0word. The answer is 1000."), ("user", "b_b_2: word1word. The answer is 1001."),
    ]  # fmt: skip


def test_in_a_sequence_each_is_shown_all_before() -> None:
    mag = hold(team(team="sequential"), disagree)
    assert (sources(mag), mag.stop, mag.decision.answer) == ([(), (0,), (0, 1)], "finished", "1002")
    provenance(mag)


def test_side_by_side_nobody_is_shown_anything_and_all_are_asked_at_once() -> None:
    mag = hold(team(team="concurrent"), lambda ask, step: disagree(ask, min(step, 1)))
    assert sources(mag) == [(), (), ()]
    assert {turn.round for turn in mag.turns} == {0}
    assert (mag.decision.answer, mag.decision.votes) == ("1001", {"1000": 1, "1001": 2})


def test_a_hand_off_is_asked_for_in_words() -> None:
    def script(ask: Ask, step: int) -> str:
        return f"word{step}word. The answer is {step}." + f"\nNEXT: {'AC'[ask.agent.name == 'A']}" * (step < 3)

    mag = hold(team(team="handoff"), script)
    assert [turn.agent for turn in mag.turns] == ["A", "C", "A", "C"]
    assert counts(mag) == (4, 6)
    assert mag.stop == "waits for the user"
    assert mag.decision.answer == "3"
    provenance(mag)


@pytest.mark.parametrize("in_json", [True, False])
def test_an_orchestrator_chooses_by_control_edges(in_json: bool) -> None:
    def script(ask: Ask, step: int) -> str:
        if ask.role != "selector":
            return disagree(ask, step)
        name = "CB"[ask.round % 2]
        choice = {"terminate": False, "reason": f"word{step}word", "next_speaker": name, "final_message": None}
        return json.dumps(choice) if in_json else f"word{step}word: {name}!"

    mag = hold(team(team="selector", max_turns=4), script)
    assert [turn.agent for turn in mag.turns if turn.role == "solver"] == ["C", "B", "C", "B"]
    assert [edge.kind for edge in mag.turns[3].seen] == ["content", "control"]
    assert [turn.answer for turn in mag.turns if turn.role == "selector"] == [None] * 4
    provenance(mag)


def ledger(done: bool, speaker: str, instruction: str) -> str:
    given: dict[str, bool | str] = {"is_request_satisfied": done, "is_in_loop": False, "is_progress_being_made": True}
    given |= {"next_speaker": speaker, "instruction_or_question": instruction}
    return json.dumps({name: {"reason": "", "answer": answer} for name, answer in given.items()})


def test_a_magentic_managers_instructions_are_edges_and_its_last_words_the_answer() -> None:
    def script(ask: Ask, step: int) -> str:
        if ask.role != "selector":
            return disagree(ask, step)
        return (
            ledger(step == 6, "CB"[step % 4 // 2], f'Say "word{step}word" and how you come to it,\nplease.')
            if step > 1
            else f"word{step}word"
        )

    mag = hold(team(team="magentic"), script)
    assert [(turn.agent, turn.role) for turn in mag.turns] == [
        ("A", "selector"), ("A", "selector"), ("A", "selector"), ("B", "solver"), ("A", "selector"), ("C", "solver"),
        ("A", "selector"), ("A", "solver"),
    ]  # fmt: skip
    assert mag.turns[3].sources == (2,)  # told what to say, and not the plan
    assert mag.turns[5].sources == (3, 4)
    assert set(mag.turns[7].sources) >= {3, 5}
    assert mag.decision.answer == "1007"
    assert QUESTION.text in prompt_of(mag.turns[3])[1].content
    assert list(unquoted(mag)) == []


def test_a_manager_that_writes_no_ledger_ends_and_says_so() -> None:
    mag = hold(team(team="magentic"), lambda ask, step: f"word{step}word, and no ledger at all, whatever you say")
    assert mag.stop == "Workflow terminated due to reaching maximum reset count."
    provenance(mag)


def test_a_word_ends_it() -> None:
    mag = hold(team(stop_mention="DONE"), lambda ask, step: "DONE" if step == 1 else disagree(ask, step))
    assert len(mag.turns) == 2


def test_a_failing_member_leaves_what_was_said() -> None:
    mag = hold(team(), lambda ask, step: "" if step == 3 else disagree(ask, step))
    assert [turn.status for turn in mag.turns] == ["ok", "ok", "ok", "invalid"]
    assert mag.stop == "failed: A gave no reply that could be read"
    assert mag.decision.answer == "1002"


def test_a_workflow_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_workflow.py").write_text(
        "from agent_framework import Agent, WorkflowBuilder\n"
        "def team(members):\n"
        "    ann, bob, cid = (Agent(m.client, name=m.name) for m in members)\n"
        "    flow = WorkflowBuilder(start_executor=ann).add_edge(ann, bob).add_edge(ann, cid)\n"
        "    return flow.build()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mag = hold(team(factory="my_workflow:team"), disagree)
    assert sources(mag) == [(), (0,), (0,)]
    assert [turn.round for turn in mag.turns] == [0, 1, 1]
    provenance(mag)


@pytest.mark.parametrize("kind", ["selector", "magentic"])
def test_conforms(kind: str) -> None:
    assert failures(check_component(AgentFramework, AgentFramework.Config(team=kind))) == []
