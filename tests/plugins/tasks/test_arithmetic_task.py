"""The arithmetic task: right gold answers, disjoint splits, and a primer that gives nothing away."""

import random
import re
from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from magdi.core.mag import Question
from magdi.core.task import Split
from magdi.plugins.tasks.arithmetic import SHARES, Arithmetic, ArithmeticConfig, share_of
from magdi.plugins.tasks.word_problems import PHRASES, Problem, Step, draw_problem, read_problems

SPLITS: tuple[Split, ...] = ("train", "validation", "test")

MEANING = {
    "finds": lambda value, n: value + n,
    "buys": lambda value, n: value + n,
    "bring": lambda value, n: value + n,
    "loses": lambda value, n: value - n,
    "sells": lambda value, n: value - n,
    "donates": lambda value, n: value - n,
    "gets": lambda value, n: value * n,
    "makes": lambda value, n: value * n,
    "shares": lambda value, n: value / n,
}


def answer(text: str) -> list[float]:
    """All values on the way, worked out without the package's own reader."""
    first, *told = text.split(". ")[:-1]
    values = [float(re.findall(r"\d+", first)[0])]
    for sentence in told:
        _, verb, amount, *_ = sentence.split()
        values.append(MEANING[verb](values[-1], int(amount)))
    return values


def signatures(questions: Sequence[Question]) -> set[str]:
    return {read_problems(question.text)[0].signature for question in questions}


@pytest.mark.parametrize("split", SPLITS)
def test_gold_is_what_the_words_say(split: Split) -> None:
    for question in Arithmetic().questions(split):
        values = answer(question.text)
        assert str(int(values[-1])) == question.gold
        assert len(values) - 1 == question.metadata["steps"] in (2, 3, 4)
        assert all(value == int(value) and 1 <= value <= 60 for value in values)


def test_sizes_and_ids() -> None:
    task = Arithmetic()
    sizes = {split: len(task.questions(split)) for split in SPLITS}
    assert sizes == {"train": 1000, "validation": 500, "test": 1000}
    ids = [question.id for split in SPLITS for question in task.questions(split)]
    assert len(set(ids)) == len(ids)


def test_no_calculation_is_in_two_splits_nor_in_the_primer() -> None:
    drawn: list[tuple[Split, int]] = [("train", 0), ("train", 1), ("validation", 0), ("test", 0)]
    seen = [signatures(Arithmetic(ArithmeticConfig(seed=seed)).questions(split)) for split, seed in drawn]
    primer = {problem.signature for document in Arithmetic().primer(0).documents for problem in problems(document.text)}
    one, two, validation, test = seen
    for first, second in ((one | two, validation), (one | two, test), (validation, test)):
        assert not first & second
    assert primer
    assert not primer & (one | two | validation | test)


def problems(text: str) -> list[Problem]:
    return read_problems(text.replace("What happens?", "How many").replace("\n", " "))


def test_training_questions_are_fresh_for_each_seed_and_the_others_are_not() -> None:
    first, second = (Arithmetic(ArithmeticConfig(seed=seed)) for seed in (0, 1))
    assert len(signatures(first.questions("train")) & signatures(second.questions("train"))) < 20
    assert first.questions("test") == second.questions("test")
    assert first.questions("validation") == second.questions("validation")


def test_a_larger_split_begins_with_the_smaller_one() -> None:
    small, large = (Arithmetic(ArithmeticConfig(train=size)) for size in (20, 50))
    assert large.questions("train")[:20] == small.questions("train")


def test_every_hundredth_has_one_owner() -> None:
    owned = [share for shares in SHARES.values() for share in shares]
    assert len(owned) == len(set(owned)) < 100
    rng = random.Random(0)
    shares = [share_of(draw_problem(rng, 3)) for _ in range(2000)]
    assert min(shares) < 3
    assert max(shares) > 96


@pytest.mark.parametrize("kind", PHRASES)
def test_what_is_written_is_read_back(kind: str) -> None:
    problem = Problem(12, (Step(kind, 2), Step("find", 3), Step(kind, 3)), "Zoe", "beads")
    assert read_problems(f"Here it is: {problem.text} Think.") == [problem]


def test_names_of_people_do_not_change_the_calculation() -> None:
    twins = [
        Problem(5, (Step(kind, 4), Step("copy", 2)), name, "cards") for kind, name in (("buy", "Ana"), ("find", "Tom"))
    ]
    assert twins[0].signature == twins[1].signature
    assert twins[0].text != twins[1].text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12 + 5 = 17. So the answer is 17.", "17"),
        ("We start with 12. Adding 5 : 12 + 5 = 17. So the answer is 17.", "17"),
        ("The answer is 17. " * 2, "17"),
        ("12 + 5 = 17", "17"),
        ("17", "17"),
        ("none", None),
        ("", None),
    ],
)
def test_extraction(text: str, expected: str | None) -> None:
    task = Arithmetic()
    assert task.extract(text, task.questions("test")[0]) == expected


def test_primer_learns_solutions_and_nothing_of_the_questions() -> None:
    documents = [document for document in Arithmetic().primer(3).documents if "now?\n" in document.text]
    assert len(documents) == 1800
    assert {len(problems(document.text)[0].steps) for document in documents} == {1, 2}
    for document in documents:
        ((start, end),) = document.learn
        assert document.text[:start].endswith("now?\n")
        assert document.text[start:end].endswith(f"So the answer is {int(answer(document.text[:start] + ' ')[-1])}.")


def test_primer_teaches_to_read_and_not_to_solve_more_than_two_steps() -> None:
    documents = [document for document in Arithmetic().primer(3).documents if "What happens?\n" in document.text]
    lengths = set()
    for document in documents:
        story, told = document.text.split(" What happens?\n")
        sentences = story.split(". ")[1:]
        assert len(sentences) == len(told.split(". "))
        for sentence, step in zip(sentences, told.split(". "), strict=True):
            _, verb, amount, *_ = sentence.split()
            assert step.strip(".").split() == [{12: "+", 8: "-", 20: "*", 5: "/"}[int(MEANING[verb](10, 2))], amount]
        assert document.learn == ((len(document.text) - len(told), len(document.text)),)
        lengths.add(len(sentences))
    assert len(documents) == 1200
    assert lengths == {1, 2, 3, 4}


def test_checks_teach_right_results_and_verdicts_only() -> None:
    task = Arithmetic(ArithmeticConfig(primer_problems=0, primer_checks=50))
    for document in task.primer(0).documents:
        for check in re.finditer(r"(\d+) ([-+*/]) (\d+) = (\d+) (yes|no)\.", document.text):
            left, operation, amount, shown, verdict = check.groups()
            result = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "/": int.__floordiv__}[operation](
                int(left), int(amount)
            )
            assert (result == int(shown)) == (verdict == "yes")
            assert check.span(5) in document.learn
            assert (check.span(4) in document.learn) == (verdict == "yes")
        assert len(document.learn) == 8 + document.text.count("yes")


def test_primer_is_decided_by_its_seed() -> None:
    task = Arithmetic(ArithmeticConfig(primer_problems=50, primer_checks=5))
    assert task.primer(1) == task.primer(1)
    assert task.primer(1) != task.primer(2)


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError, match="max_steps"):
        ArithmeticConfig(min_steps=3, max_steps=2)
