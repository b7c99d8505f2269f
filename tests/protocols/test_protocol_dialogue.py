"""Protocols in YAML."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from magdi.core.errors import ConfigError
from magdi.core.protocol import Agent
from magdi.protocols.dialogue import Dialogue
from tests.protocols.scripted_talk import counts, disagree, hold, prompt_of, provenance

CRITICS = """
cast:
  - {name: optimist, persona: You like bold ideas., ask: Give your own answer.}
  - {name: pessimist, role: critic, reply: text, ask: Name the mistakes.}
steps:
  - {speak: [optimist]}
  - repeat: 3
    until: approved
    steps:
      - {speak: [pessimist], sees: [optimist.last]}
      - {speak: [optimist], sees: [own, pessimist.last], ask: Mend it.}
"""


def dialogue(text: str) -> Dialogue:
    return Dialogue(Dialogue.Config(**yaml.safe_load(text)))


def test_without_settings_all_answer_and_answer_again() -> None:
    mag = hold(Dialogue(), disagree)
    assert (counts(mag), mag.rounds) == ((6, 9), 1)
    assert [edge.kind for edge in mag.turns[4].seen] == ["content", "self", "content"]
    provenance(mag)


def test_a_cast_with_critics() -> None:
    mag = hold(dialogue(CRITICS), disagree, agents=2)
    assert [(turn.agent, turn.role) for turn in mag.turns] == [("A", "solver"), *[("B", "critic"), ("A", "solver")] * 3]
    assert mag.turns[4].sources == (0, 2, 3)
    assert [edge.kind for edge in mag.turns[4].seen] == ["self", "self", "critique"]
    assert prompt_of(mag.turns[0])[0].content == "You like bold ideas."
    assert "Mend it." in prompt_of(mag.turns[2])[-1].content
    assert "Name the mistakes." in prompt_of(mag.turns[1])[-1].content
    assert mag.turns[1].answer is None
    assert mag.stop == "finished"
    provenance(mag)


def test_it_ends_when_told() -> None:
    replies = ["The answer is 7.", "No.", "The answer is 51.", "Fine, APPROVE."]
    approved = hold(dialogue(CRITICS), replies, agents=2)
    assert (approved.stop, len(approved.turns)) == ("approved", 4)
    text = "{steps: [{repeat: 5, until: consensus, steps: [{speak: [all], sees: [last]}]}]}"
    mag = hold(dialogue(text), ["The answer is 7.", "The answer is 8.", *["The answer is 51."] * 2], agents=2)
    assert (len(mag.turns), mag.stop, mag.decision.answer) == (4, "consensus", "51")
    word = "{steps: [{speak: [all], until: '\"DONE\"', repeat: 3}]}"
    assert hold(dialogue(word), ["DONE. The answer is 1."], agents=1).stop == "mention"


def test_what_comes_after_a_step_that_was_ended_goes_on() -> None:
    text = "{steps: [{repeat: 5, until: consensus, steps: [{speak: [A]}, {speak: [B]}]}, {speak: [A], sees: [last]}]}"
    mag = hold(dialogue(text), ["The answer is 51."] * 3, agents=2)
    assert [turn.agent for turn in mag.turns] == ["A", "B", "A"]
    assert mag.turns[2].sources == (0, 1)


@pytest.mark.parametrize(
    ("sees", "steps"),
    [
        ("[]", ()),
        ("[all]", (0, 1, 2, 3)),
        ("[last]", (2, 3)),
        ("[previous]", (2, 3)),
        ("[own]", (1, 3)),
        ("[others]", (0, 2)),
        ("[own.last, A]", (0, 2, 3)),
        ("[A.last]", (2,)),
    ],
)
def test_what_is_seen(sees: str, steps: tuple[int, ...]) -> None:
    text = f"{{steps: [{{speak: [all]}}, {{speak: [all]}}, {{speak: [B], sees: {sees}}}]}}"
    mag = hold(dialogue(text), disagree, agents=2)
    assert mag.turns[4].sources == steps
    provenance(mag)


def test_an_invalid_turn_is_passed_over_for_the_one_before() -> None:
    text = "{steps: [{speak: [A]}, {speak: [A]}, {speak: [B], sees: [A.last]}]}"
    mag = hold(dialogue(text), ["The answer is 1.", "Hm.", "The answer is 2."], agents=2)
    assert mag.turns[2].sources == (0,)


def test_it_can_be_a_file_whose_settings_are_overridden(tmp_path: Path) -> None:
    path = tmp_path / "talk.yaml"
    path.write_text(CRITICS)
    config = Dialogue.Config(file=str(path), decision="last")
    assert (len(config.cast), config.decision) == (2, "last")
    mag = hold(Dialogue(config), disagree, agents=[Agent("X"), Agent("Y", "Yours.")])
    assert mag.decision.answer == "1006"
    assert prompt_of(mag.turns[1])[0].content == "Yours."
    with pytest.raises(ValidationError, match=r"missing\.yaml cannot be read"):
        Dialogue.Config(file=str(tmp_path / "missing.yaml"))
    path.write_text("- a list")
    with pytest.raises(ValidationError, match="no mapping"):
        Dialogue.Config(file=str(path))
    path.write_text("protocol: {name: dialogue}")
    with pytest.raises(ValidationError, match="neither cast nor steps at its top"):
        Dialogue.Config(file=str(path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{steps: []}", "at least 1"),
        ("{steps: [{}]}", "either speak or steps"),
        ("{steps: [{speak: [all], sees: [last.first]}]}", r"only \.last"),
        ("{steps: [{speak: [all], until: tea}]}", "until is"),
        ("{steps: [{steps: [{speak: [all]}], sees: [all]}]}", "sees belongs"),
        ("{cast: [{name: a}], steps: [{speak: [b]}]}", "'b' speaks but is not in the cast: a"),
        ("{cast: [{name: a}, {name: a}]}", "one name"),
        ("{cast: [{name: a}], steps: [{speak: [a], sees: [b.last]}]}", "is nobody"),
        ("{cast: [{name: a, mood: good}]}", "Extra inputs"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        dialogue(text)


def test_who_is_to_speak_takes_part() -> None:
    """A step of nobody alone would go round and round without a turn."""
    with pytest.raises(ConfigError, match="'ann' is to speak, but nobody of that name takes part: A, B"):
        hold(dialogue("{steps: [{steps: [{speak: [ann]}], repeat: 1000}]}"), [], agents=2)


def test_the_example_is_a_dialogue() -> None:
    path = Path(__file__).parents[2] / "examples" / "dialogue.yaml"
    mag = hold(Dialogue(Dialogue.Config(file=str(path))), disagree)
    assert counts(mag) == (2 + 2 * 3, 2 * (2 + 4))
    assert {turn.role for turn in mag.turns} == {"solver", "critic"}
    provenance(mag)
