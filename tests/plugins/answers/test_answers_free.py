"""Free answers, dates and amounts in units: what stands around a name, and how a day or an amount is written."""

from __future__ import annotations

import itertools

import pytest

from magdi.core.mag import AnswerType, Choice, Question
from magdi.plugins.answers import extract, grade, normal_form

NAMES = [
    ("Berlin", "Munich"),
    ("the Treaty of Ghent", "the Treaty of Paris"),
    ("F. Scott Fitzgerald", "Poe"),
    ("1848", "1849"),
]
SAID = [
    "The answer is {0}.", "{0} is my final answer.", "I'd say {0}.", "It should be {0}.",
    "It is {0} rather than {1}.",
    "{0} is the answer, {1} isn't.", "The answer is {1}. No, sorry, {0}.",
    "The answer is {1}. Wait. Actually it's {0}.",
    "I change my answer from {1} to {0}.", "Agent 3 claims {1}; I claim {0}.",
    "At first {1} seemed right, but it's {0}.",
    "The answer was thought to be {1} but is {0}.", "The answer is {0} (Agent 2's {1} is a mistake).", "TL;DR: {0}",
    "My final decision is {0}.", "Ans. {0}", "I'm not 100% sure, but {0}.",
    "Most agents say {1}. Nevertheless, the answer is {0}.",
]  # fmt: skip
AROUND = [
    ("", ""),
    ("Sure! ", " Have a nice day!"),
    ("Certainly, here you go. ", "\n\n— Agent 2"),
    ("Hi! ", "\n(1 of 3)"),
]


@pytest.mark.parametrize("form", SAID)
def test_a_name_is_read_out_of_what_is_said_of_it(form: str) -> None:
    for (name, other), (front, behind) in itertools.product(NAMES, AROUND):
        for pair in ((name, other), (other, name)):
            said = form.format(*pair)
            text = front + said[0].upper() + said[1:] + behind
            assert extract(text, "text") == normal_form(pair[0], "text"), text


DAYS = [
    ["July 4, 1776", "4 July 1776", "July 4th, 1776", "4th of July 1776", "4 Jul 1776", "1776-07-04",
     "7/4/1776", "4.7.1776"],
    ["March 2010", "Mar 2010", "March, 2010"],
    ["May 5", "the 5th of May", "5 May"],
    ["12:30 PM", "12:30 p.m.", "12:30pm"],
]  # fmt: skip


def test_a_day_is_the_same_however_it_is_written() -> None:
    for days in DAYS:
        assert len({normal_form(day, "text") for day in days}) == 1, days
    assert len({normal_form(days[0], "text") for days in DAYS}) == len(DAYS)
    for other in ("July 5, 1776", "April 7, 1776", "July 4, 1777", "July 1776", "July 4"):
        assert normal_form(other, "text") != normal_form(DAYS[0][0], "text")
    assert normal_form("February 31, 1999", "text") == "february 31 1999"


ASKED = [
    ("How many cents does it cost?", ["$0.75", "75 cents", "75¢"], "75"),
    ("How many cents does it cost?", ["12 dollars and 50 cents", "$12.50", "1250 cents"], "1250"),
    ("How many feet does he need?", ["5 in all", "5 in the end", "60 in", "60in", "5 feet in total"], "5"),
    ("How much does it cost, in dollars?", ["$0.75", "75 cents", "75¢", "0.75 dollars"], "0.75"),
    ("How many minutes does it take?", ["2 hours", "120 minutes", "2h", "two hours"], "120"),
    ("How many hours does it take?", ["90 minutes", "1 hour and 30 minutes", "1.5 hours", "an hour and a half"], "1.5"),
    ("How many inches is it?", ["5 feet 3 inches", "5'3\"", "63 inches"], "63"),
    ("How long is it in meters?", ["300 cm", "3 m", "3 metres", "0.003 km"], "3"),
    ("How many square meters is it?", ["7 m^2", "7 m²", "7 square meters"], "7"),
    ("How long does it take?", ["2 hours"], "2"),
    ("What is the probability?", ["1 in 4", "1 out of 4", "1/4"], "0.25"),
    ("How many of the four are red?", ["1 in 4", "1 out of 4"], "1"),
]


@pytest.mark.parametrize(("question", "amounts", "value"), ASKED)
def test_an_amount_is_in_the_unit_that_is_asked_for(question: str, amounts: list[str], value: str) -> None:
    for form, amount in itertools.product(("{}", "The answer is {}.", "So it is {}.", "**{}**", "#### {}"), amounts):
        text = form.format(amount)
        assert extract(text, Question(id="q", text=question, answer_type="number")) == value, text


@pytest.mark.parametrize("sign", [" ", "\u202f", "~", "_", "\\ ", "\\,", "'", "{,}", ","])
def test_groups_of_digits_are_one_number_within_a_sentence(sign: str) -> None:
    for form in ("There are {} people in the town.", "The answer is {}.", "{}", "They sold {} tickets in 3 days."):
        assert extract(form.format(f"12{sign}345"), "number") == "12345", form


OPTIONS = tuple(
    Choice(label=label, text=text) for label, text in zip("ABCD", ["lift", "drag", "torque", "thrust"], strict=True)
)
OF_TWO = [
    "It is either {0} or {1}. I choose the {2}.",
    "Of {0} and {1}, the {2} is right.",
    "{0}, or {1}? The answer is the {2}.",
]


@pytest.mark.parametrize("form", OF_TWO)
def test_the_former_and_the_latter_follow_their_order(form: str) -> None:
    for one, other in itertools.permutations(OPTIONS, 2):
        for names in ((one.label, other.label), (one.text, other.text)):
            assert extract(form.format(*names, "former"), "letter", OPTIONS) == one.label, names
            assert extract(form.format(*names, "latter"), "letter", OPTIONS) == other.label, names


CLAIMS = [
    ("boolean", "It is {0} rather than {1}.", ("yes", "no")),
    ("boolean", "{0} is my final answer.", ("yes", "no")),
    ("boolean", "The answer is {1}. No, sorry, {0}.", ("yes", "no")),
    ("boolean", "Agent 3 claims {1}; I claim {0}.", ("yes", "no")),
    ("letter", "Agent 3 claims {1}; I claim {0}.", ("A", "B")),
    ("letter", "The answer is {1}. No, sorry, {0}.", ("A", "B")),
    ("letter", "The correct answer should have been {0}, instead of {1}.", ("A", "B")),
    ("number", "{0} is the answer, {1} isn't.", ("12", "7")),
]


@pytest.mark.parametrize(("kind", "form", "pair"), CLAIMS)
def test_what_is_claimed_turns_with_its_names(kind: AnswerType, form: str, pair: tuple[str, str]) -> None:
    for one, other in (pair, pair[::-1]):
        assert extract(form.format(one, other), kind, OPTIONS if kind == "letter" else ()) == one


def test_a_claim_that_is_called_wrong_says_the_contrary() -> None:
    asked = Question(id="q", text="Could a llama climb a staircase?", answer_type="boolean")
    for claim, answer in (("could", "yes"), ("could not", "no")):
        for value, turned in (("true", False), ("wrong", True)):
            read = extract(f"The claim that a llama {claim} climb a staircase is {value}.", asked)
            assert grade(read, {"yes": "no", "no": "yes"}[answer] if turned else answer, "boolean")
