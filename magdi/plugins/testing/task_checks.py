"""What is asked of a task: questions that stay what they are, and grading that nothing in a reply can upset."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from magdi.core.errors import DataError
from magdi.core.mag import AnswerType, Question
from magdi.core.task import Primer, Split, Task
from magdi.plugins.testing.check_process import DoesNotApply, NotMade, caused_by, doing
from magdi.plugins.testing.specimen import Check, Specimen, require

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

WRONG: tuple[str, ...] = (
    "The answer is not {gold} but {other}.",
    "At first I thought of {gold}, but that was a slip. The answer is {other}.",
    "{gold} is what many would say. Therefore, the answer is {other}.",
    "One might say {gold}. That forgets a step.\n\nThe answer is {other}.",
)
"""Replies that name the gold answer and give another one."""

REASONED: tuple[str, ...] = (
    "There are 3 boxes with 4 pens each, and 2 more lie on the table.\nThe answer is {}.",
    "The answer is {}. A second look shows the same.",
    "We weigh what was given; 17 of it is not needed, and a second look shows why.\n\nSo the answer is {}.",
)
"""Replies that reason, with numbers, before they give the gold answer, or go on after it."""

WORDS = re.compile(r"(?<!\S)(?=(\S+\s+\S+\s+\S+))")
"""The first words of a question, by which it is looked for."""

NO_ANSWERS: tuple[str, ...] = (
    "", " ", "\x00", "nan", "inf", "-", "None", "((((", r"\frac{1}{", r"\boxed{}", "{}", "[]", "%s%n", "1e999999999",
    "9" * 5000, "x" * 100_000, "🙂", "...",
)  # fmt: skip
"""What a reply may hold instead of an answer."""

ENDLESS: tuple[str, ...] = (
    "9**9**9**9", "9^{9^{9^9}}", "factorial(factorial(99))", "(" * 3000, "a" * 30_000 + "!", "1," * 30_000,
    "((a+b)**999)**999", "the answer is " * 5_000, "1" * 30_000 + "x", " " * 30_000 + "x", "\n" * 30_000 + "x",
    "a b " * 8_000 + "!", "-" * 30_000, "1.1." * 8_000, "$" * 30_000, r"\frac{1}{" * 3_000, "{" * 30_000, '"' * 30_001,
    "yes no " * 5_000, "A, B, " * 5_000, "answer: " * 4_000, "<answer>" * 4_000, r"\boxed{" * 4_000, "x=" * 15_000,
)  # fmt: skip
"""What a careless grader never comes back from."""


def _task(specimen: Specimen) -> Task:
    return specimen.keep("task", specimen.task)


def _questions(specimen: Specimen) -> dict[Split, Sequence[Question]]:
    """Returns the questions of every split that there is; a task may lack some."""
    return specimen.keep("questions", lambda: _read(_task(specimen)))


def _read(task: Task, splits: Sequence[Split] = SPLITS) -> dict[Split, Sequence[Question]]:
    found: dict[Split, Sequence[Question]] = {}
    missing: list[DataError] = []
    for split in splits:
        with caused_by(f"questions({split!r})"):
            try:
                found[split] = _sequence(split, task.questions(split))
            except DataError as error:
                missing.append(error)
    if not found:
        raise NotMade(f"it has no questions: {missing[0]}")
    return found


def _sequence(split: Split, questions: object) -> Sequence[Question]:
    whole = isinstance(questions, Sequence) and all(isinstance(question, Question) for question in questions)
    kind = type(questions).__name__
    if not whole:
        raise NotMade(f"questions({split!r}) returns a {kind}; it must return a sequence of Questions, a list say")
    return questions  # type: ignore[return-value]


def _sample(specimen: Specimen, most: int = SAMPLE) -> Iterator[tuple[Question, str]]:
    """Yields questions of all splits with their gold answers; each has a time of its own."""
    for questions in _questions(specimen).values():
        for question in questions[:: max(len(questions) // most, 1)]:
            if question.gold is not None:
                doing(f"reading and grading answers to question {question.id!r}", SECONDS)
                yield question, question.gold


def _golds(specimen: Specimen) -> list[str]:
    """Returns the gold answers of the first questions, each once, the commonest first."""
    return specimen.keep("golds", lambda: list(dict.fromkeys(gold for _, gold in _sample(specimen, 10))))


def lenient(task: Task) -> str:
    """Returns how a task says that it lets near misses pass: the name of what says so; empty where nothing does.

    That is ``lenient``, a sentence, or any attribute or setting with "tolerance" in its name that is not zero.
    """
    if task.lenient:
        return task.lenient
    for owner in (task, task.config):
        for name in dir(type(owner)) + list(type(owner).__dict__.get("model_fields", ())) + list(vars(owner)):
            if "toleran" in name.lower() and isinstance(value := getattr(owner, name, None), int | float) and value:
                return f"{name} is {value}"
    return ""


def check_ids(specimen: Specimen) -> None:
    """Ids are unique in a split, and again and from another instance the questions are the same, in the same order."""
    first = {split: list(questions) for split, questions in _questions(specimen).items()}
    again, other = _read(_task(specimen)), _read(specimen.task(), SPLITS[::-1])
    for split, questions in first.items():
        twice = [each for each, count in Counter(question.id for question in questions).items() if count > 1]
        require(not twice, f"{split}: the id {twice[0] if twice else ''!r} is given to more than one question")
        require(questions == list(again.get(split, ())), f"{split}: asked again, it has other questions")
        require(questions == list(other.get(split, ())), f"{split}: another instance has other questions")
    require(any(_questions(specimen).values()), "no split has any question")


def check_splits_disjoint(specimen: Specimen) -> None:
    """No question, spaces and case aside, stands in two splits."""
    seen: dict[str, tuple[Split, str]] = {}
    for split, questions in _questions(specimen).items():
        for question in questions:
            other, where = seen.setdefault(" ".join(question.prompt.split()).lower(), (split, question.id))
            require(other == split, f"question {question.id!r} of {split} is question {where!r} of {other}")


def check_questions_are_whole(specimen: Specimen) -> None:
    """Every question has a gold answer, one with options among them, and does not tell it."""
    for split, questions in _questions(specimen).items():
        for question in questions:
            where = f"question {question.id!r} of {split}"
            require(question.gold, f"{where} has no gold answer")
            labels = [choice.label for choice in question.choices]
            require(len(set(labels)) == len(labels), f"{where} has two options of one label: {labels}")
            if question.answer_type == "letter":
                require(question.gold in labels, f"{where}: gold {question.gold!r} is none of {labels}")
    asked = [each for each in _sample(specimen, 10) if not each[0].choices]
    told = {gold for question, gold in asked if _tells(_task(specimen), question, gold)}
    require(len(told) < 5, f"the answers stand in the questions' texts: {asked[0][0].text[-60:] if asked else ''!r}")


def _tells(task: Task, question: Question, gold: str) -> bool:
    with contextlib.suppress(Exception):  # other checks' business
        if task.extract(question.text, question.blind()) == gold:
            return True
    return bool(re.search(rf"\W{re.escape(gold)}\W*$", question.text, re.I))


def check_gold_passes(specimen: Specimen) -> None:
    """The gold answer is in normal form, and graded as right."""
    for question, gold in _sample(specimen):
        right = _task(specimen).grade(gold, gold)
        require(isinstance(right, bool), f"grade() gives {right!r:.40}, and has to give True or False")
        require(right, f"question {question.id!r}: gold {gold!r} is not graded as right")
        _is_read(specimen, question, gold, ["The answer is {}."])


def _is_read(specimen: Specimen, question: Question, gold: str, forms: Sequence[str]) -> None:
    """Raises `CheckFailed` unless the gold answer is read in all forms, and graded as right."""
    for form in forms:
        text = form.format(gold)
        found = _task(specimen).extract(text, question)
        right = found is not None and _task(specimen).grade(found, gold) is True
        hint = "; its gold answer has another form than extract() gives" if found and found != gold else ""
        require(right, f"question {question.id!r}: {text!r} is read as {found!r}, gold is {gold!r}{hint}")


def check_altered_gold_fails(specimen: Specimen) -> str | None:
    """Another answer of the same form is graded as wrong, near misses too unless the task says that it is lenient."""
    task = _task(specimen)
    says = lenient(task)
    for question, gold in _sample(specimen):
        far = _far(question, gold, _golds(specimen))
        for altered in far if says else [*far, *_near(question, gold)]:
            found = task.extract(f"The answer is {altered}.", question)
            for answer in (altered, found):
                hint = "" if altered in far else "; if that is meant, say so in `lenient`"
                require(
                    task.grade(answer, gold) is False,
                    f"question {question.id!r}: {answer!r} is graded as right, but gold is {gold!r}{hint}",
                )
    return f"near misses are not tried: {says}" if says else None


def _far(question: Question, gold: str, others: Sequence[str] = ()) -> list[str]:
    """Returns answers of the same form that nobody takes for the gold one; another question's, where it is text."""
    if question.choices:
        return [choice.label for choice in question.choices if choice.label != gold][:2]
    if question.answer_type == "boolean":
        return ["no" if gold.lower() in {"yes", "true"} else "yes"]
    if question.answer_type == "number":
        return [*([f"{gold}1"] if re.fullmatch(r"-?\d+", gold) else []), f"1{gold.lstrip('-')}"]
    if question.answer_type == "expression":
        return [f"{gold}+1"]
    unlike = [other for other in others if other.lower() not in gold.lower() and gold.lower() not in other.lower()]
    return unlike[:1] or ["certainly something else"]


