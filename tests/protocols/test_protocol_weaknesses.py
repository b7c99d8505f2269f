"""What went wrong in published systems does not come back (docs of each are in the protocols' own tests, too)."""

from typing import Any

import pytest

from magdi.core.protocol import Ask, Protocol
from magdi.plugins.target import resolve
from tests.protocols.scripted_talk import disagree, hold
from tests.protocols.test_protocols_conform import COMPONENTS, SETTINGS

CASES = [(name, settings) for name in COMPONENTS for settings in SETTINGS.get(name, [{}])]
IDS = [f"{name}-{place}" for name in COMPONENTS for place in range(len(SETTINGS.get(name, [{}])))]


def protocol(name: str, settings: dict[str, Any]) -> Protocol:
    target = resolve(COMPONENTS[name].target)
    return target(target.Config(**settings))


def patchy(ask: Ask, step: int) -> str:
    """Every second reply is of no use."""
    return "" if step % 2 else disagree(ask, step)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_no_prompt_has_an_empty_place_where_somebody_should_have_spoken(name: str, settings: dict[str, Any]) -> None:
    for script in (patchy, disagree, lambda ask, step: ""):
        for turn in hold(protocol(name, settings), script).turns:
            told = "\n".join(message.content for message in turn.prompt)
            assert "\n\n\n" not in told, f"{turn.role}, round {turn.round}"
            assert not told.endswith("\n")
            assert "None" not in told
            assert all(message.content.strip() for message in turn.prompt)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_silence_is_neither_consensus_nor_right(name: str, settings: dict[str, Any]) -> None:
    mag = hold(protocol(name, settings), lambda ask, step: "")
    assert mag.decision.answer is None
    assert mag.decision.correct is False
    assert mag.stop != "consensus"
    assert all(turn.status == "invalid" and turn.label is None for turn in mag.turns)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_chats_alternate_so_that_every_template_takes_them(name: str, settings: dict[str, Any]) -> None:
    for turn in hold(protocol(name, settings), patchy).turns:
        roles = [message.role for message in turn.prompt if message.role != "system"]
        assert roles[0] == roles[-1] == "user"
        assert all(one != two for one, two in zip(roles, roles[1:], strict=False))


@pytest.mark.parametrize(("name", "rounds"), [("reconcile", 12), ("debate", 12), ("mad", 12)])
def test_many_rounds(name: str, rounds: int) -> None:
    mag = hold(protocol(name, {"rounds": rounds}), disagree)
    assert mag.rounds == rounds
