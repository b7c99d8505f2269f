"""Numbers in sentences made from a grammar: ways to say a number, in ways to say that it is the answer."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pytest

from magdi.core.mag import Question
from magdi.plugins.answers import read

SPELT = {
    "7": ["7", "$7", "7.00", "7 dollars", "seven", "**7**", "\\(7\\)", "$7$", "7 km", "7%", "\\text{7}", "7 m^2"],
    "-5": ["-5", "−5", "negative 5", "negative five", "-$5", "$-5", "minus five", "-5.0", "\\left(-5\\right)"],
    "294": ["294", "two hundred ninety-four", "two hundred and ninety-four dollars", "$294.00", "294 cubic feet"],
    "9.8": ["9.8", "nine point eight", "$9.80", "9.8 meters", "9 4/5", "9\\frac{4}{5}"],
    "1200000": ["1,200,000", "1.2 million", "1 200 000".replace(" ", "\u202f"), "1.200.000", "1'200'000", "12,00,000",
                "one million two hundred thousand", "1{,}200{,}000", "1.2 \\times 10^6"],
    "2500": ["2500", "twenty-five hundred", "2.5 thousand", "2.5e3", "two thousand five hundred", "2,500 people"],
    "0.75": ["3/4", "\\frac{3}{4}", "\\frac34", "\\dfrac{3}{4}", "0.75", ".75", "three quarters", "¾"],
    "-0.75": ["-3/4", "-\\frac{3}{4}", "-\\frac34", "\\frac{-3}{4}", "\\dfrac{3}{-4}", "-0.75", "negative 3/4"],
    "1.5": ["1 1/2", "1½", "one and a half", "1 and a half", "3/2", "1\\frac{1}{2}"],
    "2/3": ["2/3", "two thirds", "0.6666666666666666", "0.6666666666666667", "\\frac{2}{3}", "4/6"],
    "12": ["12", "a dozen", "twelve", "12 eggs", "0012".lstrip("0")],
    "1000": ["10^3", "10^{3}", "10³", "10**3", "$10^3$", "1 x 10^3", "1e3", "1,000", "$1k", "1k dollars"],
    "-0.0012": ["-1.2e-3", "−1.2 × 10⁻³", "-1.2 \\times 10^{-3}", "-1.2 * 10^-3"],
    "144": ["12 dozen", "twelve dozen", "12 dozen eggs", "144 eggs"], "30": ["two and a half dozen", "2 1/2 dozens",
    "2.5 dozen"],
    "1500000": ["$1.5M", "$1.5 million", "1 500 000", "1\u00a0500\u00a0000"], "0.5": ["half", "½", "one half",
    "50/100"],
    "90": ["1h 30min", "1 hr 30 min", "1h30m", "90^\\circ", "90°", "1 hour 30 minutes"], "-8": ["–8", "\\(- 8\\)",
    "-\\$8", "-(8)"],
    "1/3": ["0.\\overline{3}", "⅓", "one third"], "1234.5": ["1.234,5", "1\u202f234,50 €", "1,234.50"],
    "3.5": ["٣٫٥", "３．５", "_3.5_"],
    "6264": ["6264", "six thousand two hundred sixty-four", "six thousand, two hundred and sixty-four", "6,264"],
}  # fmt: skip
FORMS = [
    "{}",
    "#### {}",
    "A: {}",
    "The answer is {}.",
    "the answer is: {}",
    "So the final answer is {}!",
    "Answer: {}",
    "**Final answer:** {}",
    "Final Answer:\n\n{}",
    "\\boxed{{{}}}",
    "Therefore, the answer to the question is {}. I hope this helps.",
    "We had 3 and 8, and 3 * 8 = 24. The answer, then, is {}.",
    "First the answer was 31. But no: the answer is {}.",
    "The answer is {}. (Agent 2 wrote 'the answer is 55', which is wrong.)",
    'The answer is {}. Ben said: "The answer is 55."',
    "Agent 2 says that the answer is 55.\n\nThat is wrong. The answer is {}.",
    "The answer is {}. The answer of the other agents is 55.",
    "<answer>{}</answer> That took 40 minutes.",
    "I had no idea at first, it was unknown. <answer>{}</answer>",
    "The answer is {}.\n\nQ: Tom has 4 cats and buys 5. How many has he?\nA: The answer is 9.",
    '{{"reasoning": "3 + 4 is 7", "answer": "{}", "confidence": 0.8}}',
    "If the answer is 55, I have erred. The answer is {}.",
]


def kept(form: str, written: str) -> bool:
    """Leaves out what no reader could know, e.g. a quotation mark within JSON."""
    return not (written.startswith("**") and form != "{}") and not ("boxed" in form and written[-1:] == "%")


@pytest.mark.parametrize("form", FORMS)
def test_every_number_is_read_in_every_form(form: str) -> None:
    for answer, ways in SPELT.items():
        for written in ways:
            if kept(form, written):
                assert read(form.format(written), "number").answer == answer, form.format(written)


WORD_PROBLEMS = [
    ("{a} + {b} = {c}\n\nAnswer:\nShe needs {c} boxes to hold {b} apples.", "{c}"),
    ("She had {a} and got {b}, so {a} + {b} = {c}.\nIn {b} days she has {c} of them.", "{c}"),
    ("Solution:\nFirst = {a}\nSecond = {b}\n\nTherefore, the total is {c} pounds.", "{c}"),
    ("Therefore, the answer is:\n\nI = {a} + {b}\nI = ${c}\n\nBen owes ${c}.", "{c}"),
    ("Answer:\n1. There were {a} cats.\n2. {b} more came: {a} + {b} = {c}.", "{c}"),
    ("It takes {c} hours ({a} + {b} hours) for all of it.", "{c}"),
    ("Step 1: {a} cats.\nStep 2: {b} dogs.\nStep 3: {a} + {b} = {c} animals.", "{c}"),
    ("Agent 1 and agent 3 agree with me: {a} and {b} make {c}. This is what agent 3 said.", "{c}"),
    ("The area is {c} cm^2.", "{c}"),
    ("So {a} of them and {b} of them are {a} + {b} = {c}", "{c}"),
    ("That leaves {c} after {a} hours, since she gave {b} of them away.", "{c}"),
]


@pytest.mark.parametrize(("text", "answer"), WORD_PROBLEMS)
def test_what_a_closing_sentence_comes_to(text: str, answer: str) -> None:
    draw = random.Random(0)
    for _ in range(20):
        a, b = draw.sample(range(11, 90), 2)
        values = {"a": a, "b": b, "c": a + b}
        assert read(text.format(**values), "number").answer == answer.format(**values), text.format(**values)


LEADS = ["{a} + {b} = {c}. ", "Take {a}, then {b} more.\n\n", "{a} plus {b} is {c}.\n"]
ENDS = ["", " I hope this helps!", "\n\nLet me know if you have other questions.", " (Check: {c} - {b} = {a}.)"]
CLOSINGS = [
    "We add {a} to {b}, resulting in {c} apples.", "Dividing {d} by {a} gives us {c} each.",
    "{d} divided by {a} is {c}.", "We add the {a} to {b} to get {c} apples.", "So, Mary ends up with {c} stamps.",
    "They sum up to {c}.", "{c} = x", "This leaves her with {c} apples after giving away {a}.",
    "If each holds {a}, she needs {c} boxes to earn ${d}.", "Since there are {a} in a box, each gets {c}.",
    "With the other {a}, he can buy {c} plums.", "Hence {c} of the {d} left.",
    "She ate {a} of them, so she needs {c} more, which is less than {d}.",
    "So she ends up with {c} apples, which is {a} more than before.", "I think it's {c}, but I'm not 100% sure.",
    "So he weighs {c} pounds more than his sister, who weighs {a} pounds.",
    "Therefore, Tom, who is {a}, has {c} cars.", "Therefore, Tom has {c} marbles, {a} of which are red.",
    "So it costs ${c} to buy {a} of them.", "So she is in {c}th place.",
    "So about {c} came between {a}:00 and {b}:00.", "So the {a}-meter race takes {c} seconds.",
    "So {c} out of {d} walk.", "After {a} weeks, she will have {c} dollars.",
    "In {a} years Tom will be {c} years old.", "So she earns ${c} per hour.",
    "At ${a} per hour, she must work {c} hours.", "So he drank {c} ounces over {a} days.", "That is {c}% of them.",
    "She saw {c} films of {a} minutes each.", "To fill {a} jars she needs {c} litres.",
    "She will finish on the {c}th day.", "The cost is ${c} ({a} + {b} = {c}).",
    "### Final Answer\n\nShe has **{c}** apples.", "| Total | {c} |", "- Total: ${c}", "$$x = {c}$$",
    "She needs {c} days, or {d} miles.", "The trip takes {m} minutes, or {c} hours.",
    "It takes {m} minutes, which is equal to {c} hours.", "{h}, or {c}%.",
    "So she has {c} apples, because {a} plus {b} is {c}.",
    "\\begin{{align*}}\nx &= {a} + {b} \\\\\n  &= {c}\n\\end{{align*}}",
    "That leaves \\({d} - {m} = {c}\\) stickers of the {b}.", "So he still needs to sell {c} more to sell all {d}.",
    "He pays ${a} instead of ${d}, saving ${c}.",
    "So they need to buy {c} packs to ensure that each of them gets {a}.", "So she must score at least {c} points.",
    "She has {c} left, calculated as {d} - {m}.", "{a} cats, then {b} dogs, for a grand total of {c} pets.",
]  # fmt: skip


@pytest.mark.parametrize("closing", CLOSINGS)
def test_what_a_sentence_turns_to_is_its_number(closing: str) -> None:
    draw = random.Random(closing)
    for lead, end in itertools.product(LEADS, ENDS):
        a, b = draw.sample(range(11, 24), 2)
        c = a + b
        values = {"a": a, "b": b, "c": c, "d": c + draw.randrange(51, 99), "m": 60 * c, "h": f"0.{c}"}
        text = (lead + closing + end).format(**values)
        assert read(text, "number").answer == str(c), text


IN_TWO_UNITS = {
    "3 hours and 45 minutes": "225", "2 hours, 5 minutes": "125", "5 feet 6 inches": "66", "2 years and 3 months": "27",
    "34 dollars and 72 cents": "34.72", "$3 and 5 cents": "3.05", "three minutes and ten seconds": "190",
    "225 minutes (or 3 hours and 45 minutes)": "225", "145 minutes, or 2 hours and 25 minutes": "145", "2:00 pm": "2",
}  # fmt: skip


@pytest.mark.parametrize("written", IN_TWO_UNITS)
def test_an_amount_in_two_units_is_one_number(written: str) -> None:
    for form in ("{}", "The answer is {}.", "So that it takes her {} in all.", "\\boxed{{{}}}"):
        assert read(form.format(written), "number").answer == IN_TWO_UNITS[written], form


UNDECIDED = [
    "The answer is 5 or 6.", "The answer is 5-10 minutes.", "The answer is between 5 and 10.", "The answer is 3:30.",
    "The answer is 5 to 10.", "The answer is 5 * 3.", "The answer is 3x.", "The answer is 12/25/2020.", "five six",
    "The answer is .", "She pays 5 * 3", "The answer is five or six.", "The answer is not known.", "No one knows.",
    "The answer is correct.", "The answer is twenty-third-rate.", "2^5", "The answer is 2**5.", "The answer is 2⁵.",
    "5k",
    "5 and 10", "5, 6", "5~10", "between 5 and 10", "5 to 10", "3 : 4", "The answer is 3 : 4.",
    "None of the 3 options is right.",
]  # fmt: skip


@pytest.mark.parametrize("text", UNDECIDED)
def test_undecided_is_no_answer(text: str) -> None:
    assert read(text, "number").answer is None


@pytest.mark.parametrize("form", [form for form in FORMS if form != "{}"])
def test_another_number_is_another_answer(form: str) -> None:
    """The sign turned, one more, one less, and the reciprocal are told apart; a remark in brackets is not read."""
    for value in (Fraction(7), Fraction(12), Fraction(3, 4), Fraction(-5, 2)):
        said = {read(form.format(other), "number").answer for other in (value, -value, value + 1, value - 1, 1 / value)}
        assert len(said) == 5
        assert None not in said
    if form.endswith("{}."):
        assert read(form.format(7) + " (It would be 8 with 2 more.)", "number").answer == "7"


def test_number_words_say_what_they_spell() -> None:
    """All numbers below 10,000 in steps, as they are spelt in words by a grammar of their own."""
    small = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    ones = ["", *small.split(), "eighteen", "nineteen"]
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

    def spell(number: int, joint: str) -> str:
        if number >= 1000:
            return f"{spell(number // 1000, joint)} thousand {spell(number % 1000, joint)}".strip()
        if number >= 100:
            rest = spell(number % 100, joint)
            return f"{ones[number // 100]} hundred{joint if rest else ''}{rest}"
        return ones[number] if number < 20 else f"{tens[number // 10]}-{ones[number % 10]}".strip("-")

    for number, joint in itertools.product(range(1, 10_000, 37), (" ", " and ")):
        words = spell(number, joint)
        assert read(f"The answer is {words} dollars.", "number").answer == str(number), words
        assert read(f"The answer is negative {words}.", "number").answer == str(-number), words


AFTERTHOUGHTS = ["Wait, that is wrong: {}.", "Hmm, that's not right. It is 6 * 8 = {}.", "Oops, I made a mistake: {}."]


@pytest.mark.parametrize(
    "form", ["The answer is {}.", "#### {}", "Answer: {}", "So the final answer is \\boxed{{{}}}."]
)
@pytest.mark.parametrize("afterthought", AFTERTHOUGHTS)
def test_what_is_taken_back_is_no_answer(form: str, afterthought: str) -> None:
    said = form.format(42)
    assert read(f"{said}\n{afterthought.format(48)}", "number").answer == "48"
    assert read(f"{said}\nWait, is that wrong? No, 6 * 7 = 42.", "number").answer == "42"
    assert read(f"{said}\nActually, that is a mistake.", "number").answer is None


@pytest.mark.parametrize("names", [("Agent 2", "Agent 3"), ("Ana", "Ben"), ("solver A", "solver B")])
@pytest.mark.parametrize("end", ["I agree with {}.", "I fully agree with {}'s reasoning.", "So I side with {}."])
def test_whoever_is_agreed_with_says_the_answer(names: tuple[str, str], end: str) -> None:
    one, other = names
    for told in (f"{one} says 12, and {other} says 14.", f"{other} has 14 while {one} gets 12.", "My answer is 3."):
        for name, number in ((one, "12"), (other, "14")):
            found = read(f"{told} {end.format(name)}", "number").answer
            assert found == ("3" if told.startswith("My") else number), (told, name)


@pytest.mark.parametrize("either", ["14 or 15", "$14 or $15", "15 or 14", "2 or 3"])
def test_one_of_two_is_undecided(either: str) -> None:
    assert read(f"So it would be {either} people.", "number").answer is None
    assert read(f"She needs {either}, so 16 to be safe.", "number").answer == "16"


@pytest.mark.parametrize(
    ("asked", "told", "answer"),
    [
        ("How many boxes does she need?", "So she needs 10 boxes, with 2 cookies left over.", "10"),
        ("How many cookies are left over?", "So she needs 10 boxes, with 2 cookies left over.", "2"),
        ("How many books can he buy?", "He can buy 6 books and will have $4 remaining.", "6"),
        ("How much money does he have then?", "He can buy 6 books and will have $4 remaining.", "4"),
    ],
)
def test_a_rest_is_the_answer_where_it_was_asked_for(asked: str, told: str, answer: str) -> None:
    assert read(told, Question(id="q", text=asked, gold="1", answer_type="number")).answer == answer


def test_dozens_are_counted_where_they_were_not_asked_for() -> None:
    for asked, answer in (("How many eggs?", "36"), ("How many dozen eggs?", "3"), ("What is it in dozens?", "3")):
        question = Question(id="q", text=asked, gold="1", answer_type="number")
        assert read("So it is 3 dozen. The answer is 3 dozen.", question).answer == answer


def test_marks_and_roots() -> None:
    assert read("She has $18 left.\n\n####", "number").answer == "18"
    assert read("Final answer: 5 - the remaining 3 were eaten.", "number").answer == "5"
    assert read("The answer is 3√2.", "number").answer is None
    assert read("The answer is 5\\pi.", "number").answer is None


@pytest.mark.parametrize(("one", "other"), [("12 cats", "6 dogs"), ("6 red dogs", "12 black cats")])
@pytest.mark.parametrize("form", ["There are {} and {}.", "He has {}, {}.", "So there are {} while there are {}."])
def test_of_amounts_side_by_side_the_one_is_meant_that_is_asked_for(one: str, other: str, form: str) -> None:
    for text in (form.format(one, other), form.format(other, one)):
        for things, answer in (("cats", "12"), ("dogs", "6")):
            question = Question(id="q", text=f"How many {things} are there?", answer_type="number")
            assert read(text, question).answer == answer, text


@pytest.mark.parametrize("text", ["Ann has 4 apples and Bob has 6.", "Bob has 6, while Ann has 4 apples."])
def test_of_amounts_of_two_people_the_one_is_meant_that_is_asked_for(text: str) -> None:
    for name, answer in (("Ann", "4"), ("Bob", "6")):
        question = Question(id="q", text=f"How many apples does {name} have?", answer_type="number")
        assert read(text, question).answer == answer


@pytest.mark.parametrize("said", ["Add 3 and {}: {}.", "Adding 3 and {} gives {}.", "3 and {} make {} apples."])
def test_a_result_counts_in_words_as_in_digits(said: str) -> None:
    for number, words, digits in ((4, "seven", "7"), (9, "twelve", "12"), (17, "twenty", "20")):
        for result in (words, digits):
            assert read(said.format(number, result), "number").answer == digits


@pytest.mark.parametrize("left", ["None of them are left.", "He has nothing left.", "There are no apples left."])
def test_nothing_left_is_a_number(left: str) -> None:
    assert read(f"He had 5 apples and ate them. {left}", "number").answer == "0"
    assert read(f"He fills 5 boxes until {left.lower()}", "number").answer == "5"


def test_a_comma_before_one_or_two_digits_and_a_unit_is_a_decimal_point() -> None:
    for text in ("He paid 19,99 €.", "He paid €19,99.", "It is 19,99 kg.", "It is 19,99 %."):
        assert read(text, "number").answer == "19.99"
    assert read("He paid 1,999 €.", "number").answer == "1999"


@pytest.mark.parametrize("told", ["The others got {} and {}.", "Agent 1 says {}. Agent 2 says {}."])
def test_two_answers_of_others_are_none_and_one_twice_is_it(told: str) -> None:
    assert read(told.format(12, 13), "number").answer is None
    assert read(told.format(12, 12), "number").answer == "12"
    assert read(told.format(12, 13) + " I get 15.", "number").answer == "15"


def test_a_calculation_in_parentheses_behind_a_result_is_an_aside() -> None:
    assert read("She'd need 21 slices. (7 × 3)", "number").answer == "21"
    assert read("She'd need slices. (7 × 3 = 21)", "number").answer == "21"
    assert read("So \\boxed{72}. \\boxed{48} would be April alone.", "number").answer == "72"


def test_digits_in_groups_below_zero_cents_and_what_was_had_at_first() -> None:
    for end in ("", ".", " dollars.", " people came."):
        assert read(f"So it is 1 250 000{end}", "number").answer == "1250000"
    assert read("The temperature is 7 degrees below zero.", "number").answer == "-7"
    assert read("The temperature is 7 degrees above zero.", "number").answer == "7"
    for asked, answer in (("How many dollars?", "0.75"), ("How many cents?", "75")):
        question = Question(id="q", text=asked, answer_type="number")
        assert read("Each one gets $0.75, or 75 cents.", question).answer == answer
    for one, other in ((17, 15), (15, 17)):
        assert read(f"{one} seems right. At first I had {other}.", "number").answer == str(one)
    assert read("12 = 3 + 4 + 5", "number").answer is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("$14,75", "14.75"),
        ("34,50 $", "34.5"),
        ("5,60 dolari", "5.6"),
        ("8 pens are 8 x 0,50 = 4,00 dollars.", "4"),
        ("0,7965", "0.7965"),
        ("£3,20 each", "3.2"),
        ("In all she has spent 58 000 dollars on shawls.", "58000"),
        ("Totalt kostar det 12 345 kronor, och det är mycket för en hatt.", "12345"),
        ("1,250 dollars", "1250"),
        ("She counts 40,000 pearls.", "40000"),
        ("$12,500", "12500"),
    ],
)
def test_a_comma_in_an_amount_of_money_and_groups_that_no_number_begins(text: str, number: str) -> None:
    assert read(text, Question(id="q", text="How much?", answer_type="number")).answer == number