def _near(question: Question, gold: str) -> list[str]:
    """Returns numbers by which nobody who compares loosely is to be taken in: one more, one less, the negative, ..."""
    if question.choices or question.answer_type != "number" or not re.fullmatch(r"-?\d{1,15}", gold):
        return []
    number = int(gold)
    altered = {number + 1, number - 1, -number, int(gold.lstrip("-")[::-1])} - {number}
    return [*map(str, sorted(altered)), f"{gold}.01" if number else "0.01"]


def check_mentioned_gold_fails(specimen: Specimen) -> str | None:
    """A reply that names the gold answer and gives another one is wrong: "not 7 but 8"."""
    task = _task(specimen)
    for question, gold in _sample(specimen, 10):
        if question.answer_type == "text" and lenient(task):
            return f"not tried with texts: {lenient(task)}"
        for text in _wrong(specimen, question, gold):
            found = task.extract(text, question)
            wrong = task.grade(found, gold) is False
            require(wrong, f"question {question.id!r}: {text!r} is read as {found!r} and graded as right")
    return None


def _wrong(specimen: Specimen, question: Question, gold: str) -> list[str]:
    return [form.format(gold=gold, other=_far(question, gold, _golds(specimen))[0]) for form in WRONG]


def check_reads_past_reasoning(specimen: Specimen) -> None:
    """The answer is read where reasoning, with numbers in it, stands before it, or something is said after it."""
    for question, gold in _sample(specimen, 10):
        _is_read(specimen, question, gold, REASONED)


