"""What a closing sentence adds to its number, compares it with, or got it for, is not its number."""

from __future__ import annotations

import itertools

import pytest

from magdi.core.mag import Question
from magdi.plugins.answers import read

MAINS = [
    "it takes Mark {n} days",
    "Mark needs {n} days",
    "the total is {n} days",
    "there are {n} days",
    "we get {n} days",
    "9 - 2 = {n} days",
]
LEADS = ["", "So ", "Therefore, ", "In total, ", "9 - 2 = 7. Thus "]
ADDED = [
    ", which is 1 day less than 8 days", ", which is 1 less than 8", ", 1 fewer than 8", ", one fewer than 8",
    ", that's 1 less than 8", ", as opposed to 8", " compared to 8 days for Tom", ", down from 8", ", up from 5",
    " (1 day less than 8)", " – 1 fewer than 8", ", well below the limit of 8", ", under the limit of 10",
    ", which is more than 5 but less than 8", ", which is within the 10 days allowed", ", half of Tom's 14",
    ", which is half of the 14 that Tom takes", ", a quarter of the 28-day month", ", which is 50% of Tom's 14",
    ", which is 50% more than Tom's", ", twice as long as Tom's 3.5", ", or 3 days more than Tom",
    ", i.e. 3 days more than Tom", ", which is 2 times longer than Tom's", ", exceeding Tom's 5 by 2",
    ", which is over 5", ", given that 2 of the 9 days are free", ", where 2 of the 9 days are free",
    ", including the 2 free days", ", not counting the 2 free days", ", a difference of 2 from Tom's 9",
    ", 2 short of his goal of 9", ", which is between 5 and 9", ", nearly 8", ", almost twice the 4 of Tom",
    ", a 50% increase", ", an increase of 2", ", e.g. 3 with Tom and 4 alone", " vs. 8 for Tom", ", two times the 3.5",
    ", because 2 of the 9 are free", " to get 12 cars", " for it to be 12 feet long",
]  # fmt: skip


@pytest.mark.parametrize("added", ADDED)
def test_what_is_added_to_a_number_is_not_the_number(added: str) -> None:
    for lead, main, number in itertools.product(LEADS, MAINS, ("7", "11")):
        if added.startswith((" to get", " for it")) and "=" not in main:
            continue  # "we add 4 to 8 to get 12"
        said = lead + main.format(n=number) if lead else main.format(n=number).capitalize()
        assert read(f"{said}{added}.", "number").answer == number, f"{said}{added}."


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Tom has 10, so Mary has 5 more, which is 15.", "15"),
        ("There are 9 days, given that 2 of them are free, 7 are left.", "7"),
        ("The second day she read 20 pages, 5 more than the first day, for a total of 35 pages.", "35"),
        ("40 children, 25% of whom are boys, so 10 boys.", "10"),
        ("He drives 60 miles, 3 times a week, so 180 miles.", "180"),
        ("He ran 5 miles on Monday, twice that on Tuesday, which is 10 miles.", "10"),
        ("He has 3 apples, 4 more than none, and 5 pears, 12 in total.", "12"),
        ("He works 8 hours a day, which is 40 hours a week.", "40"),
        ("The bowls cost $20.00 for a total of $116.00.", "116"),
        ("We add 7 and 8 to get 15.", "15"),
        ("8 - 1 = 7, and I double it to get 14.", "14"),
        ("Mr. Smith has 15 cows.", "15"),
        ("He pays 500 less because of the discount, so 5000 - 500 = 4500.", "4500"),
        ("A makes 36/6 = 6.\nIf you have 96 potatoes, you can make 96/6 = 16 of them.", "16"),
        ("Ann wrote 6 + 12 = 18.\nAltogether, the three wrote 6 + 12 + 18 = 36 stories.", "36"),
        ("80 - 54 = 26 did not get 2 hotdogs.", "26"),
    ],
)
def test_what_a_sentence_goes_on_to_is_its_number(text: str, number: str) -> None:
    assert read(text, "number").answer == number


@pytest.mark.parametrize("more", ["more", "fewer", "less", "longer", "older"])
@pytest.mark.parametrize("link", [", ", ", which is ", ", that is ", ", i.e. ", " – "])
def test_a_difference_is_the_answer_where_a_question_asks_for_it(more: str, link: str) -> None:
    text = f"So Tom has 15 of them{link}5 {more} than Ann."
    asked = {
        "5": f"How many {more} has Tom than Ann?",
        "15": f"Ann has 10. Tom has 5 {more} than Ann. How many has Tom?",
    }
    for number, question in asked.items():
        assert read(text, Question(id="q", text=question, answer_type="number")).answer == number, question
