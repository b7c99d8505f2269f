"""What a reply claims, and what it only says of claims: verdicts turn as what is said turns."""

from __future__ import annotations

import pytest

from magdi.core.mag import AnswerType, Choice, Question
from magdi.plugins.answers import extract, grade, normal_form

FLIP = {"yes": "no", "no": "yes"}
TURNS = [
    "It would be wrong to say {}.",
    "It's incorrect to say that the answer is {}.",
    "It would be a mistake to answer {}.",
    "I don't agree that the answer is {}.",
    "It is a myth that the answer is {}.",
]
KEEPS = [
    "You might say {0}, but the answer is {1}.",
    "My colleague's {0} overlooks the date. {1}.",
    "{1}, not {0}.",
    "I would have said {0} had he lived. The answer is {1}.",
    "I first thought {0}, but it turns out to be {1}.",
]


@pytest.mark.parametrize("said", ["yes", "no"])
def test_what_is_wrong_to_say_turns_and_what_others_might_say_does_not(said: str) -> None:
    for form in TURNS:
        assert extract(form.format(said), "boolean") == FLIP[said], form
    for form in KEEPS:
        assert extract(form.format(FLIP[said], said), "boolean") == said, form
    assert extract(f"{said}, the statement is {'false' if said == 'yes' else 'true'}.", "boolean") is None


@pytest.mark.parametrize(
    ("question", "auxiliary"),
    [("Did Lincoln meet Darwin?", "did"), ("Could she have met them?", "could"), ("Are bats warm-blooded?", "are")],
)
def test_a_pronoun_and_the_questions_auxiliary_answer_it(question: str, auxiliary: str) -> None:
    asked = Question(id="q", text=question, answer_type="boolean")
    for subject in ("He", "They", "So it"):
        assert extract(f"{subject} {auxiliary}.", asked) == "yes"
        assert extract(f"{subject} {auxiliary} not.", asked) == extract(f"{subject} {auxiliary}n't.", asked) == "no"
        assert extract(f"{subject} must.", asked) is None


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("Pears will not sink.", "Would a pear sink in water?", "no"),
        ("It's impossible.", "Could he do it?", "no"),
        ("Newton never met Einstein.", "Did Newton meet Einstein?", "no"),
        ("Newton couldn't have met Einstein.", "Did Newton meet Einstein?", "no"),
        ("No cat could live on plants.", "Could a cat live on plants?", "no"),
        ("Whales are not fish.", "Is it true that whales are not fish?", "yes"),
        ("It's true that cats need meat. So they could not.", "Could a cat live on plants?", "no"),
        ("There's no evidence that it's true.", "Is it so?", None),
        ("The answer would be yes if it were summer.", "Is it so?", None),
        ("In theory yes, in practice no.", "Is it so?", None),
        ("The claim is unfounded.", "Is it so?", "no"),
        ("This does not hold.", "Is it so?", "no"),
    ],
)
def test_statements_that_answer(text: str, question: str, answer: str | None) -> None:
    assert extract(text, Question(id="q", text=question, answer_type="boolean")) == answer


VALUES = ("7", "52", "-3", "0.5")
GIVES = [
    "You might expect {1}, but because of the overlap we only get {0}.",
    "Bob's answer of {1} is off by one. It is {0}.",
    "Answer: {1}. (Edit: it's {0}; I had dropped a term.)",
    "I'd revise my answer to {0}, given the remark about {1}.",
    "This is {1} times more than before; they now have {0}.",
    "Solution: n = {0}\nCheck: {1} + 0 = {1}",
    "The answer is {1}. Let me check: 5 > 4. So it should be {0}.",
    "Your answer of {1} is wrong. It should be {0}.",
]
OPEN = [
    "It's more than {}.",
    "At least {}.",
    "Agent 2's answer of {} doesn't convince me.",
    "I would need to know more than {}.",
    "Let's find the number. We know that it is {}.",
    "Each holds {} of a number that isn't given.",
    '{{"result": null, "n": {}}}',
    "If it is open, the answer is {}. If it is closed, the answer is 99.",
    "The answer is {} if all come, and 99 otherwise.",
]


@pytest.mark.parametrize("value", VALUES)
def test_numbers_that_are_claimed_and_those_that_are_not(value: str) -> None:
    for other in VALUES:
        for form in GIVES if other != value else []:
            assert extract(form.format(value, other), "number") == value, form.format(value, other)
    for form in OPEN:
        assert extract(form.format(value), "number") is None, form


OPTIONS = {"A": "wood", "B": "iron", "C": "glass", "D": "cotton"}
CHOSEN = [
    "{1} and {2} are out, and neither is {3}.",
    "{1} can't be right, and neither can {2} or {3}.",
    "{1}, {2} and {3} don't conduct.",
    "Unlike {1}, {2} and {3}, {0} conducts.",
    "It's {0}; the others don't conduct.",
    "{1} is not the answer, and neither is {2}. So {0}.",
    "{0} fits the description better.",
    "Had it said wool, I'd have chosen {1}. The answer is {0}.",
    "{0}.\n\nExplanation: {1} is wrong since it burns; {2} is wrong too.",
]


@pytest.mark.parametrize("form", CHOSEN)
def test_the_option_that_is_left_is_chosen_whatever_its_name(form: str) -> None:
    asked = Question(
        id="q", text="Which?", answer_type="letter", choices=tuple(Choice(label=a, text=b) for a, b in OPTIONS.items())
    )
    for place in range(4):
        names = [*"ABCD"[place:], *"ABCD"[:place]]
        assert extract(form.format(*names), asked) == names[0], names
        assert extract(form.format(*(OPTIONS[name] for name in names)).capitalize(), asked) in (names[0], None), names


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("expression", "y = 7, x = 3", "(3, 7)", True),
        ("expression", "x = 7, y = 3", "(3, 7)", False),
        ("expression", "2*pi*r^2", "2\\pi r^2", True),
        ("expression", "one half", "\\frac12", True),
        ("text", "I think it's Paris, which is in France.", "Paris", True),
        ("text", "Not Lyon but Paris.", "Paris", True),
        ("text", "Step 2: join them.\n\nThe joined letters are: apse.", "apse", True),
        ("text", "Paris (not Lyon)", "Lyon", False),
        ("number", "It is 1/6, approximately 0.1667.", "1/6", True),
        ("expression", "It is $\\frac{1}{6}$, approximately $0.1667$.", "\\frac{1}{6}", True),
    ],
)
def test_the_same_said_otherwise(kind: AnswerType, one: str, other: str, same: bool) -> None:
    gold = normal_form(other, kind)
    assert gold is not None
    assert grade(extract(one, kind), gold, kind) is same