def check_one_form(specimen: Specimen) -> None:
    """An answer has one normal form, however it is written: 7, 7.0 and $7.00; (B) and B; votes are counted by it."""
    task = _task(specimen)
    for question, gold in _sample(specimen, 10):
        forms = [task.extract(f"The answer is {written}.", question) for written in _written(question, gold)]
        same = len(set(forms)) < 2
        written = dict(zip(_written(question, gold), forms, strict=True))
        require(same, f"question {question.id!r}: one answer is read in several forms, {written}")


def _written(question: Question, gold: str) -> list[str]:
    if question.answer_type == "number" and re.fullmatch(r"\d{1,15}", gold):
        return [gold, f"{gold}.0", f"${gold}.00", f"{int(gold):,}"]
    if question.answer_type == "letter":
        return [gold, f"({gold})"]
    return [gold.lower(), gold.capitalize()] if question.answer_type == "boolean" else [gold]


def check_reads_without_gold(specimen: Specimen) -> None:
    """What is read from a reply does not depend on what is right."""
    for question, gold in _sample(specimen, 10):
        for text in [*(form.format(gold) for form in REASONED), *_wrong(specimen, question, gold)]:
            found, there = (_task(specimen).extract(text, each) for each in (question, question.blind()))
            same = found == there
            require(same, f"question {question.id!r}: {text!r} is {found!r}, without the gold answer {there!r}")


def check_usual_forms(specimen: Specimen) -> None:
    """Answers are read in the forms in which models give them."""
    for question, gold in _sample(specimen, 10):
        _is_read(specimen, question, gold, USUAL[question.answer_type])


