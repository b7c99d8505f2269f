"""From a framework's prompts to edges and back: which turns stand in a prompt, wherever and however they do."""

import json

from magdi.core.mag import Turn
from magdi.protocols.team_prompts import Line, fill_form, make_form, with_task


def turn(step: int, agent: str, text: str) -> Turn:
    return Turn(step=step, agent=agent, text=text)


SAID = [("ann", turn(0, "ann", "I say 5.")), ("bob", turn(1, "bob", "I say 5.")), ("ann", turn(2, "ann", "I say 5."))]


def test_a_form_marks_whole_messages_by_author_newest_first() -> None:
    lines = [Line("system", "", "I say 5."), Line("user", "bob", "I say 5."), Line("assistant", "ann", "I say 5.")]
    form = make_form(lines, SAID, ["ann", "bob"])
    assert form.steps == (1, 2)
    prompt = fill_form(form.text, [turn for _, turn in SAID])
    assert [(message.role, message.content) for message in prompt] == [
        ("system", "I say 5."), ("user", "bob: I say 5."), ("assistant", "I say 5."),
    ]  # fmt: skip


def test_a_form_finds_turns_in_a_transcript_and_keeps_every_letter() -> None:
    text = "Read this.\n\nuser: What is it?\n\nbob: I say 5.\n\nann: I say 5.\n\nWho is next?"
    form = make_form([Line("user", "user", text)], SAID, ["ann", "bob"])
    assert form.steps == (1, 2)
    assert "say 5" not in form.text
    assert fill_form(form.text, [turn for _, turn in SAID])[0].content == text


def test_marks_in_what_is_said_are_no_marks() -> None:
    form = make_form([Line("user", "x", "\x021\x03")], SAID, ["ann"])
    assert form.steps == ()
    assert json.loads(form.text) == [["user", ""]]


def test_a_prompt_that_has_lost_the_task_gets_it_back() -> None:
    lines = [Line("system", "", "You."), Line("user", "bob", "Hm.")]
    assert with_task(lines, "The task") == [lines[0], Line("user", "user", "The task"), lines[1]]
    assert with_task([Line("user", "user", "The task, again")], "The task") == [Line("user", "user", "The task, again")]


def steps(line: Line, *said: str) -> tuple[int, ...]:
    return make_form([line], [("ann", turn(step, "ann", text)) for step, text in enumerate(said)], ["ann"]).steps


def test_a_string_of_somebodys_json_is_theirs_letter_for_letter() -> None:
    said = 'So:\n{"next": "bob", "ask": "Say \\"4\\" or\\n\\u00fcber \\\\ 5."}'
    form = make_form([Line("user", "", 'Say "4" or\nüber \\ 5.')], [("ann", turn(3, "ann", said))], ["ann"])
    assert form.steps == (3,)
    assert "über" not in form.text
    assert fill_form(form.text, [turn(3, "ann", said)])[0].content == 'Say "4" or\nüber \\ 5.'
    assert steps(Line("user", "bob", "Say it."), '{"ask": "Say it."}') == ()
    assert steps(Line("user", "", "Say it all."), '{"ask": "Say it."}') == ()


def test_blanks_around_what_was_said_are_not_what_was_said() -> None:
    assert steps(Line("user", "ann", "Four."), " Four.\n") == (0,)
    assert steps(Line("user", "", "It reads so:\n\nFour and a half.\n\nNow you."), "Four and a half.\n") == (0,)


def test_short_replies_are_not_matched_by_accident() -> None:
    assert steps(Line("user", "", "Yes.\n\nNo."), "Yes.", "No.") == ()
    assert steps(Line("user", "", "They say four and a half. Or less."), "four and a half.") == ()
