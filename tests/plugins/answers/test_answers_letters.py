"""Letters, in sentences made from grammars: each form for each label of each question, and relations between them."""

from __future__ import annotations

import itertools

import pytest

from magdi.core.mag import Choice
from magdi.plugins.answers import extract, read

COLOURS = ["red", "blue", "green", "grey", "pink", "teal", "gold", "lime", "navy", "plum"]
QUESTIONS = {
    "places": ("ABCDE", ["bank", "library", "department store", "mall", "new york"]),
    "amounts": ("ABCDE", ["5", "50", "0.5", "-5", "none of these"]),
    "sentences": ("ABCD", ["It was not paid.", "It was paid.", "It was paid in part.", "Nobody knows whether it was."]),
    "words": ("ABC", ["yes", "no", "all of the above"]),
    "numbered": ("12345", ["iron", "wood", "wool", "glass", "iron and wood"]),
    "many": (
        "ABCDEFGHIJ",
        [
            f"the {word} gene"
            for word in ["red", "blue", "green", "grey", "pink", "teal", "gold", "lime", "navy", "plum"]
        ],
    ),
}
WRITTEN = ["({})", "{}", "**{}**", "option {}", "option ({})", '"{}"', "$\\text{{({})}}$", "\\boxed{{{}}}"]
DECIDED = [
    "The answer is {0}.",
    "So the answer is {0}.",
    "Therefore, among the options, the answer is {0}.",
    "The correct answer would be {0}.",
    "The answer to the question of which one is best is {0}.",
    "The best choice is therefore {0}.",
    "The answer is:\n\n{0}",
    "Final answer: {0}",
    "Answer: {0}",
    "My answer: {0}\n\nExplanation: it fits what was asked.",
    "I would go with {0}.",
    "I believe it is {0}.",
    "Hence it must be {0}.",
    "<answer>{0}</answer>",
    '{{"reasoning": "It fits. Nothing else does.", "answer": "{0}", "confidence": 0.9}}',
    "#### {0}",
    "It is not known to all. Still, the answer is {0}.",
    "I am not sure, but I think the answer is {0}.",
    "The answer is not {1} but {0}.",
    "The answer is {0}, not {1}.",
    "The answer is {0} rather than {1}.",
    "The answer is {0} because {1} is wrong.",
    "The answer is {0}. {1} is wrong because it does not fit.",
    "The answer cannot be {1}, so it must be {0}.",
    "The answer could be {1}, but it's {0}.",
    "I first thought of {1}, but the answer is {0}.",
    "The answer is {1}. Wait, no, it's {0}.",
    "Agent 2 says the answer is {1}, but I believe it is {0}.",
    "While Agent 2 says that the answer is {1}, I believe it is {0}.",
    "Agent 1's answer {1} is incorrect; the correct answer is {0}.",
    "The correct answer is {0}. Agent 1's answer {1} is incorrect.",
    "I agree with Agent 1 that the answer is {0}.",
    "Is the answer {1}? It does not fit. The answer is {0}.",
]
OPEN = [
    "The answer is {0} or {1}.",
    "The answer is either {0} or {1}.",
    "It is either {0} or {1}.",
    "The answer is both {0} and {1}.",
    "The answer is {0} and {1}.",
    "The answer is most likely {0}, {1}, or {2}.",
    "So the answer could be {0} or {1}, depending on the person.",
    "Answer: {0}, {1}",
    "The answer is neither {0} nor {1}.",
    "The answer is not {0}.",
    "I would rule out {0}.",
    "Is the answer {0}?",
    "I don't think {0} is the answer.",
    "It is not true that the answer is {0}.",
    "I doubt that the answer is {0}.",
    "The answer is unknown.",
    "The answer cannot be determined from what is said.",
]
NOISE = ["It has rained a lot. ", "Some options are easy to rule out, and nobody doubts that. "]


def options(name: str) -> list[Choice]:
    labels, texts = QUESTIONS[name]
    return [Choice(label=label, text=text) for label, text in zip(labels, texts, strict=True)]


def written(name: str, places: tuple[int, ...], how: str) -> list[str]:
    labels = QUESTIONS[name][0]
    return [how.format(labels[place % len(labels)]) for place in places]


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("form", DECIDED)
def test_a_decision_is_read_for_every_label_however_it_is_written(form: str, name: str) -> None:
    labels = QUESTIONS[name][0]
    for place, how in itertools.product(range(len(labels)), WRITTEN):
        text = form.format(*written(name, (place, place + 1), how))
        assert extract(text, "letter", options(name)) == labels[place], text