def check_bad_input_is_wrong(specimen: Specimen) -> None:
    """What is no answer is graded as wrong; neither reading nor grading ever raises."""
    task = _task(specimen)
    absent = ((question, gold) for question, gold in _sample(specimen) if not any(gold in text for text in NO_ANSWERS))
    question, gold = next(absent, next(_sample(specimen, 1)))
    require(task.grade(None, gold) is False, "no answer is graded as right")
    for text in NO_ANSWERS:
        for reply in (text, f"The answer is {text}."):
            doing(f"reading {reply[:40]!r}", SECONDS)
            task.extract(f"The answer is {gold}.", question)  # nothing of it may be remembered
            require(task.grade(reply, gold) is False, f"{reply[:40]!r} is graded as right")
            found = task.extract(reply, question)
            require(found is None or isinstance(found, str), f"{reply[:40]!r} is read as {found!r}, which is no text")
            traits: object = task.traits(reply, question)
            named = isinstance(traits, Mapping) and all(isinstance(each, bool) for each in traits.values())
            require(named, f"traits() gives {traits!r:.40}, and has to give True or False by name")
            require(
                task.grade(found, gold) is False, f"{reply[:40]!r} is read as {str(found)[:40]!r} and graded as right"
            )


def check_runs_no_code(specimen: Specimen) -> None:
    """Code in a reply is not run, neither when it is read nor when it is graded."""
    task = _task(specimen)
    question, gold = next(_sample(specimen, 1))
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder, "canary")
        code = f"__import__('pathlib').Path({str(canary)!r}).touch()"
        shell = f"touch {canary}"
        forms = (
            code,
            f"The answer is {code}.",
            f"\\boxed{{{code}}}",
            f"[{code} for _ in '1']",
            f"```python\n{code}\n```",
        )
        for reply in (*forms, f"import os\n{code}", shell, f"`{shell}`", f"$({shell})", f"7; {shell}"):
            doing(f"reading {reply[:40]!r}", SECONDS)
            _grade_quietly(task, reply, question, gold)
            require(not canary.exists(), "code in a reply was run")


def check_always_ends(specimen: Specimen) -> None:
    """Reading and grading end, however monstrous the reply."""
    task = _task(specimen)
    question, gold = next(_sample(specimen, 1))
    for text in ENDLESS:
        for reply in (text, f"The answer is {text}."):
            doing(f"reading and grading {reply[:40]!r}", SECONDS)
            _grade_quietly(task, reply, question, gold)


def _grade_quietly(task: Task, reply: str, question: Question, gold: str) -> None:
    """Reads and grades a reply; what is raised is another check's business."""
    for read in (False, True):
        try:
            task.grade(task.extract(reply, question) if read else reply, gold)
        except Exception:
            continue


def check_primer(specimen: Specimen) -> None:
    """What a tiny base model is made from shares no question with any split, and its spans lie in its texts."""
    with caused_by("primer(0)"):
        primer = _task(specimen).primer(0)
        speech = _task(specimen).role_speech(0)
    if primer is None:
        raise DoesNotApply("it comes with no primer")
    require(isinstance(primer, Primer), f"primer() returns a {type(primer).__name__}")
    asked = {
        question.text.strip(): question.id for questions in _questions(specimen).values() for question in questions
    }
    shortest = min(map(len, asked), default=0)
    heads: dict[str, list[str]] = {}
    for each in asked:
        for words in WORDS.findall(each)[:1]:
            heads.setdefault(words, []).append(each)
    for document in [*primer.documents, *speech]:
        for start, end in document.learn:
            require(0 <= start < end <= len(document.text), f"the primer's span {start}, {end} is not in its text")
        shared = len(document.text) >= shortest and _within(document.text, asked, heads)
        require(not shared, f"the primer holds question {shared!r}")


def _within(text: str, asked: dict[str, str], heads: dict[str, list[str]]) -> str | None:
    """Returns the id of a question that stands in a text as a whole; ``heads`` has them by their first words."""
    for word in WORDS.finditer(text):
        for question in heads.get(word[1], ()):
            if text.startswith(question, word.start()):
                return asked[question]
    return None


def fingerprint(specimen: Specimen) -> str:
    """Returns a hash of all questions."""
    whole = hashlib.sha256()
    for split, questions in _questions(specimen).items():
        for question in questions:
            parts = (split, question.id, question.prompt, str(question.gold))
            whole.update("\x1f".join(parts).encode("utf-8", "replace"))
    return whole.hexdigest()


CHECKS: tuple[Check, ...] = (
    check_ids,
    check_splits_disjoint,
    check_questions_are_whole,
    check_gold_passes,
    check_altered_gold_fails,
    check_mentioned_gold_fails,
    check_usual_forms,
    check_reads_past_reasoning,
    check_one_form,
    check_reads_without_gold,
    check_bad_input_is_wrong,
    check_runs_no_code,
    check_always_ends,
    check_primer,
)
