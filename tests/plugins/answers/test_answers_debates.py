"""Replies of real models in debates that were once misread or missed."""

import pytest

from magdi.core.mag import Choice, Question
from magdi.plugins.answers import extract

OPTIONS = {"A": "16 hours", "B": "18 hours", "C": "24 hours", "D": "32 hours"}
CHOICES = tuple(Choice(label=label, text=text) for label, text in OPTIONS.items())
LETTERS = Question(id="q", text="Which?", answer_type="letter", choices=CHOICES)
NUMBER = Question(id="q", text="How many?", answer_type="number")
TALK = "It takes some thought to see which of the options that were given is the one that fits what was asked. " * 3


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (f"{TALK}\n\n(D) 32 hours\n\nThe others do not fit:\nA) 16 hours is too short.\nC) 24 hours is too.", "D"),
        (f"(X) B) 18 hours it is.\n\n{TALK}", "B"),
        (f"{TALK}\n(X) 16 hours would be the correct response. {TALK}", "A"),
        (f"{TALK} So B) 18 hours fits. {TALK}", "B"),
        (f"{TALK} B) 18 hours or C) 24 hours. {TALK}", None),
        (f"(X) {TALK}", None),
        (f"{TALK}\n(X) (C, D, and to a lesser extent B) {TALK}", None),
        (f"{TALK}\n(X) (C and D for the most part) {TALK}", None),
        (f"{TALK}\n(X) A) 16 hours is wrong. {TALK} B) 18 hours, too. {TALK}", None),
    ],
)
def test_letters(text: str, answer: str | None) -> None:
    assert extract(text, LETTERS) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"It is \boxed{8}. This answer is derived from dividing 120 by 15, for 30 days.", "8"),
        (r"First \boxed{3}. In the end the answer is 7.", "7"),
        (r"First \boxed{3}. The answer is therefore x = 7.", "7"),
        ("This answer is derived from 120 / 15, which is 8 packs", "8"),
    ],
)
def test_numbers(text: str, answer: str) -> None:
    assert extract(text, NUMBER) == answer
