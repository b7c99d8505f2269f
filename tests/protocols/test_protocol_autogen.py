"""A real AutoGen team: edges from the prompts that its clients got. Skipped where the extra is not installed."""

from pathlib import Path
from typing import Any

import pytest

from magdi.core.protocol import Agent, Ask
from magdi.plugins.testing import check_component
from magdi.plugins.testing.runner import failures
from magdi.protocols.autogen import Autogen
from tests.protocols.scripted_talk import QUESTION, counts, disagree, hold, prompt_of, provenance


class TestTeams:
    @pytest.fixture(autouse=True)
    def _needs_the_extra(self) -> None:
        pytest.importorskip("autogen_agentchat", reason="the extra magdi[autogen] is not installed")

    def autogen(self, **settings: Any) -> Autogen:
        return Autogen(Autogen.Config(**settings))

    @pytest.mark.parametrize(("agents", "expected"), [(1, (6, 15)), (3, (6, 15)), (5, (6, 15))])
    def test_round_robin_is_a_transcript(self, agents: int, expected: tuple[int, int]) -> None:
        mag = hold(self.autogen(), disagree, agents=agents)
        assert counts(mag) == expected
        assert mag.stop.startswith("Maximum number of messages")
        assert mag.decision.answer == "1005"
        provenance(mag)

    def test_a_flow_shows_more_than_its_edges_say(self) -> None:
        mag = hold(self.autogen(team="graph-flow"), disagree, agents=4)
        assert [turn.sources for turn in mag.turns] == [(), (0,), (0,), (0, 1, 2)]
        assert [turn.round for turn in mag.turns] == [0, 1, 1, 2]
        provenance(mag)

    def test_a_flow_can_be_given(self) -> None:
        mag = hold(self.autogen(team="graph-flow", graph=[(0, 1), (0, 2)]), disagree)
        assert len(mag.turns) == 3
        provenance(mag)

    def test_a_selector_chooses_by_control_edges(self) -> None:
        def script(ask: Ask, step: int) -> str:
            return "CB"[ask.round % 2] if ask.role == "selector" else disagree(ask, step)

        mag = hold(self.autogen(team="selector", max_turns=4), script)
        assert [turn.agent for turn in mag.turns if turn.role == "solver"] == ["C", "B", "C", "B"]
        assert counts(mag) == (8, 2 * 6 + 4)
        assert [edge.kind for edge in mag.turns[3].seen] == ["content", "control"]
        assert mag.turns[0].answer is None
        provenance(mag)

    def test_a_swarm_hands_over_in_words(self) -> None:
        def script(ask: Ask, step: int) -> str:
            return f"word{step}word. The answer is {step}.\nNEXT: {'C' if ask.agent.name == 'A' else 'A'}"

        mag = hold(self.autogen(team="swarm", max_turns=4), script)
        assert [turn.agent for turn in mag.turns] == ["A", "C", "A", "C"]
        assert counts(mag) == (4, 6)
        provenance(mag)

    def test_a_word_ends_it(self) -> None:
        mag = hold(
            self.autogen(stop_mention="DONE"), lambda ask, step: f"DONE {step}" if step == 1 else disagree(ask, step)
        )
        assert (len(mag.turns), "DONE" in mag.stop) == (2, True)

    def test_a_failing_member_leaves_what_was_said(self) -> None:
        mag = hold(self.autogen(), lambda ask, step: "" if step == 3 else disagree(ask, step))
        assert [turn.status for turn in mag.turns] == ["ok", "ok", "ok", "invalid"]
        assert mag.stop == "failed: RuntimeError: A gave no reply that could be read"
        assert mag.decision.answer == "1002"

    def test_names_that_autogen_does_not_take(self) -> None:
        agents = [Agent("7 of 9", "You count."), Agent("böb-2")]
        mag = hold(self.autogen(max_turns=2), disagree, agents=agents)
        assert [turn.agent for turn in mag.turns] == ["7 of 9", "böb-2"]
        assert prompt_of(mag.turns[0])[0].content == "You count."
        provenance(mag)

    def test_a_team_of_ones_own_keeps_the_question_whatever_its_window(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "my_team.py").write_text(
            "from autogen_agentchat.agents import AssistantAgent\n"
            "from autogen_agentchat.conditions import MaxMessageTermination\n"
            "from autogen_agentchat.teams import RoundRobinGroupChat\n"
            "from autogen_core.model_context import BufferedChatCompletionContext as Window\n"
            "def team(members):\n"
            "    agents = [AssistantAgent(m.name, model_client=m.client, system_message=None,\n"
            "                             model_context=Window(2)) for m in members]\n"
            "    return RoundRobinGroupChat(agents, termination_condition=MaxMessageTermination(7))\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        mag = hold(self.autogen(factory="my_team:team"), disagree)
        assert counts(mag) == (6, 9)
        assert all(QUESTION.text in prompt_of(turn)[0].content for turn in mag.turns)
        provenance(mag)

    def test_a_factory_that_is_not_there_is_told(self) -> None:
        from magdi.core.errors import ConfigError

        with pytest.raises(ConfigError, match="nowhere:team"):
            hold(self.autogen(factory="nowhere:team"), disagree)

    @pytest.mark.parametrize("kind", ["selector", "swarm", "graph-flow"])
    def test_conforms(self, kind: str) -> None:
        assert failures(check_component(Autogen, Autogen.Config(team=kind))) == []


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from magdi.core import extras
    from magdi.core.errors import ComponentError

    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ComponentError) as caught:
        Autogen()
    assert caught.value.hint == 'pip install "magdi[autogen]"'