@pytest.mark.parametrize("name", ["places", "sentences", "many"])
@pytest.mark.parametrize("form", OPEN)
def test_what_is_left_open_has_no_answer(form: str, name: str) -> None:
    for place, how in itertools.product(range(4), WRITTEN[:5]):
        text = form.format(*written(name, (place, place + 1, place + 2), how))
        assert extract(text, "letter", options(name)) is None, text


@pytest.mark.parametrize("name", ["places", "amounts", "sentences", "many"])
@pytest.mark.parametrize(
    "form", ["The answer is {}.", "Answer: {}", "Among A through E, the answer is {}.", "It must be {}.", '"{}"', "{}"]
)
def test_an_option_stands_for_its_label_when_its_text_is_written(form: str, name: str) -> None:
    for choice in options(name):
        text = form.format(choice.text.rstrip("."))
        assert extract(text, "letter", options(name)) == choice.label, text
        assert extract(text.upper(), "letter", options(name)) == choice.label, text


@pytest.mark.parametrize("name", ["places", "amounts", "sentences", "numbered", "many"])
def test_a_label_and_its_text_are_read_together_and_the_list_of_options_is_not_the_answer(name: str) -> None:
    for how, choice in itertools.product(["({}) {}", "{}) {}", "{}: {}", "{}. {}"], options(name)):
        listed = "\n".join(how.format(each.label, each.text) for each in options(name))
        said = how.format(choice.label, choice.text)
        assert extract(listed, "letter", options(name)) is None, listed
        for text in (f"The answer is {said}", f"{said}\n\nIt fits.", f"{listed}\n\nThe correct option is:\n\n{said}"):
            assert extract(text, "letter", options(name)) == choice.label, text


@pytest.mark.parametrize("form", DECIDED)
def test_labels_that_change_places_change_the_verdict_and_noise_does_not(form: str) -> None:
    for one, other in itertools.permutations("ABCDE", 2):
        text = form.format(f"({one})", f"({other})")
        swapped = form.format(f"({other})", f"({one})")
        assert extract(text, "letter", options("places")) == one
        assert extract(swapped, "letter", options("places")) == other
        for noise in NOISE:
            assert extract(noise + text, "letter", options("places")) == one, noise + text
    renamed = [
        Choice(label=label, text=text) for label, text in zip("ABCDE", ["tin", "ore", "gas", "oil", "tar"], strict=True)
    ]
    assert extract(form.format("(C)", "(D)"), "letter", renamed) == "C"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer choices are (A) bank, (B) library. Only (B) fits.", "B"),
        ("B is wrong, so A", "A"),
        ("I would rule out A and C. B", "B"),
        ("A... wait, no, B.", "B"),
        ("None of these are central to a town. (B)", "B"),
        ("A dog barks.", None),
        ("I think so.", None),
        ("Among A through E, the answer is 200 miles.", None),
        ("Answer: (B) library (D) mall", None),
        ("Answer: (A) bank (B) library", None),
        ("The answer is A (bank), B (library), and D.", None),
        ("The answer is (F).", None),
        ("In conclusion, A and B differ. The one that maximizes P(A|B) is the answer.", None),
        ("The answer is mall (B).", "B"),
        ("The answer is B.\n\nQ: What is red?\nA: The answer is C.", "B"),
        ('The answer is C. The statement "the answer is A" is a mistake.', "C"),
        ("The answer is C. The others are A. bank and B. library.", "C"),
        ("Hence the correct choice would be option d.", "D"),
        ("Both Agent 1 and Agent 2 say A. I agree.", "A"),
        ("Agent 1 says A. I disagree.", None),
        ("Agent 1 says A and Agent 2 says B.", None),
        ("I initially chose A, but after reading Agent 2's argument I now choose C.", "C"),
        ("Option A is incorrect. Option B is incorrect. Option C fits.", "C"),
        ("the answer is c", "C"),
        ("I change my answer from A to C.", "C"),
        ("I have switched from (A) to (C).", "C"),
        ("（Ｃ）", "C"),
        ("*Answer: C*", "C"),
    ],
)
def test_sentences_that_models_have_written(text: str, answer: str | None) -> None:
    assert extract(text, "letter", options("places")) == answer


