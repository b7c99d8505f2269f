"""Replies as models write them, by what they do: announce, open with the answer, count, check, quote, escape."""

from __future__ import annotations

import pytest

from magdi.core.mag import AnswerType, Question
from magdi.plugins.answers import extract, grade, normal_form

ANNOUNCED = [
    "So, we divide {a} miles by {b} miles per hour",
    "Next, we add {a} and {b} together",
    "Finally, we subtract {b} from the {a} that are left to get the result",
    "To get the price, calculate {a}% of {b} and subtract it",
    "Therefore, the total cost is calculated by multiplying {a} bags by ${b} per bag",
    "There are {a} hamsters and {b} pigs. Adding these numbers together",
    "I will multiply the {a} dollars by {b}",
    "Let's convert the {a} hours to minutes and add {b}",
]
OPENING = ["{}. There are 3 bags.", "{}\n\nThere are 4 rows of chairs.", "${}. Each of the 5 boys has some."]


@pytest.mark.parametrize("plan", ANNOUNCED)
def test_a_calculation_that_is_only_announced_is_no_answer_and_with_its_result_it_is(plan: str) -> None:
    for a, b in ((17, 18), (60, 10), (5, 80)):
        said = plan.format(a=a, b=b)
        assert extract(f"First comes 3 * 4 = 12. {said}.", "number") is None, said
        for result in (", which gives {}.", ", and we get {}.", ", resulting in {}."):
            for number in (306, -7):
                assert extract(f"First comes 3 * 4 = 12. {said}{result.format(number)}", "number") == str(number), said


@pytest.mark.parametrize("text", OPENING)
def test_a_text_may_open_with_its_number_and_conclude_otherwise(text: str) -> None:
    for number in ("42", "17", "0.5", "1250"):
        assert extract(text.format(number), "number") == number
        assert extract(text.format(number) + " So 3 * 5 = 15.", "number") == "15"
    assert extract(text.format("-42").replace("$-", "-$"), "number") == "-42"


def test_an_enumeration_does_not_open_with_its_number() -> None:
    assert extract("1. There are 3 bags.\n2. Each has 14 apples.\n3. 3 * 14 = 42", "number") == "42"


@pytest.mark.parametrize(
    ("kind", "text", "answer"),
    [
        ("number", "The smallest value is 8 when x = 5.", "8"),
        ("number", "Thus, the form is 2 + 5, where k = 7.", "7"),
        ("number", "Thus S = 6.\n\nWe can verify this: in 9 years he will be 15 and she 45, 3 times as old.", "6"),
        ("number", "She needs 14 cans. To double-check: 14 * 2 = 28 liters, more than 27.", "14"),
        ("number", "The distance is **45 miles**. Let me know if you have 2 minutes for another!", "45"),
        ("number", "It takes 10 minutes to walk the last mile, for a total walk time of 50 minutes.", "50"),
        ("number", "The price went from $40 to $50, so it rose by $10.", "10"),
        ("number", "The sale price is $80, which is 20% off the $100 list price.", "80"),
        ("number", "It is between 10 and 12.", None),
        ("number", "The number of ways is 6!/(2*6).", None),
        ("number", "So we get 8 choose 2.", None),
        ("number", "The total is 16 - 3 = 13, and then she bakes 4, leaving", None),
        ("number", "There isn't enough information to tell the number of 5 cents coins.", None),
        ("number", "```python\nx = 5\ny = 7\nprint(x*y)\n```", None),
        ("number", "```python\nprint(3*4)\n```\n\nThis prints 12.", "12"),
        ("number", "#### 1. Compute\n3 * 5 = 15\n#### 2. Conclude\nThe total is 15 apples.", "15"),
        ("number", "#### 12 apples", "12"),
        ("number", "To get the total, add 3 and 4: 7.", "7"),
        ("number", "Then we add 10 to it: 60", "60"),
        ("number", "Convert 3 hours to minutes: 180.", "180"),
        ("number", "The answer is 12 plus 8: 20.", "20"),
        ("number", "So 40 divided by 8: 5", "5"),
        ("number", "So 40 divided by 8", None),
        ("number", "Total: 8 plus 13, or 21.", "21"),
        ("number", "Adding 6 to 18 brings us to 24.", "24"),
        ("number", "He has 9 coins: 5 pennies and 4 dimes.", "9"),
        ("number", "2 apples. There are 3 bags.", None),
        ("expression", "we get $118 + x = 8x - 36$, so $7x = 154$, and $x = 22$.", "22"),
        ("expression", "Hence $x = 2$ and $y = 3$.", "(2,3)"),
        ("expression", "so there are $\x08oxed{7}$ such pairs.", "7"),
        ("expression", "we get $y=\x0crac{2}{5}$.", "0.4"),
        ("expression", "There are **three distinct** integers $n$ ($2, 4,$ and $-4$) for which $f(n)$ works.", "3"),
        ("expression", "Thus there are two values of $x$ for which $f(x) = \\frac{1}{2}$.", "2"),
        ("expression", "Thus, there are $2$ rows, so $3 \\cdot 2 = 6$.", "6"),
        ("expression", "Therefore, the only possible arrangement is 1, 2, 3, 4, 5, 6.", "1,2,3,4,5,6"),
        ("expression", "Therefore, n = 15 is the solution, as n must be a positive integer.", "15"),
        ("expression", "So there is no solution, and the problem is flawed.", None),
        ("expression", "Finally, we add up the lengths of $AM$ and $AN$ to find the perimeter of $AMN$.", None),
        ("expression", "5) These imply:\na : b : c = 1 : 2 : 3\n\nSo the maximum value is 27.", "27"),
        ("expression", "- P = $10,200\n- r = 0.05\nFinal amount = 10,200(1.025) = $10,455", "10455"),
        ("expression", "#### Sequence B\nIt repeats.\n\nThus, the remainder when $a+b$ is divided by 5 is 1.", "1"),
        ("letter", "Of A and B, A wins.", "A"),
        ("boolean", "Short answer: No. Long answer: it depends.", "no"),
        ("boolean", "Short answer: it depends. Long answer: it depends.", None),
        ("text", "The answer is Paris, not London.", "paris"),
        ("text", "The answer is not London but Paris.", "paris"),
        ("text", "The answer is J. K. Rowling. She wrote it.", "j k rowling"),
        ("text", "The answer is Dr. Seuss.", "dr seuss"),
        ("text", "<answer>Paris</answer>", "paris"),
        ("text", "\\boxed{\\text{Paris}}", "paris"),
    ],
)
def test_replies_of_models(kind: AnswerType, text: str, answer: str | None) -> None:
    assert extract(text, kind) == answer


