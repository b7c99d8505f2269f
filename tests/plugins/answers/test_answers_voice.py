"""Numbers and formulas in a reply that are no answer: denied, asked, told of others, taken back, a check."""

from __future__ import annotations

import itertools

import pytest

from magdi.plugins.answers import extract, grade

PAIRS = [("7", "8"), ("-3", "12"), ("1,200", "0.5")]
NORMAL = {"1,200": "1200"}
TAKEN_BACK = [
    "The answer is {1}. Wait, no, it's {0}.", "The answer is {1}... wait, actually {1}, no, {0}.",
    "The answer is {1}, no, {0}.",
    "The answer is {1}. Correction: {0}.", "The answer is {1}, I mean {0}.", "The answer is {1}. Sorry, I meant {0}.",
    "The answer is {1}. On second thought, it is {0}.", "The answer is {1}. Scratch that, it's {0}.",
    "The answer is {1}, or rather {0}.", "The answer is {1} - no, {0}.", "The answer is {1}. Actually, it is {0}.",
    "The answer was {1}, but I made a mistake; it is {0}.", "#### {1}\nOops, I meant {0}.",
    "The answer is {1}. But wait, we forgot Tom. The total is therefore {0}.",
]  # fmt: skip
DENIED = [
    "The answer is not {1} but {0}.", "The answer is {0}, not {1}.", "The answer isn't {1}, it's {0}.",
    "The answer cannot be {1}; it must be {0}.", "It is not {1}. It is {0}.", "Is the answer {1}? No, it is {0}.",
    "{1} is too many. So it is {0}.", "I do not think that the answer is {1}. It is {0}.",
    "{1} is wrong; the answer is {0}.",
]  # fmt: skip
TOLD = [
    "I got {0}. Agent 1's answer is {1}, which is wrong.", "According to Agent 2, the answer is {1}. But it is {0}.",
    "The answer is {0}. According to Bob, the answer is {1}.", "My answer is {0}. Bob's answer is {1}.",
    "Ann said the answer is {1}. I think it's {0}.", "As Ann says, the answer is {1}, but I get {0}.",
    "Agent 1 claims that the answer is {1}, but it is {0}.", "The answer is {0}. Agent 2 wrote: \"#### {1}\"",
    "Agents 1 and 3 both got {1}. I say {0}.", "The answer is {0}. The other agents have {1}.",
]  # fmt: skip
SUPPOSED = [
    "The answer would be {1} if all came, but since one stays, the answer is {0}.",
    "Suppose the answer is {1}. Then one is missing. So x = {0}.",
    "If the answer is {1}, one is missing. So it is {0}.",
]
AGREED = [
    "Agent 2 says that the answer is {0}, and I agree.", "According to Agent 2, the answer is {0}.",
    "Both agents got {0}, and so did I.", "The correct answer remains \\boxed{{{0}}}, as the other agents say.",
    "As a result, the answer is {0}, which agrees with Agent 3.",
]  # fmt: skip


@pytest.mark.parametrize("form", [*TAKEN_BACK, *DENIED, *TOLD, *SUPPOSED, *AGREED])
def test_the_writers_last_word_is_the_answer(form: str) -> None:
    for pair, before in itertools.product([*PAIRS, *(pair[::-1] for pair in PAIRS)], ["", "She had 31 of them.\n"]):
        text = before + form.format(*pair)
        assert extract(text, "number") == NORMAL.get(pair[0], pair[0]), text


@pytest.mark.parametrize("form", [form for form in [*TAKEN_BACK[:10], *DENIED[:6], *TOLD[:3]] if "{1} is" not in form])
def test_formulas_are_taken_back_denied_and_told_as_numbers_are(form: str) -> None:
    for one, other in itertools.permutations(("x^2+1", "2\\sqrt{3}"), 2):
        text = form.format(f"${one}$", f"${other}$")
        assert extract(text, "expression") == one, text


@pytest.mark.parametrize(
    "text",
    ["The answer is not {}.", "The answer isn't {}.", "The answer cannot be {}.", "{} is not the answer.",
    "Is the answer {}?",
     "I do not think that the answer is {}.", "The answer {} is wrong.", "The answer is unlikely to be {}."],
)  # fmt: skip
def test_what_is_only_denied_or_asked_is_no_answer(text: str) -> None:
    for value in ("7", "-3", "0.5"):
        assert extract(text.format(value), "number") is None, text


