"""Yes or no, in sentences made from grammars, and words of abstention that are and are not the answer."""

from __future__ import annotations

import itertools

import pytest

from magdi.plugins.answers import extract
from magdi.plugins.answers.abstention import abstains

PAIRS = [("yes", "no"), ("Yes", "No"), ("True", "False"), ("**Yes**", "**No**"), ('"yes"', '"no"')]
DECIDED = [
    "The answer is {0}.",
    "Therefore, the answer (Yes or No) is {0}.",
    "The answer (Yes or No) is most likely {0}.",
    "The answer is: {0}",
    "Answer (yes/no): {0}",
    "Final answer: {0}",
    "The answer to the question is {0}, as whales are large.",
    "So the answer is: {0}, Route 66 is not generally unknown.",
    "The answer is {0}. It is not known why.",
    "The answer is {0}, though some would say {1}.",
    "So the answer is {0}. However, some would say {1}.",
    "I'd say {0}.",
    "Based on this, {0}.",
    "There is no easy way to see it. So {0}, it does.",
    "Step 1: Is it large? {1}.\nStep 2: Does it swim? {0}.\nFinal answer: {0}",
    "Agent 1 says {1}, but I think the answer is {0}.",
    "Agent 2 answered {1}. I disagree; the answer is {0}.",
    "The answer is {1}. Wait, actually the answer is {0}.",
    "It is unknown to many, but the answer is {0}.",
    "The answer (Yes or No) is followed by an explanation.\n\n{0}, it does.",
    "<answer>{0}</answer>",
    '{{"reasoning": "No whale flies.", "answer": "{0}"}}',
    "#### {0}",
    "\\boxed{{\\text{{{0}}}}}",
    "{0}",
    "{0}, it does. There is no doubt about it.",
    "{0}. Nobody knows why, and the reason is unknown.",
    "No doubt: {0}",
    "Without a doubt, {0}.",
    "In a word: {0}.",
    "A: {0}",
    "The answer is {1}. Hmm, on reflection, {0}.",
    "Hard to say, but {0}.",
    "The answer is a definitive {0}.",
]
OPEN = [
    "The answer (Yes or No) is not definitive, as it depends on the person.",
    "There is no easy answer to this question, as there is no clear evidence.",
    "The answer is yes and no.",
    "The answer is yes or no.",
    "Yes and no.",
    "Either yes or no could be right.",
    "If you mean the first, then the answer is yes. Otherwise, the answer is no.",
    "The answer (Yes or No) is based on the person.",
    "The answer is: it depends.",
    "There is no evidence of that.",
    "No animal can do this.",
    "The answer is that no one knows.",
    "I cannot say.",
    "Maybe yes, maybe no.",
    "Yes if it is a stone, no if it is a pear.",
    "The answer could be yes, but it could also be no.",
    "The answer is not yes and not no.",
    "Agent 1 says yes and Agent 2 says no.",
    "Answer:\nStep 1: No, it is not.\nStep 2: Yes, it swims.",
    "Is it large? No.\nDoes it swim? Yes.\nIt cannot be determined.",
    "However, if it is large, the answer is yes.",
    "The answer is no for some, but yes for others.",
    "There has been news that is not true.",
]


@pytest.mark.parametrize("form", DECIDED)
def test_yes_and_no_change_places_with_the_verdict(form: str) -> None:
    for yes, no in PAIRS:
        assert extract(form.format(yes, no), "boolean") == "yes", form.format(yes, no)
        assert extract(form.format(no, yes), "boolean") == "no", form.format(no, yes)


@pytest.mark.parametrize("form", [form for form in DECIDED if not form.startswith("{0}")])
def test_what_is_said_before_does_not_change_the_verdict(form: str) -> None:
    for noise, (yes, no) in itertools.product(["No whale is small. ", "It is true that some are not. "], PAIRS[:2]):
        assert extract(noise + form.format(yes, no), "boolean") == "yes", noise + form


@pytest.mark.parametrize("text", OPEN)
def test_what_is_left_open_has_no_answer(text: str) -> None:
    assert extract(text, "boolean") is None
    assert extract(f"Whales are large. {text}", "boolean") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is not yes.", "no"),
        ("The answer is probably not.", "no"),
        ("Thus, the answer is unlikely to be correct.", "no"),
        ('The answer cannot be definitively confirmed as "Yes."', "no"),
        ("The statement is false.", "no"),
        ("The statement is not false.", "yes"),
        ("The claim that whales are fish is incorrect.", "no"),
        ("That is not true.", "no"),
        ("No, it would not be incorrect to say so.", "no"),
        ("It is true that whales are large, but they are no fish. So no.", "no"),
        ("No fish can fly. So yes, it would drown.", "yes"),
        ("The answer is a resounding yes!", "yes"),
        ("The answer is yes, but there is no way to prove it.", "yes"),
        ("Others say yes. They are wrong. The answer is no", "no"),
        ("Agent 1 says yes. I agree.", "yes"),
        ("The answer is unlikely.", "no"),
        ("No. Wait, yes.", "yes"),
        ("My answer was yes, but I now think no.", "no"),
        ("Da Vinci painted it. So no.", "no"),
        ("So the answer is no for most people.", "no"),
        ("Ｎｏ。", "no"),
        ("Not really.", "no"),
        ("The answer is no, as someone who has seen it knows.", "no"),
        ("Would it fit? Yes, it would. Would you like to know more?", "yes"),
        ("The answer is yes.\n\nQ: Is it blue?\nA: The answer is no.", "yes"),
    ],
)
def test_negations_and_determiners(text: str, answer: str) -> None:
    assert extract(text, "boolean") == answer


YES = [
    "That's true.",
    "That is correct.",
    "It's right.",
    "Yup.",
    "No doubt.",
    "Almost certainly yes.",
    "It is very likely.",
    "Oh yes.",
]
NO = [
    "That's not true.", "It isn't true.", "This is not the case.", "Not at all.", "No way.", "I don't think so.",
    "It is unlikely.",
    "Most likely not.", "Almost certainly not.", "Surely not", "That's incorrect.", "Not likely.",
]  # fmt: skip


def test_idioms_that_are_a_whole_answer() -> None:
    assert [extract(text, "boolean") for text in YES] == ["yes"] * len(YES)
    assert [extract(text, "boolean") for text in NO] == ["no"] * len(NO)


NO_ANSWER = [
    "I do not know.",
    "It cannot be determined.",
    "unknown",
    "It is impossible to say.",
    "There is not enough information to tell.",
    "It depends on the person.",
    "N/A",
    "None of the above.",
]
ASIDE = [
    "5, although the rate is unknown",
    "B (the rest is not given)",
    "yes, because the other is not known",
    "It is not known exactly, but about 5",
    "The rate is unknown. It is 5.",
    "No, it is not unknown.",
]


def test_abstention_counts_as_the_last_statement_and_not_aside() -> None:
    for text in NO_ANSWER:
        assert abstains(text), text
        assert abstains(f"There are 5 apples. {text}"), text
        assert not abstains(f"{text} But after all it is 5."), text
    for text in ASIDE:
        assert not abstains(text), text