@pytest.mark.parametrize("text", ["The capital of France is Paris.", "Paris is the capital of France."])
def test_a_statement_that_says_the_question_again_gives_what_it_asks_for(text: str) -> None:
    for asked, answer in (("What is the capital of France?", "paris"), ("Where?", normal_form(text, "text"))):
        assert extract(text, Question(id="q", text=asked, answer_type="text")) == answer


@pytest.mark.parametrize(("asked", "answer"), [("apples", "2"), ("bags", "3")])
def test_of_two_amounts_the_one_is_meant_that_is_asked_for(asked: str, answer: str) -> None:
    question = Question(id="q", text=f"How many {asked} are there?", answer_type="number")
    assert extract("2 apples. There are 3 bags.", question) == answer


@pytest.mark.parametrize(
    ("told", "letter"),
    [
        ("Agent 1 says A. Agent 2 says C.", "C"),
        ("Agent 2 picked B, while Agent 1 picked D.", "B"),
        ("Agent 1: A\nAgent 2: B\n", "B"),
        ("Agent 1 says A.", None),
        ("Agent 1 says A. Agent 2 rejected B.", None),
    ],
)
def test_the_letter_is_that_of_whom_the_writer_sides_with(told: str, letter: str | None) -> None:
    assert extract(f"{told} I side with Agent 2.", "letter") == letter


YES = ["I think so.", "I'd say so.", "Probably.", "It does.", "That's not false.", "I'd say it's likely.", "Indeed."]
NO = ["I don't think so.", "I doubt it.", "Not quite.", "It does not.", "That's false.", "I'd say it's unlikely."]
NEITHER = [
    "It is unclear whether the answer is yes.",
    "I am not sure if the answer is no.",
    "Technically yes, practically no.",
    "It depends.",
]


@pytest.mark.parametrize(
    ("text", "answer"), [*((t, "yes") for t in YES), *((t, "no") for t in NO), *((t, None) for t in NEITHER)]
)
def test_yes_and_no_in_other_words(text: str, answer: str | None) -> None:
    assert extract(text, "boolean") == answer
    if answer:
        assert extract(f"{text} Whales are large animals.", "boolean") == answer
        assert extract(f"{text} Wait, the answer is {'no' if answer == 'yes' else 'yes'}.", "boolean") != answer


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1,2", "(1,2)", False),
        ("(0,1)", "\\{0,1\\}", False),
        ("(0,1)", "[0,1]", False),
        ("(1,\\frac{1}{2})", "1,\\frac{1}{2}", False),
        ("(1,\\infty)", "(1,\\infty]", False),
        ("\\{1,2\\}", "2,1", True),
        ("1,2,2", "1,2", False),
        ("1,2,2", "2,1,1", False),
        ("\\pm 1,\\pm 2", "1,-1,2,-2", True),
        ("10_2", "10", False),
        ("(1,2)", "(1, 2)", True),
        ("6.02\\times10^{23}", "602000000000000000000000", True),
    ],
)
def test_what_a_list_stands_in_is_part_of_it(one: str, other: str, same: bool) -> None:
    forms = [normal_form(text, "expression") or "" for text in (one, other)]
    assert grade(forms[0], forms[1], "expression") is same
    assert grade(forms[1], forms[0], "expression") is same