def test_readings_say_by_which_rule() -> None:
    rules = {
        "(B)": "bare",
        "#### B": "hashes",
        "\\boxed{B}": "boxed",
        "The answer is B.": "marker",
        "So B is correct.": "conclusion",
        "The answer is library.": "option",
        "It sells books, as does (B).": "last",
        "The answer is A or B.": "undecided",
        "The answer is unknown.": "abstains",
        "It rains.": "nothing",
    }
    for text, rule in rules.items():
        assert read(text, "letter", options("places")).rule == rule, text


@pytest.mark.parametrize("better", ["(B)", "B", "option B", "library"])
@pytest.mark.parametrize("worse", ["(A)", "A", "option A", "bank", "A or C"])
@pytest.mark.parametrize(
    "form",
    [
        "So I would choose {better} over {worse}.",
        "I choose {better} rather than {worse}.",
        "I prefer {better} to {worse}.",
        "The answer is {better} instead of {worse}.",
        "Of these, {better} fits better than {worse}.",
    ],
)
def test_what_is_only_compared_with_is_no_answer(form: str, better: str, worse: str) -> None:
    found = extract(form.format(better=better, worse=worse), "letter", options("places"))
    assert found in ("B", None), found
    if better != "library" and worse != "bank":
        assert found == "B"


def test_what_nothing_is_better_than_stays() -> None:
    for text in ("There is no better option than C.", "Nothing fits better than C."):
        assert extract(text, "letter", options("places")) == "C"
    assert extract("B is less likely than A, so A.", "letter", options("places")) == "A"


SET_APART = [
    "All but {0} can be ruled out.", "All options except {0} are wrong.", "Every option other than {0} is incorrect.",
    "None but {0} fits.", "We can eliminate all but {0}.", "This rules out everything except {0}.",
    "No option other than {0} fits.",
    "None of the options except {0} makes sense.", "Apart from {0}, none of them fits.",
    "With the exception of {0}, all are false.",
]  # fmt: skip
PREFERRED = [
    "It could be {1} or {0}, but {0} is better.", "Both {1} and {0} are plausible, but {0} is the best.",
    "It might be {1} or {0}; {0} is more likely.", "It is between {1} and {0}, and I think {0} is better.",
    "{1} is possible, but {0} is better.", "Both {1} and {0} are ports, but only {0} lies in the north.",
    "Comparing {1} and {0}, I prefer {0}.", "I used to think {1}, but now {0}.",
    "{1} is partly right, but {0} is the most complete.", "While {1} is possible, {0} is the most likely.",
    "{0} makes the most sense.",
    "First choice: {0}. Second choice: {1}.", "I'm not sure, but {0}.", "Probably {0}, though {1} is possible.",
]  # fmt: skip
SECOND_THOUGHTS = [
    "{1}... no, {0}.", "The answer is {1}... no wait, {0}.",
    "The answer is {1}. Actually, {0} is better.", "The answer is {1}. Hmm, on reflection, {0}.",
    "The answer is {1}, I mean {0}.", "The answer is {1}, or rather {0}.",
    "My first answer was {1}; I now think it is {0}.",
    "Initially I picked {1}. After the discussion, {0}.", "I have changed my mind from {1} to {0}.",
]  # fmt: skip
PEERS = [
    "{0} — not {1}.", "{0}, because {1} does not fit.", "Agent 2 picked {1}, but that is too far. My answer stays {0}.",
    "The majority answer is {1}, but {0} is correct.", "{0}, not {1}.", "{0}, followed by {1}.",
    "Between {0} and {1}, {0} makes more sense.",
    "According to Agent 2, the answer is {1}. I disagree: it is {0}.", "My answer is {0}. Bob's answer is {1}.",
    "I chose {0}, while Agent 2 chose {1}.", "Although the other agents chose {1}, I stay with {0}.",
    "I still think {0}, though the others chose {1}.", 'Agent 2 wrote "The answer is {1}". My own is {0}.',
]  # fmt: skip


@pytest.mark.parametrize("form", [*SET_APART, *PREFERRED, *SECOND_THOUGHTS, *PEERS])
def test_one_option_of_several_is_set_apart(form: str) -> None:
    for (one, other), how in itertools.product(itertools.permutations("BCDE", 2), ["({})", "{}", "option {}"]):
        text = form.format(how.format(one), how.format(other))
        assert extract(text, "letter", options("places")) == one, text


