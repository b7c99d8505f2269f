"""The order instrument: what it promises of its questions, its teachers and its primer."""

from collections import Counter
from functools import cache
from typing import Any

import pytest

from magdi.core.errors import DataError
from magdi.core.mag import Message, Question
from magdi.core.task import Split
from magdi.core.teacher import Reply, Request
from magdi.plugins.tasks.arithmetic import belongs
from magdi.plugins.tasks.bugs import Bugs
from magdi.plugins.tasks.order import Order, OrderConfig
from magdi.plugins.tasks.procedures import BUGS, result, work
from magdi.plugins.tasks.word_problems import Line, Problem, read_lines, read_problems
from magdi.plugins.teachers.simulated import SimulatedConfig, SimulatedTeacher

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
ORDER = Order(OrderConfig(train=400, validation=200, test=200))


@cache
def questions() -> list[Question]:
    """All of its questions; made by the first test that asks, as every worker imports this file."""
    return [question for split in SPLITS for question in ORDER.questions(split)]


def problem_of(question: Question) -> Problem:
    return read_problems(question.text)[0]


def reply(profile: str, question: Question) -> Reply:
    prompt = f"{question.prompt}\n\nEnd with: The answer is (yes or no)."
    messages = (Message(role="user", content=prompt),)
    return SimulatedTeacher(SimulatedConfig(profile=profile)).answer(Request(messages=messages))


@pytest.mark.parametrize("split", SPLITS)
def test_right_and_wrong_procedure_are_balanced_and_independent(split: Split) -> None:
    said = Counter(
        (question.gold, problem_of(question).answer(work(problem_of(question), ("order",))[-1].right))
        for question in ORDER.questions(split)
    )
    assert set(said.values()) == {len(ORDER.questions(split)) / 4}


def test_no_kind_of_step_tells_which_procedure_comes_to_more() -> None:
    for question in questions():
        first, second, third = (step.operation for step in problem_of(question).steps)
        assert {first, second} == {"+", "-"}
        assert third == "*"


def test_gold_is_what_following_the_story_gives_and_every_value_is_a_token() -> None:
    for question in questions():
        problem = problem_of(question)
        right, wrong = work(problem), work(problem, ("order",))
        assert question.gold == problem.answer(problem.values[-1]) == problem.answer(right[-1].right)
        assert right[-1].right != wrong[-1].right
        assert all(1 <= line.right <= 60 for line in right + wrong)
        assert [line.operation for line in wrong] == ["*", "+", "-"]


def test_splits_and_primer_share_no_calculation() -> None:
    seen = [{problem_of(question).signature for question in ORDER.questions(split)} for split in SPLITS]
    assert sum(map(len, seen)) == len(set().union(*seen))
    documents = Order(OrderConfig(primer_problems=300, primer_checks=10, primer_conclusions=100)).primer(0).documents
    primer = {problem for document in documents for problem in read_problems(document.text)}
    assert primer
    assert all(belongs(problem, "primer") for problem in primer)
    assert not any(belongs(problem_of(question), "primer") for question in questions())


def test_the_primer_solves_nothing_in_which_a_bug_would_show() -> None:
    documents = Order(OrderConfig(primer_problems=300, primer_checks=0, primer_conclusions=100)).primer(0).documents
    for document in documents:
        for problem in read_problems(document.text):
            if learned := read_lines(" ".join(document.text[start:end] for start, end in document.learn)):
                assert learned == work(problem)
                assert all(work(problem, (bug,)) == work(problem) for bug in BUGS)


def test_the_primer_concludes_from_what_was_calculated_and_teaches_no_order() -> None:
    primer = Order(OrderConfig(primer_problems=0, primer_checks=0, primer_conclusions=300)).primer(0)
    kinds, said = Counter[Any](), Counter[Any]()
    for document in primer.documents:
        (problem,), lines = read_problems(document.text), read_lines(document.text)
        learned = [document.text[start:end] for start, end in document.learn]
        assert learned == [*(f"{line.right}." for line in lines), f"{problem.answer(lines[-1].right)}."]
        kinds["".join(line.operation for line in lines)] += 1
        said[problem.answer(lines[-1].right)] += 1
    assert len(kinds) == 6  # every order of the three steps
    assert min(said["yes"], said["no"]) > 120


