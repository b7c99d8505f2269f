"""Every form of answer in the table of docs/tasks.md, and what is none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from magdi.core.mag import AnswerType, Choice, Question
from magdi.plugins.answers import extract

OPTIONS = tuple(
    Choice(label=label, text=text)
    for label, text in zip("ABCDE", ["bank", "library", "department store", "mall", "new york"], strict=True)
)


def question(answer_type: AnswerType, choices: tuple[Choice, ...] = ()) -> Question:
    return Question(id="q", text="What is it?", answer_type=answer_type, choices=choices)


NUMBERS = [
    ("300.0", "300"),
    ("$1,000", "1000"),
    ("$300.00", "300"),
    ("3e2", "300"),
    ("3 \\times 10^{2}", "300"),
    ("#### 42", "42"),
    ("A: 42", "42"),
    ("\\boxed{42}", "42"),
    ("so 5. The answer is 42.", "42"),
    ("the answer is:\n\n42", "42"),
    ("The final answer is **42**.", "42"),
    ("The answer is \\(42\\).", "42"),
    ("The answer is $18 per day for 3 days.", "18"),
    ("The answer is 5 + 3 = 8.", "8"),
    ("The answer is 12 (3 * 4)", "12"),
    ("The answer to how many eggs in 3 days is 12.", "12"),
    ("I got 5 apples. Then I had 7", "7"),
    ("So she has 16 - 3 - 4 = 9 eggs.", "9"),
    ("50%", "50"),
    ("50 percent", "50"),
    ("1/2", "0.5"),
    ("\\frac{1}{2}", "0.5"),
    ("2/6", "1/3"),
    ("1 1/2", "1.5"),
    ("2½", "2.5"),
    ("-5", "-5"),
    ("−5", "-5"),
    ("-$5", "-5"),
    ("$-5", "-5"),
    ("-0", "0"),
    ("300 km", "300"),
    ("300km", "300"),
    ("1{,}000", "1000"),
    ("1,00,000", "100000"),
    ("3 million", "3000000"),
    ("The answer is five.", "5"),
    ("twenty-five", "25"),
    ("Rs.500", "500"),
    ("３００", "300"),
    ("x = 5", "5"),
    ("The answer is 3.5.", "3.5"),
    ("The answer is not 5, it is 6", "6"),
]

LETTERS = [
    ("B", "B"),
    ("(B)", "B"),
    ("b", "B"),
    ("B)", "B"),
    ("B.", "B"),
    ("**B**", "B"),
    ("(B) foo", "B"),
    ("B: library", "B"),
    ("library", "B"),
    ("The library", "B"),
    ("Option B", "B"),
    ("The answer is (B).", "B"),
    ("The answer is B because A is bad", "B"),
    ("The answer is library.", "B"),
    ("The answer is a department store.", "C"),
    ("Answer: (B) library", "B"),
    ("\\boxed{B}", "B"),
    ("\\boxed{\\text{(B)}}", "B"),
    ("A: bank\nB: library\nAnswer: B", "B"),
    ("(A) is wrong. The answer is not (A) but (B).", "B"),
    ("It sells books.\nSo it must be (B)", "B"),
]

BOOLEANS = [
    ("yes", "yes"),
    ("True", "yes"),
    ("no.", "no"),
    ("y", "yes"),
    ("#### yes", "yes"),
    ("\\boxed{\\text{No}}", "no"),
    ("The answer is: False", "no"),
    ("The answer is that it is false.", "no"),
    ("No, because there is no way. So the answer is no.", "no"),
    ("Yes, but there is no way", "yes"),
    ("Albany is big. So yes, it will.", "yes"),
    ("That is not true.", "no"),
]

EXPRESSIONS = [
    ("\\boxed{\\frac{14}{3}}", "14/3"),
    ("so it is \\boxed{\\left( 3, \\frac{\\pi}{2} \\right)}.", "(3,\\frac{\\pi}{2})"),
    ("The answer is $2\\sqrt{3}$.", "2\\sqrt{3}"),
    ("x = \\dfrac12", "0.5"),
    ("15\\mbox{ cm}^2", "15"),
    ("90^\\circ", "90"),
    ("\\text{east}", "east"),
    ("\\text{(C)}", "C"),
    ("10,\\! 080", "10080"),
    ("#### 3x+1", "3x+1"),
    ("We get $a$ and $b$, so $a+b$", "a+b"),
]

TEXTS = [
    ("The Eiffel Tower", "eiffel tower"),
    ("I thought about it.\nThe answer is the Eiffel Tower.", "eiffel tower"),
    ("Paris!", "paris"),
]

NONE = [
    ("number", "I don't know, perhaps 5"),
    ("number", "The answer is unknown."),
    ("number", "The answer cannot be determined from the 3 facts."),
    ("number", "The answer is 5 * 3."),
    ("number", "She pays 5 * 3"),
    ("number", "A: 5+John's age"),
    ("number", "9**9**9**9"),
    ("number", "3x"),
    ("number", "10,00"),
    ("number", "4:30"),
    ("number", "5/0"),
    ("number", "1.5e400"),
    ("number", "nan"),
    ("number", "The answer is infinity"),
    ("number", "\u202e24"),
    ("number", "\u200f42"),
    ("letter", "None of the above"),
    ("letter", "Z"),
    ("letter", "A dog"),
    ("letter", "I do not know."),
    ("boolean", "yes and no"),
    ("boolean", "There is no bread here"),
    ("boolean", "I cannot say"),
    ("expression", "I do not know."),
    ("expression", "\\boxed{" + "(" * 30 + ")" * 30 + "}"),
    ("text", ""),
    ("text", "The answer is unknown."),
]


def cases() -> list[tuple[AnswerType, str, str]]:
    table: dict[AnswerType, list[tuple[str, str]]] = {
        "number": NUMBERS,
        "letter": LETTERS,
        "boolean": BOOLEANS,
        "expression": EXPRESSIONS,
        "text": TEXTS,
    }
    return [(kind, text, answer) for kind, pairs in table.items() for text, answer in pairs]


@pytest.mark.parametrize(("kind", "text", "answer"), cases())
def test_reads(kind: AnswerType, text: str, answer: str) -> None:
    assert extract(text, question(kind, OPTIONS if kind == "letter" else ())) == answer


@pytest.mark.parametrize(("kind", "text"), NONE)
def test_reads_nothing(kind: AnswerType, text: str) -> None:
    assert extract(text, question(kind, OPTIONS if kind == "letter" else ())) is None


def test_an_option_that_says_none_of_the_above_can_be_chosen() -> None:
    options = (Choice(label="A", text="a bank"), Choice(label="B", text="none of the above"))
    assert extract("The answer is none of the above.", question("letter", options)) == "B"


def test_two_options_of_one_text_are_told_apart_by_letter_only() -> None:
    options = (Choice(label="A", text="bank"), Choice(label="B", text="bank"))
    assert extract("The answer is bank.", question("letter", options)) is None
    assert extract("The answer is (B) bank.", question("letter", options)) == "B"


def test_docs_show_what_is_accepted() -> None:
    """Each row of the table in the docs reads as it says."""
    page = (Path(__file__).parents[3] / "docs" / "tasks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (number|letter|boolean|expression|text) \| `(.+?)` \| `?(.+?)`? \|$", page, re.MULTILINE)
    assert len(rows) > 40
    for kind, text, answer in rows:
        read = extract(text.replace("⏎", "\n").replace("¦", "|"), question(kind, OPTIONS if kind == "letter" else ()))
        assert str(read).lower() == answer.lower(), (kind, text)


@pytest.mark.parametrize("form", ["#### {}####", "#### {} ####", "so {} + 0 = {}####", "The unknown number is {}."])
@pytest.mark.parametrize("number", ["17", "100", "8"])
def test_headings_that_are_closed_and_unknowns_that_are_found(form: str, number: str) -> None:
    assert extract(form.format(number, number), question("number", ())) == number


def test_plugins_that_say_where_the_readers_were_find_them() -> None:
    code = "from magdi.core import answers; print(answers.extract('The answer is 7.', 'number'))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "7\n"
