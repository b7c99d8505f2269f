"""Conclusions that say a yes-or-no question again as a statement, made from a grammar, and what comes near one."""

from __future__ import annotations

import itertools

import pytest

from magdi.core.mag import Question
from magdi.plugins.answers import Reading, Rule, extract, read

QUESTIONS = [
    ("Would", "a pear", "sink in fresh water", "sink in fresh water"),
    ("Could", "two camels", "carry the Liberty Bell", "carry the Liberty Bell"),
    ("Is", "Bern", "located east of Paris", "located east of Paris"),
    ("Was", "the old tower", "built by Gustave Eiffel", "built by Gustave Eiffel"),
    ("Does", "the river Thames", "cross Oxford", "crosses Oxford"),
    ("Did", "Hades", "appear in the song", "appeared in the song"),
    ("Has", "Ringo Starr", "outsold Kelly Clarkson", "outsold Kelly Clarkson"),
    ("Are", "emus", "related to elks", "related to elks"),
]
LEADS = ["", "Therefore, ", "So ", "In conclusion, ", "It is large. Thus, it is safe to say that "]
REASONS = ["", " because of what was said", ", as it is too heavy", " (see above)"]


def asked(auxiliary: str, subject: str, verb: str) -> Question:
    return Question(id="q", text=f"{auxiliary} {subject} {verb}?", answer_type="boolean")


def says(auxiliary: str, subject: str, verb: str, finite: str) -> tuple[str, str]:
    does = auxiliary in ("Does", "Did")
    return (
        f"{subject} {finite}" if does else f"{subject} {auxiliary.lower()} {verb}",
        f"{subject} {auxiliary.lower()} not {verb}",
    )


@pytest.mark.parametrize("words", QUESTIONS)
def test_a_statement_of_the_question_is_yes_and_its_negation_no(words: tuple[str, str, str, str]) -> None:
    question = asked(*words[:3])
    yes, no = says(*words)
    for lead, reason in itertools.product(LEADS, REASONS):
        for said, answer in ((yes, "yes"), (no, "no"), (f"it is unlikely that {yes}", "no")):
            text = f"{lead}{said}{reason}."
            assert read(text, question) == Reading(answer, Rule.RESTATED), text
            assert extract(text, "boolean") is None, text


NEAR = [
    "{yes}, but only at times.",
    "While {yes}, some do not.",
    "It is possible that {yes}.",
    "It is doubtful that {yes}.",
    "It is unclear whether {yes}.",
    "If {yes}, it is lost.",
    "Some say that {yes}.",
    "It is not known that {no}.",
    "It is unlikely that {no}.",
    "{subject} may be what was asked about.",
    "One of them is like {subject}.",
    "Whether {yes} depends on the person.",
]


@pytest.mark.parametrize("form", NEAR)
def test_what_weakens_a_statement_leaves_it_unread(form: str) -> None:
    for words in QUESTIONS:
        yes, no = says(*words)
        text = form.format(yes=yes, no=no, subject=words[1])
        assert extract(text, asked(*words[:3])) is None, text


def test_what_a_text_says_of_the_answer_goes_first() -> None:
    for words in QUESTIONS:
        yes, no = says(*words)
        assert extract(f"The answer is no. {yes}.", asked(*words[:3])) == "no"
        assert extract(f"Yes. {no}.", asked(*words[:3])) == "yes"


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("A pear would weigh less than a melon.", "Would a melon weigh less than a pear?", None),
        ("A pear would not float.", "Would a pear sink?", None),
        ("Pears are not known to be able to sink.", "Can pears sink?", None),
        ("It is not the case that all pears sink in water.", "Do all pears sink in water?", "no"),
        ("Final answer: Pears do not sink in water.", "Do pears sink in water?", "no"),
        (
            "Q1. Are pears wet?\nYes.\nFinal answer: Do pears sink in water?\nThat is unknown.",
            "Do pears sink in water?",
            None,
        ),
        ("Q1. Are pears wet?\nYes, they are.", "Do pears sink in water?", None),
        ("Q1. Do pears sink in water?\nNo, they do not.", "Do pears sink in water?", "no"),
        ("Karachi was not part of his success.", "Karachi was part of his success?", "no"),
    ],
)
def test_questions_that_are_and_are_not_the_same(text: str, question: str, answer: str | None) -> None:
    assert extract(text, Question(id="q", text=question, answer_type="boolean")) == answer


@pytest.mark.parametrize(
    "remark", ["", " Note that it starts so.", "\nOptions:\n- Yes\n- No", " A lamp has one switch."]
)
def test_a_question_is_the_sentence_that_asks(remark: str) -> None:
    question = Question(
        id="q", text=f"Kim turns the lamp twice. Is the lamp still switched on?{remark}", answer_type="boolean"
    )
    assert extract("Step 1: it is off.\n\nFinal Answer: The lamp is still switched on.", question) == "yes"
    assert extract("Therefore, the lamp is not switched on.", question) == "no"
    assert extract("Therefore, the lamp is still switched off.", question) is None


@pytest.mark.parametrize(("said", "answer"), [("did", "yes"), ("did not", "no"), ("didn't", "no")])
def test_a_name_may_be_shortened_to_its_last_word(said: str, answer: str) -> None:
    question = Question(id="q", text="Did Abraham Lincoln live before the airplane?", answer_type="boolean")
    assert read(f"Thus, Lincoln {said} live before the airplane.", question).answer == answer
    assert read(f"Thus, Darwin {said} live before the airplane.", question).answer is None
