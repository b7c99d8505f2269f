"""Nothing that a model writes may raise, hang, or be run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magdi.core.mag import AnswerType, Choice, Question
from magdi.plugins.answers import extract, grade, normal_form
from magdi.plugins.answers.cleaning import LONGEST_TEXT
from magdi.plugins.answers.equivalence import Judge, equivalent

TYPES: tuple[AnswerType, ...] = get_args(AnswerType)
QUESTIONS = [
    Question(id="q", text="?", answer_type=kind, choices=choices)
    for kind in TYPES
    for choices in ((), (Choice(label="A", text="one"), Choice(label="B", text="two")))
    if not choices or kind == "letter"
]
MILLION = 10**6
MONSTERS = {
    "digits": "9" * MILLION,
    "parentheses": "(" * MILLION,
    "boxes": "\\boxed{" * (MILLION // 7),
    "markers": "the answer is " * (MILLION // 14),
    "words to a marker": "answer " + "a " * (MILLION // 2),
    "hashes": "#### " * (MILLION // 5),
    "signs": "- " * (MILLION // 2),
    "groups": "1," * (MILLION // 2),
    "fractions": "1/" * (MILLION // 2),
    "dollars": "$" * MILLION,
    "spaces": " " * MILLION,
    "lines": "\n" * MILLION,
    "negations": "not " * (MILLION // 4),
    "LaTeX": "\\frac" * (MILLION // 5),
    "brackets": "(A" * (MILLION // 2),
    "decimals": "1." * (MILLION // 2),
    "emphasis": "*" * MILLION,
    "blank lines": "x\n\n\n" * (MILLION // 4),
    "lines apart": "x" + "\n" * 19_000 + "y",
    "a foreign marker": "la respuesta" + " " * 19_000 + "x",
    "second thoughts": "no, wait, " * (MILLION // 10),
    "prompts": "<s>" + " " * 19_000 + "[INST" * 40,
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_million_characters_come_to_an_end_and_are_no_answer(name: str) -> None:
    """What grows faster than the text does would take hours; see benchmarks/quickness.py for how long it takes."""
    for question in QUESTIONS:
        answer = extract(MONSTERS[name], question)
        assert not grade(answer, "9" if question.answer_type != "letter" else "B", question.answer_type)


@pytest.mark.parametrize(
    "expression",
    [
        "9**9**9**9",
        "9^{9^{9^{9}}}",
        "9^9^9^9",
        "x^{99999999}",
        "9999999!",
        "3!!!!!!",
        "\\binom{99999}{50000}",
        "\\prod_{i=1}^{9999}(x+i)",
        "(1+x)^{9999}",
        "\\int_0^1 \\int_0^1 \\sin(x^{y^{z}})",
        "NaN",
        "\\infty",
    ],
)
def test_monstrous_expressions_are_wrong(expression: str) -> None:
    assert not grade(extract(f"\\boxed{{{expression}}}", QUESTIONS[-2]), "3", "expression")
    assert not equivalent(expression, "3")


def test_code_is_not_run(tmp_path: Path) -> None:
    target = tmp_path / "run"
    question = Question(id="q", text="?", answer_type="expression")
    for code in (
        f"__import__('os').system('touch {target}')",
        f"open('{target}','w')",
        f"\\text{{__import__('pathlib').Path('{target}').touch()}}",
        f"Integer(__import__('pathlib').Path('{target}').touch())",
    ):
        for text in (code, f"\\boxed{{{code}}}", f"The answer is {code}."):
            answer = extract(text, question)
            assert not grade(answer, "3", "expression")
            assert not equivalent(code, "3")
    assert not target.exists()


def test_the_judge_evaluates_numbers_only() -> None:
    from magdi.plugins.answers.judge import number_only

    assert str(number_only("Integer (14 )")) == "14"
    assert float(str(number_only("Float ('0.5' )"))) == 0.5
    for code in ("Integer(__import__('os'))", "Symbol('x')", "Integer (1 )+Integer (1 )", "Float ('0.5').__class__"):
        with pytest.raises(PermissionError):
            number_only(code)


def test_what_takes_too_long_is_killed_and_the_next_is_graded() -> None:
    judge = Judge()
    try:
        assert judge.compare("x+x", "2x")
        first = judge._process
        assert not judge.compare("\\sum_{k=1}^{9999999} \\sin(k^7) \\cos(k)", "3", seconds=0.3)
        assert first is not None
        assert first.returncode == -signal.SIGPROF  # by the system, for its own CPU time
        assert judge.compare("\\sqrt{8}", "2\\sqrt{2}")
    finally:
        judge.close()


def test_a_comparison_is_limited_in_cpu_time_and_not_by_what_else_runs() -> None:
    from magdi.plugins.answers.judge import limited

    with limited(1000.0):
        assert 900.0 < signal.getitimer(signal.ITIMER_PROF)[0] < 1001.0
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_numbers_that_no_rounding_explains_need_no_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[str, str]]()
    monkeypatch.setattr(Judge, "compare", lambda self, *both: asked.append(both))
    near = [("0.333333", "1/3"), ("99999.9999", "100000"), ("007", "7")]
    for answer, gold in [*near, ("8", "7"), ("-7", "7"), ("1/3", "0.3334"), ("12345678.5", "12346000"), ("0", "1/200")]:
        equivalent.__wrapped__(answer, gold)
    assert asked == near


def test_expressions_that_differ_somewhere_are_not_simplified() -> None:
    from sympy import Eq, Matrix, Symbol, cos, sin, sqrt, zoo

    from magdi.plugins.answers.judge import differ

    x, y = Symbol("x", real=True), Symbol("y", real=True)
    assert differ(x + y, x * y)
    assert differ(sqrt(2), 1)
    for equal in [((x + y) ** 2, x**2 + 2 * x * y + y**2), (sin(x) ** 2 + cos(x) ** 2, 1), (x / 3, 0.33333333 * x)]:
        assert not differ(*equal)
    for other in [(zoo, 1), (Matrix([1]), Matrix([2])), (Eq(x, 1), 2), (x, "x")]:
        assert not differ(*other), "math-verify is to look at it"


def test_a_judge_that_dies_is_replaced() -> None:
    judge = Judge()
    try:
        assert judge.compare("x+x", "2x")
        assert judge._process is not None
        judge._process.kill()
        judge._process.wait()
        assert judge.compare("x+x", "2x")
    finally:
        judge.close()


ANY_TEXT = st.text(max_size=300) | st.text(alphabet="0123456789.,-+/*^$%\\{}()[]#:= aAbByYnNoes\n", max_size=300)


@settings(max_examples=150)
@given(ANY_TEXT)
def test_reading_never_raises_and_is_idempotent(text: str) -> None:
    for question in QUESTIONS:
        answer = extract(text, question)
        assert answer is None or answer
        if answer is not None and question.answer_type in ("number", "boolean"):
            assert extract(answer, question) == answer
            assert normal_form(answer, question.answer_type) == answer


@settings(max_examples=100)
@given(
    st.integers(-(10**12), 10**12), st.sampled_from(["{}", "#### {}", "The answer is {}.", "\\boxed{{{}}}", "so {}"])
)
def test_integers_survive_every_way_to_write_them(number: int, form: str) -> None:
    question = Question(id="q", text="?", answer_type="number")
    for written in (f"{number}", f"{number:,}", f"{number}.00", f"{number}.0 dollars"):
        assert extract(form.format(written), question) == str(number)
    assert extract(form.format(number + 1), question) != str(number)


@settings(max_examples=100)
@given(st.decimals(-(10**6), 10**6, places=3, allow_nan=False))
def test_decimals_have_one_normal_form(number: object) -> None:
    question = Question(id="q", text="?", answer_type="number")
    read = extract(f"The answer is {number}.", question)
    assert read is not None
    assert float(read) == float(str(number))
    assert not read.endswith(".")
    assert "." not in read or not read.endswith("0")


def test_an_option_that_is_written_in_part_and_begins_like_a_label_comes_to_an_end() -> None:
    """ "A ledger" opens with what looks like a label and is none, so that reading may find itself where it was."""
    choices = [
        Choice(label="A", text="A ledger of what each baker owes the mill"),
        Choice(label="B", text="A poster that names the bakers"),
    ]
    assert extract("It is this. A ledger of what each baker owes. The answer is (B).", "letter", choices) == "B"
    assert extract("A ledger of what each baker owes the", "letter", choices) is None


def test_only_the_end_is_read() -> None:
    question = Question(id="q", text="?", answer_type="number")
    assert extract("The answer is 7." + " " * LONGEST_TEXT, question) is None
    assert extract("x" * LONGEST_TEXT + " The answer is 7.", question) == "7"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_process_has_a_judge_of_its_own() -> None:
    """The thread that hears the parent's judge is not there after a fork: waiting for it would take minutes."""
    assert grade("(x-1)(x+1)", "x^2-1", "expression")
    code = (
        "import os, sys\nfrom magdi.plugins.answers import grade\n"
        "first = grade('(x-1)(x+1)', 'x^2-1', 'expression')\nchild = os.fork()\n"
        "if not child:\n    os._exit(0 if grade('(x-2)(x+2)', 'x^2-4', 'expression') else 3)\n"
        "code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
        "sys.exit(code or (not first) or (not grade('(x-3)(x+3)', 'x^2-9', 'expression')))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=300).returncode == 0
