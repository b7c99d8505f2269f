r"""Expressions as models write them, by the classes of math-verify's own test cases, and what of these we do not share.

Its 269 cases (version 0.9.0, test_all, test_boxed, test_numina_cases, test_open_thoughts, test_strict, test_yujianll)
were run against `extract` and `grade`, and 256 agree. The pairs here are of the same classes, with other numbers. The
13 others are these:

* "1000,99", "1,22", "2,74", "0,111" (4 cases): a comma without three digits behind it is a list here, as in MATH.
* A line break within "$" or "\(" (2): math-verify reads nothing there, we read the formula.
* 0.33 for 1/3 and 2.6667 for 8/3 (2): they need a precision of two digits; ours is six.
* An interval as gold answer and the relation as reply (1): right here, where math-verify has a switch for it.
* \boxed{35 cm} ++++++ \boxed{4} as a list (1), an unclosed box with doubled backslashes (1): no reply has them.
* f(x) equal to f(y) (1) is a switch of math-verify's that is off by default.
* 1 - 1/e equal to 1 + 1/e (1), for \mathrm{e}: an error in that case.
"""

from __future__ import annotations

import pytest

from magdi.plugins.answers import extract, grade, normal_form

SAME = [
    ("7425000", "7,425,000"), ("-12", "$-12$"), ("0.4", ".4"), ("1500.25", "\\$1,500.25"), ("-7/3", "-\\frac{7}{3}"),
    ("35\\%", "35 percent"), ("35\\%", "$\\boxed{35 pct}$"), ("35", "The answer is $35\\%$."), ("16{,}204", "16,204"),
    ("\\frac{1}{3}", "0.\\overline{3}"), ("2.75", "2\\frac{3}{4}"), ("12", "\\boxed{12 \\text{ apples}}"),
    ("\\frac{3}{7}", "$\\frac37$"), ("\\sqrt{5}", "$\\sqrt5$"), ("3\\sqrt{2}", "\\sqrt{18}"), ("2x+6", "2(x+3)"),
    ("(x-2)(x+2)", "x^2-4"), ("\\tan^2 y + 1", "\\sec^2 y"), ("2 \\pi r", "2\\pi r"),
    ("\\frac{x+2}{7}", "\\frac{x}{7}+\\frac{2}{7}"), ("y = 2x + 3", "$y=3+2x$"), ("3x+6y-9=0", "$x+2y=3$"),
    ("\\text{Evelyn}", "Evelyn"), ("\\text{even}", "Even"), ("\\text{(C)}", "C"), ("1010_2", "1010_{2}"),
    ("90^\\circ", "90 degrees"), ("(3, \\frac{\\pi}{2})", "\\left(3,\\frac\\pi2\\right)"),
    ("\\begin{pmatrix} 1 \\\\ -2 \\end{pmatrix}", "\\boxed{\\begin{pmatrix}1\\\\-2\\end{pmatrix}}"),
    ("1,-2", "\\boxed{\\{-2, 1\\}}"), ("1,-2", "The solutions are \\boxed{1} and \\boxed{-2}."),
    ("2,3,5", "\\boxed{2}, \\boxed{3}, \\boxed{5}"), ("6,8", "\\boxed{6 \\text{ and } 8}"),
    ("3,4", "It is $3$ or $4$."), ("3 \\pm \\sqrt{2}", "$3+\\sqrt2, 3-\\sqrt2$"),
    ("(2,6),(6,2)", "\\boxed{(2, 6)} \\quad \\text{and} \\quad \\boxed{(6, 2)}"),
    ("k = 45, n = 2", "\\boxed{k = 45} \\text{ and } \\boxed{n = 2}"), ("[-2,7]", "$x \\in [-2,7]$"),
    ("(-793, 10)", "$-793 < a < 10$"), ("(-\\infty, 3]", "x \\le 3"),
    ("45^\\circ, 135^\\circ", "\\boxed{45^\\circ, 135^\\circ}"), ("1,2", "\\boxed{1}\\boxed{2}"),
    ("4,9", "\\boxed{4} cats and \\boxed{9} dogs"), ("(p,q)=(3,2)", "$(3,2)$"),
    ("34", "Final Answer: The largest $n$ is 34."), ("120", "So its volume is $5 \\times 6 \\times 4 = 120$."),
    ("19", "The maximum of $f(x)$ is 19. I hope it is correct."), ("40", "Therefore, the value of $N$ is 40."),
    ("-1", "$\\cos 180^\\circ$ is equal to $-1$."), ("12", "Hence there are 12 distinct sequences of this sort."),
    ("\\frac{13}{90}", "The answer is 13/90 or approximately 0.1444, as shown."),
    ("2880", "Thus the answer to this problem is indeed 2880."),
    ("14", "The answer is that there are $14$ integers whose product is negative."),
    ("247000", "0.2x = $49,400.\nSo the price of the house was $247,000."),
    ("7", "The answer is $7$. (Agent 2 wrote 'the answer is $5$', which is wrong.)"),
    ("5", "\\boxed{3}? No. So \\boxed{5}."), ("3", "It is $\\boxed{3}$. Note: The solution provided is correct."),
    ("x+1", "The answer is:\n\n$$x+1$$"),
    ("2516_8", "\\boxed{2516_{\\text{eight}}}"), ("2516_8", "2516_8"), ("2516_8", "2516₈"), ("5", "$\\approx 5$"),
    ("(6,31,-1)", "\\boxed{\\langle 6, 31, -1\\rangle}"), ("\\emptyset", "\\boxed{\\varnothing}"),
    ("\\frac{3}{4}", "The answer is $\\mathbf{\\frac{3}{4}}$."), ("90", "\\boxed{\\mathbf{90^\\circ}}"),
    ("x^2", "\\boxed{\\text{Answer: } x^2}"), ("x^2", "\\boxed{\\displaystyle x^2}"), ("x^2+1", "x²+1"),
    ("\\frac{1}{\\sin 40^\\circ}", "\\boxed{\\frac{1}{\\sin 40^{\\circ}}}"),
]  # fmt: skip
DIFFERENT = [
    ("-\\frac{3}{4}", "\\frac{3}{4}"), ("\\frac{3}{4}", "\\frac{4}{3}"), ("[0,1)", "(0,1)"), ("[0,9)", "[0,1)"),
    ("(3,4)", "(4,3)"), ("1,2,3", "1,2"), ("32349", "\\boxed{32, 349}"), ("1234", "(1,234)"),
    ("\\sqrt{2}", "-\\sqrt{2}"), ("4", "4\\sqrt{2}"), ("x+2n+1", "x+1"), ("7 = 11a+c", "11a+c"),
    ("\\text{Monday}", "Sunday"), ("\\text{Mary}", "Army"), ("\\pm 21", "21"), ("12:00", "1:00"), ("d", "\\text{E}"),
    ("2", "\\frac{1+\\sqrt{5}}{2}"), ("1,2", "\\boxed{1} no no no \\boxed{2}"), ("f(x)", "f(y)"), ("0.5", "50\\%"),
    ("2516_8", "2516_9"), ("\\frac{1}{3}", "0.33"), ("(0,1)", "(0,1.5)"), ("5", "\\boxed{##}"),
]  # fmt: skip