CHECKS = [
    "Verification: 42 - 2 = 40, and 40 / 4 = 10. Correct.", "To verify, 6 * 7 = 42, which is 7 each for 6.",
    "Check: 10 * 4 + 2 = 42.",
    "Note: this assumes that 3 of them stay.", "(Note: 5 is prime.)", "Confidence: 95%", "I am 90% sure.",
    "Difficulty: 3",
    "This is because 3 of the 45 were lost.", "Let me check: 42 - 40 = 2.",
    "**Verification:**\n42 - 2 = 40\n40 / 4 = 10",
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("closing", ["So she has 42 apples.", "In total, Tom earns $42.", "So it is 40 + 2 = 42."])
def test_checks_and_notes_behind_what_a_text_comes_to_are_passed_over(closing: str, check: str) -> None:
    text = f"She had 40 of them, and 2 came. {closing}\n\n{check}"
    assert extract(text, "number") == "42", text
    assert extract(text, "expression") == "42", text


@pytest.mark.parametrize(
    "end",
    ["So she has 16 - 3 - 4 =", "The answer is", "So the total cost is $", "Then we add the", "Step 2:",
    "The total is 3 +",
     "\\boxed{", "\\boxed{4", "so x = \\frac{12}{", "There are 12 boxes and"],
)  # fmt: skip
def test_what_was_cut_off_before_its_answer_has_none(end: str) -> None:
    assert extract(f"Tom has 3 bags. {end}", "number") is None
    assert extract(f"The answer is 7. {end}", "number") in ("7", None)


@pytest.mark.parametrize("mark", ["{}: {}", "{}) {}", "({}) {}", "{}. {}"])
@pytest.mark.parametrize("said", ["The answer is {}.", "Answer: {}", "\\boxed{{{}}}", "The correct option is {}."])
def test_a_number_is_chosen_from_options_by_its_letter(mark: str, said: str) -> None:
    listed = "\n".join(mark.format(label, 12 + place) for place, label in enumerate("ABCD"))
    for place, label in enumerate("ABCD"):
        assert extract(f"{listed}\n{said.format(label)}", "number") == str(12 + place)
        assert extract(f"{listed}\n{said.format(12 + place)}", "number") == str(12 + place)


@pytest.mark.parametrize("value", ["18", "-2.5", "1,250"])
@pytest.mark.parametrize("sure", ["0.9", "90%", "90 percent", "9/10"])
@pytest.mark.parametrize(
    "form",
    [
        "My answer stays at {0}, with confidence {1}.", "So it is {0}. My confidence is {1}.",
        "{0}, with a confidence of {1}.",
        "I get {0}. Certainty: {1}.", "It is {0} (confidence: {1}).", "My answer is {0} and my confidence level is {1}",
    ],
)  # fmt: skip
def test_how_sure_a_writer_is_is_no_answer(form: str, value: str, sure: str) -> None:
    read = extract(form.format(value, sure), "number")
    assert read is not None
    assert grade(read, value.replace(",", ""), "number")


def test_a_confidence_that_was_asked_for_is_an_answer() -> None:
    assert extract("The confidence level is 95.", "number") == "95"


@pytest.mark.parametrize(("said", "means"), [("3,5", "3.5"), ("1.234,5", "1234.5"), ("3,50 Euro", "3.5"), ("42", "42")])
@pytest.mark.parametrize("marker", ["Die Antwort ist {}.", "La réponse est {}.", "Antwort: {}", "La respuesta es {}."])
def test_behind_a_marker_of_another_language_a_comma_may_be_a_point(marker: str, said: str, means: str) -> None:
    read = extract(marker.format(said), "number")
    assert read is not None
    assert grade(read, means, "number")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("Insgesamt kostet es 12,75 Euro.", "12.75"),
        ("Il reste donc 3,5 litres dans le seau.", "3.5"),
        ("El total es de 4,75 dólares.", "4.75"),
        ("Die Antwort lautet 1.250.", "1250"),
        ("La réponse est 1 250,75 €.", "1250.75"),
        ("Die Antwort ist 3.5.", "3.5"),
        ("Ответ: 3,5", "3.5"),
        ("The total is 1,250.", "1250"),
        ("José paid 1.250 dollars.", "1.25"),
        ("答案是 1,200。", "1200"),
        ("The answer is 3,5.", None),
        ("答案是 1,2。", None),
    ],
)
def test_whether_a_comma_is_a_decimal_point_is_told_by_the_language(text: str, means: str | None) -> None:
    assert extract(text, "number") == means


def test_a_list_in_brackets_is_one_in_every_language() -> None:
    assert extract("Der Punkt ist \\boxed{(3,5)}.", "expression") == "(3,5)"
    assert extract("Die Lösung ist \\boxed{3,5}.", "expression") == "3.5"