@pytest.mark.parametrize("form", ["The answer is anything but {}.", "All but {} are correct.", "None but {} is wrong."])
def test_what_is_set_apart_the_other_way_round_is_no_answer(form: str) -> None:
    for label in "ABCDE":
        assert extract(form.format(f"({label})"), "letter", options("places")) is None


def test_an_option_is_named_by_its_place_and_by_what_is_said_of_all_others() -> None:
    for label, place in zip("ABCDE", ("first", "second", "third", "fourth", "last"), strict=True):
        for form in (
            "The answer is the {} option.",
            "The {} choice is the best.",
            "I choose the {} one.",
            "The {} option.",
        ):
            assert extract(form.format(place), "letter", options("places")) == label, form.format(place)
        others = [other for other in "ABCDE" if other != label]
        for said in (" is wrong.", " can be ruled out."):
            assert extract(" ".join(f"Option {other}{said}" for other in others), "letter", options("places")) == label
        for right, wrong in ((" - correct", " - incorrect"), (": this is right.", ": this is wrong."), (" ✓", " ✗")):
            listed = [
                f"{each.label}) {each.text}{right if each.label == label else wrong}" for each in options("places")
            ]
            assert extract("\n".join(listed), "letter", options("places")) == label
        shown = "\n".join(f"({each.label}) {each.text}" for each in options("places"))
        own = options("places")["ABCDE".index(label)]
        assert extract(f"{shown}\n\n({label}) {own.text}", "letter", options("places")) == label


ELIMINATED = [
    "Correct: {0}; incorrect: {rest}", "Wrong: {rest}\nRight: {0}", "Right: {0}. Wrong: {rest}.",
    "Incorrect options: {rest}. Correct option: {0}.", "Eliminating {rest} leaves {0}.",
    "Ruling out {rest}, we are left with {0}.", "After eliminating {rest}, {0} remains.",
    "We can eliminate {rest}, leaving {0}.", "Among {rest} and {0}, only {0} is a port.",
    "I rule out {rest}.", "By process of elimination, {0}.", "It's not {nots}, so it must be {0}.",
]  # fmt: skip


@pytest.mark.parametrize("form", ELIMINATED)
def test_what_all_others_are_ruled_out_for_is_the_answer_whatever_their_order_and_turns_with_them(form: str) -> None:
    labels = "BCDE" if "{nots}" in form else "ABCDE"
    for label, how in itertools.product(labels, ["({})", "{}", "option {}"]):
        others = [how.format(other) for other in "ABCDE" if other != label]
        for order in (others, others[::-1]):
            rest = ", ".join(order[:-1]) + f" and {order[-1]}"
            text = form.format(how.format(label), rest=rest, nots=", not ".join(order[:2]))
            assert extract(text, "letter", options("places")) == label, text


@pytest.mark.parametrize(
    "text",
    [
        "We cannot rule out A.",
        "Correct: A and B; incorrect: C, D, E",
        "Eliminating A and B leaves C, D and E.",
        "A and B remain.",
        "Not only A but also B is wrong.",
        "It's not D, not E, so it's C or B.",
        "It could be A. It could also be B.",
        "I prefer not to answer.",
    ],
)
def test_what_leaves_several_has_no_answer(text: str) -> None:
    assert extract(text, "letter", options("places")) is None


def test_a_label_with_the_text_of_another_option_is_no_answer() -> None:
    for one, other in itertools.permutations(options("places"), 2):
        for form in ("{}) {}", "({}) {}.", "The answer is {}: {}.", "**{}. {}**\nIt is near."):
            assert extract(form.format(one.label, one.text), "letter", options("places")) == one.label
            assert extract(form.format(one.label, other.text), "letter", options("places")) is None


def test_options_gone_through_without_a_word_on_the_answer_are_no_answer() -> None:
    places = options("places")
    for order in (places, places[::-1]):
        text = "Let's analyze each option:\n\n" + "\n".join(f"({each.label}) {each.text}: maybe far." for each in order)
        assert extract(text, "letter", places) is None
        assert extract(f"{text}\nSo C.", "letter", places) == "C"


@pytest.mark.parametrize(
    "form",
    [
        "Some might argue for {1}; nevertheless the nearest is {0}.",
        "Everyone says {1}, but I am convinced it is {0}.",
        "Between {0} and {1}, {0} is closer.",
    ],
)
def test_what_others_may_say_does_not_count_against_the_last_word(form: str) -> None:
    for pair in itertools.permutations("ABCDE", 2):
        assert extract(form.format(*pair), "letter", options("places")) == pair[0]