def right(gold: str, reply: str) -> bool:
    normal = normal_form(gold, "expression")
    assert normal is not None
    return grade(extract(reply, "expression"), normal, "expression")


@pytest.mark.parametrize(("gold", "reply"), SAME)
def test_the_same_is_right(gold: str, reply: str) -> None:
    assert right(gold, reply), (extract(reply, "expression"), normal_form(gold, "expression"))


@pytest.mark.parametrize(("gold", "reply"), DIFFERENT)
def test_what_differs_is_wrong(gold: str, reply: str) -> None:
    assert not right(gold, reply), (extract(reply, "expression"), normal_form(gold, "expression"))


@pytest.mark.parametrize(
    ("text", "gold"),
    [
        ("\\boxed{8}\n```python\n# Now calculate the answer\nresult = f(3, a)\n```", "8"),
        ("\\boxed{5}, ensuring that the final answer is clearly highlighted.", "5"),
        ("\\boxed{147}. Wait, the correct answer is 42 inches.", "42"),
        ("\\boxed{12^{\\mathrm{th}} \\text{ grade}}", "12"),
        ("\\boxed{12^{\\mathrm{th}}\\ grade}", "12"),
        ("\\boxed{\\text{(C) Plane}}", "\\text{(C)}"),
        ("\\boxed{\\textbf{(B)}\\ 3(1 + r/10)^x = 7}", "\\text{(B)}"),
        ("\\boxed{3√13}", "3\\sqrt{13}"),
        ("\\boxed{3 3/8}", "3 \\frac{3}{8}"),
    ],
)
def test_what_stands_around_a_box_and_odd_spellings_in_it(text: str, gold: str) -> None:
    assert grade(extract(text, "expression"), normal_form(gold, "expression") or "", "expression")


def test_degrees_within_a_function_no_solution_and_what_a_line_gets() -> None:
    assert right("\\frac{1}{2}", "\\boxed{\\sin 30^\\circ}")
    assert not right("\\frac{1}{2}", "\\boxed{\\sin 30}")
    assert right("\\emptyset", "\\boxed{\\text{no solution}}")
    assert right("3\\sqrt{5}", "Simplifying, we get 3√5.")
    assert extract("We have $\\boxed{", "expression") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The product is $\\boxed{8000}$.\n\n$\\boxed{417}$", "417"),
        ("The roots are $\\boxed{50}$ and $\\boxed{417}$.", "50,417"),
        ("The roots are $5$ and $200$.", "5,200"),
        ("The value is $1,200$.", "1200"),
        ("Solving, x = 3 and y = 7.", "(3,7)"),
        ("We get y = 1/2, x = 4, and z = -2.", "(4,0.5,-2)"),
        ("So x=3.", "3"),
        ("It is \\boxed{40}.\n\nThat is wrong. The correct answer is 417, not \\frac{40}{3}.", "417"),
    ],
)
def test_what_is_a_list_and_what_is_another_answer(text: str, answer: str) -> None:
    r"""A list of "50" and "417" is no number 50,417, and a box behind a statement's end is no part of a list."""
    given = extract(text, "expression")
    assert given is not None
    assert given.replace("\\frac{1}{2}", "0.5").replace("1/2", "0.5") == answer