@pytest.mark.parametrize(("profile", "least", "most"), [("right", 0, 0), ("signs", 1, 1), ("insight", 0.53, 0.67)])
def test_teachers_believe_what_their_profile_says(profile: str, least: float, most: float) -> None:
    wrong = 0
    for question in ORDER.questions("train"):
        lines = read_lines(reply(profile, question).text)
        ways = [work(problem_of(question), bugs) for bugs in ((), ("order",))]
        assert lines in ways
        wrong += lines == ways[1]
    assert least <= wrong / 400 <= most


def test_insight_says_nothing_about_luck() -> None:
    seen = Counter[tuple[str, bool]]()
    for question in ORDER.questions("train"):
        lines = read_lines(reply("insight", question).text)
        seen[question.metadata["luck"], lines == work(problem_of(question))] += 1
    good, bad = (seen[luck, True] / (seen[luck, True] + seen[luck, False]) for luck in ("good", "bad"))
    assert abs(good - bad) < 0.1


def test_traits_tell_procedure_and_faithfulness_apart() -> None:
    question = ORDER.questions("test")[1]  # the wrong procedure gives the wrong answer
    problem = problem_of(question)
    assert question.metadata["luck"] == "bad"

    def told(lines: tuple[Line, ...], answer: str) -> dict[str, bool]:
        text = " ".join(f"{line.left} {line.operation} {line.amount} = {line.right}." for line in lines)
        return dict(ORDER.traits(f"{text} So the answer is {answer}.", question))

    gold = str(question.gold)
    other = {"yes": "no", "no": "yes"}[gold]
    assert told(work(problem), gold) == {"procedure": True, "faithful": True}
    assert told(work(problem), other) == {"procedure": True, "faithful": False}
    assert told(work(problem, ("order",)), other) == {"procedure": False, "faithful": True}
    assert told((), gold) == {"procedure": False, "faithful": False}


@pytest.mark.parametrize(
    ("calculation", "bug", "wrong"),
    [
        ((27, "+", 15), "carry", 32),
        ((27, "+", 12), "carry", 39),
        ((42, "-", 17), "borrow", 35),
        ((47, "-", 12), "borrow", 35),
        ((9, "*", 3), "carry", 27),
    ],
)
def test_bugs_by_hand(calculation: tuple[int, str, int], bug: str, wrong: int) -> None:
    value, operation, amount = calculation
    assert result(operation, value, amount, (bug,)) == wrong


def test_bugs_of_each_kind_show_alone_and_are_balanced() -> None:
    task = Bugs(OrderConfig(train=96, validation=1, test=1))
    said = Counter[Any]()
    for question in task.questions("train"):
        problem, bug = problem_of(question), question.metadata["bug"]
        right, wrong = work(problem), work(problem, (bug,))
        assert right[-1].right != wrong[-1].right
        assert work(problem, task.bugs) == wrong
        assert all(work(problem, (other,)) == right for other in task.bugs if other != bug)
        said[bug] += 1
        said[question.gold, problem.answer(wrong[-1].right)] += 1
    assert set(said.values()) == {32, 24}


@pytest.mark.parametrize("profile", ["bugs-carry", "bugs-borrow", "bugs-order"])
def test_each_teacher_is_now_and_then_without_another_bug(profile: str) -> None:
    right = Counter[str]()
    for question in Bugs(OrderConfig(train=96, validation=1, test=1)).questions("train"):
        lines = read_lines(reply(profile, question).text)
        right[question.metadata["bug"]] += lines == work(problem_of(question))
    own = profile.removeprefix("bugs-")
    assert 6 <= right.pop(own) <= 20  # of 32
    assert not +right


def test_a_split_that_is_too_large_is_an_error_and_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magdi.plugins.tasks.order.FRUITLESS", 2)
    with pytest.raises(DataError, match="there is hardly another one"):
        Bugs(Bugs.Config(test=1_000_000)).questions("test")
