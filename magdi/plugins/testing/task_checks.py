"""What is asked of a task: questions that stay what they are, and grading that nothing in a reply can upset."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

from magdi.core.errors import DataError
from magdi.core.mag import AnswerType, Question
from magdi.core.task import Split, Task
from magdi.plugins.testing.limits import within
from magdi.plugins.testing.specimen import Check, CheckFailed, Specimen, require

SPLITS: tuple[Split, ...] = get_args(Split)

SAMPLE = 50
"""Questions of a split whose answers are tried, evenly spread over it."""

SECONDS = 10.0
"""What grading one reply may take, whatever stands in it."""

USUAL: dict[AnswerType, tuple[str, ...]] = {
    "number": (
        "{}",
        "The answer is {}.",
        "So the answer is {}",
        "#### {}",
        r"\boxed{{{}}}",
        "We get\n\n**Answer:** {}",
    ),
    "letter": ("{}", "({})", "The answer is {}.", "The answer is ({}).", "So the answer is ({})", "Answer: {}"),
    "boolean": ("{}", "The answer is {}.", "So the answer is {}", "Answer: {}"),
    "expression": ("{}", r"\boxed{{{}}}", r"The answer is ${}$.", r"So the answer is \boxed{{{}}}."),
    "text": ("{}", "The answer is {}.", "So the answer is {}"),
}
"""Forms in which models give answers of each type; every task has to read them."""

NO_ANSWERS: tuple[str, ...] = (
    "", " ", "\x00", "nan", "inf", "-", "None", "((((", r"\frac{1}{", r"\boxed{}", "{}", "[]", "%s%n", "1e999999999",
    "9" * 5000, "x" * 100_000, "🙂", "...",
)  # fmt: skip
"""What a reply may hold instead of an answer."""

ENDLESS: tuple[str, ...] = (
    "9**9**9**9", "9^{9^{9^9}}", "factorial(factorial(99))", "(" * 3000, "a" * 30_000 + "!", "1," * 30_000,
    "((a+b)**999)**999", "the answer is " * 5_000,
)  # fmt: skip
"""What a careless grader never comes back from."""


def _questions(specimen: Specimen) -> dict[Split, Sequence[Question]]:
    """Returns the questions of every split that there is; a task may lack some.

    Raises:
        DataError: It lacks all.
    """
    return specimen.keep("questions", lambda: _read(specimen.task()))


def _read(task: Task) -> dict[Split, Sequence[Question]]:
    found: dict[Split, Sequence[Question]] = {}
    missing: list[DataError] = []
    for split in SPLITS:
        try:
            found[split] = task.questions(split)
        except DataError as error:
            missing.append(error)
    if not found:
        raise missing[0]
    return found


def _sample(specimen: Specimen, most: int = SAMPLE) -> Iterator[tuple[Question, str]]:
    """Yields questions of all splits with their gold answers."""
    for questions in _questions(specimen).values():
        for question in questions[:: max(len(questions) // most, 1)]:
            if question.gold is not None:
                yield question, question.gold


def check_ids(specimen: Specimen) -> None:
    """Ids are unique in a split, and another instance has the same questions in the same order."""
    again = _read(specimen.task())
    for split, questions in _questions(specimen).items():
        twice = [each for each, count in Counter(question.id for question in questions).items() if count > 1]
        require(not twice, f"{split}: the id {twice[0] if twice else ''!r} is given to more than one question")
        require(list(questions) == list(again[split]), f"{split}: another instance has other questions")
    require(any(_questions(specimen).values()), "no split has any question")


def check_splits_disjoint(specimen: Specimen) -> None:
    """No question, spaces and case aside, stands in two splits."""
    seen: dict[str, tuple[Split, str]] = {}
    for split, questions in _questions(specimen).items():
        for question in questions:
            other, where = seen.setdefault(" ".join(question.prompt.split()).lower(), (split, question.id))
            require(other == split, f"question {question.id!r} of {split} is question {where!r} of {other}")


def check_questions_are_whole(specimen: Specimen) -> None:
    """Every question has a gold answer, and one with options has it among them."""
    for split, questions in _questions(specimen).items():
        for question in questions:
            where = f"question {question.id!r} of {split}"
            require(question.gold, f"{where} has no gold answer")
            labels = [choice.label for choice in question.choices]
            if question.answer_type == "letter":
                require(question.gold in labels, f"{where}: gold {question.gold!r} is none of {labels}")


def check_gold_passes(specimen: Specimen) -> None:
    """The gold answer is in normal form, and graded as right."""
    task = specimen.task()
    for question, gold in _sample(specimen):
        require(task.grade(gold, gold) is True, f"question {question.id!r}: gold {gold!r} is not graded as right")
        found = task.extract(f"The answer is {gold}.", question)
        require(
            found is not None and task.grade(found, gold) is True,
            f"question {question.id!r}: gold {gold!r} in a sentence is read as {found!r} and graded as wrong",
        )


def check_altered_gold_fails(specimen: Specimen) -> None:
    """Another answer of the same form is graded as wrong."""
    task = specimen.task()
    for question, gold in _sample(specimen):
        for altered in _altered(question, gold):
            found = task.extract(f"The answer is {altered}.", question)
            for answer in (altered, found):
                require(
                    task.grade(answer, gold) is False,
                    f"question {question.id!r}: {answer!r} is graded as right, but gold is {gold!r}",
                )


def _altered(question: Question, gold: str) -> list[str]:
    if question.choices:
        return [choice.label for choice in question.choices if choice.label != gold][:2]
    if question.answer_type == "boolean":
        return ["no" if gold.lower() in {"yes", "true"} else "yes"]
    if question.answer_type == "number":
        return [f"{gold}1", f"1{gold.lstrip('-')}"]
    return [f"{gold}+1"] if question.answer_type == "expression" else ["certainly something else"]


def check_usual_forms(specimen: Specimen) -> None:
    """Answers are read in the forms in which models give them."""
    task = specimen.task()
    for question, gold in _sample(specimen, 10):
        for form in USUAL[question.answer_type]:
            text = form.format(gold)
            found = task.extract(text, question)
            read = found is not None and task.grade(found, gold) is True
            require(read, f"question {question.id!r}: {text!r} is read as {found!r}, gold is {gold!r}")


def check_bad_input_is_wrong(specimen: Specimen) -> None:
    """What is no answer is graded as wrong; neither reading nor grading ever raises."""
    task = specimen.task()
    absent = ((question, gold) for question, gold in _sample(specimen) if not any(gold in text for text in NO_ANSWERS))
    question, gold = next(absent, next(_sample(specimen, 1)))
    require(task.grade(None, gold) is False, "no answer is graded as right")
    for text in NO_ANSWERS:
        for reply in (text, f"The answer is {text}."):
            require(task.grade(reply, gold) is False, f"{reply[:40]!r} is graded as right")
            found = task.extract(reply, question)
            require(found is None or isinstance(found, str), f"{reply[:40]!r} is read as {found!r}, which is no text")
            require(
                task.grade(found, gold) is False, f"{reply[:40]!r} is read as {str(found)[:40]!r} and graded as right"
            )


def check_runs_no_code(specimen: Specimen) -> None:
    """Code in a reply is not run, neither when it is read nor when it is graded."""
    task = specimen.task()
    question, gold = next(_sample(specimen, 1))
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder, "canary")
        code = f"__import__('pathlib').Path({str(canary)!r}).touch()"
        for reply in (code, f"The answer is {code}.", f"\\boxed{{{code}}}", f"[{code} for _ in '1']"):
            _grade_quietly(task, reply, question, gold)
            require(not canary.exists(), "code in a reply was run")


def check_always_ends(specimen: Specimen) -> None:
    """Grading ends, however monstrous the reply."""
    task = specimen.task()
    question, gold = next(_sample(specimen, 1))
    for text in ENDLESS:
        for reply in (text, f"The answer is {text}."):
            within(SECONDS, partial(_grade_quietly, task, reply, question, gold), f"grading {text[:40]!r}")


def _grade_quietly(task: Task, reply: str, question: Question, gold: str) -> None:
    """Reads and grades a reply; what is raised is another check's business."""
    for read in (False, True):
        try:
            task.grade(task.extract(reply, question) if read else reply, gold)
        except CheckFailed:
            raise
        except Exception:
            continue


CHECKS: tuple[Check, ...] = (
    check_ids,
    check_splits_disjoint,
    check_questions_are_whole,
    check_gold_passes,
    check_altered_gold_fails,
    check_usual_forms,
    check_bad_input_is_wrong,
    check_runs_no_code,
    check_always_ends,
)
