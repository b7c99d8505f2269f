"""Real teams of AG2: edges from the prompts that its clients got. Skipped where the extra is not installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from magdi.core.errors import ConfigError
from magdi.core.protocol import Ask
from magdi.plugins.testing import check_component
from magdi.plugins.testing.runner import failures
from magdi.protocols.ag2 import Ag2
from tests.protocols.scripted_talk import QUESTION, counts, disagree, hold, prompt_of, provenance

pytestmark = pytest.mark.skipif(find_spec("ag2") is None, reason="the extra magdi[ag2] is not installed")


def team(**settings: Any) -> Ag2:
    return Ag2(Ag2.Config(**settings))


@pytest.mark.parametrize(("agents", "turns"), [(1, 1), (3, 6)])
def test_by_turns_it_is_a_transcript(agents: int, turns: int) -> None:
    mag = hold(team(), disagree, agents=agents)
    assert counts(mag) == (turns, turns * (turns - 1) // 2)
    assert mag.stop == ("max_turns" if turns == 6 else "finished")
    assert mag.decision.answer == str(999 + turns)
    provenance(mag)


def test_what_has_left_the_window_is_no_edge_and_the_question_never_leaves_it() -> None:
    mag = hold(team(max_turns=9), disagree, agents=2)
    assert [turn.sources for turn in mag.turns][-2:] == [tuple(range(7)), tuple(range(1, 8))]
    assert all(QUESTION.text in "".join(part.content for part in turn.prompt) for turn in mag.turns)
    provenance(mag)


def test_who_said_what_is_told_once() -> None:
    prompt = prompt_of(hold(team(max_turns=4), disagree).turns[3])
    assert [(part.role, part.content) for part in prompt[2:]] == [
        ("assistant", "word0word. The answer is 1000."),
        ("user", "B: word1word. The answer is 1001.\n\nC: word2word. The answer is 1002."),
    ]


def test_a_sequence_ends_with_its_last() -> None:
    mag = hold(team(team="sequential"), disagree)
    assert ([turn.sources for turn in mag.turns], mag.stop) == ([(), (0,), (0, 1)], "finished")
    provenance(mag)


def test_a_hand_off_is_asked_for_in_words_and_nobody_hands_over_to_themselves() -> None:
    def script(ask: Ask, step: int) -> str:
        return f"word{step}word. The answer is {step}.\nNEXT: {'CCAA'[step]}"

    mag = hold(team(team="hand-off"), script)
    assert [turn.agent for turn in mag.turns] == ["A", "C"]
    assert "one of B, C" in prompt_of(mag.turns[0])[0].content
    assert mag.stop == "finished"
    provenance(mag)


def test_a_word_ends_it() -> None:
    mag = hold(team(stop_mention="DONE"), lambda ask, step: "DONE" if step == 1 else disagree(ask, step))
    assert (len(mag.turns), mag.stop) == (2, "DONE was said")


def test_a_failing_member_leaves_what_was_said() -> None:
    mag = hold(team(), lambda ask, step: "" if step == 3 else disagree(ask, step))
    assert [turn.status for turn in mag.turns] == ["ok", "ok", "ok", "invalid"]
    assert mag.stop == "failed: A gave no reply that could be read"
    assert mag.decision.answer == "1002"


def test_agents_of_ones_own_without_a_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_agents.py").write_text(
        "from ag2 import Agent\n"
        "def team(members):\n"
        "    ann, bob, _ = (Agent(m.name, config=m.client) for m in members)\n"
        "    async def talk(task):\n"
        "        first = await ann.ask(task)\n"
        "        await bob.ask(f'Is this right?\\n\\n[A]: {first.body}')\n"
        "        return 'checked'\n"
        "    return talk\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mag = hold(team(factory="my_agents:team"), disagree)
    assert ([turn.sources for turn in mag.turns], mag.stop) == ([(), (0,)], "checked")
    provenance(mag)


def test_a_factory_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="nowhere:team"):
        hold(team(factory="nowhere:team"), disagree)


def test_conforms() -> None:
    assert failures(check_component(Ag2, Ag2.Config(team="hand-off"))) == []
