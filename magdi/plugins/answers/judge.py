r"""The child process that compares expressions with math-verify: one JSON line in, one out.

It is started by `magdi.plugins.answers.equivalence`, and the system ends it when a comparison takes too much CPU time;
what other programs take does not count, so that a verdict does not depend on them. Expressions go through the LaTeX
grammar only; SymPy's own text parser, which would evaluate them as Python, is held to plain numbers.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from typing import Any

MEMORY = 2 * 2**30
"""Most address space, in bytes."""
NUMBER = re.compile(r"\s*(?:Integer\s?\(\s?(\d{1,400})\s?\)|Float\s?\(\s?'([\d.]{1,400})'\s?\))\s*")
REFUSED = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.remove",
    "os.rename",
    "subprocess.Popen",
    "socket.connect",
)
"""Audit events that grading never needs: a second wall, should a parser below have a hole."""
DIFFERENT = 1e-6
"""Least difference of two values that no rounding explains."""


def confine() -> None:
    """Limits memory, and refuses processes, sockets and writing for the rest of this process's life."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if event in REFUSED or writes:
            raise PermissionError(f"grading does not need {event}")

    sys.addaudithook(audit)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Has the system end this process where the block takes more CPU time than that; Windows has no such limit."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)  # SIGPROF, which ends a process that does not handle it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def number_only(code: str, *scopes: object) -> object:
    """Stands in for the function by which SymPy evaluates text as Python: makes a number, and refuses all else.

    math-verify's grammar hands the digits that it has read to SymPy as text ("Integer (14 )" is what comes here).
    """
    number = NUMBER.fullmatch(code)
    if number is None:
        raise PermissionError("text is never evaluated")
    import sympy

    return sympy.Integer(int(number[1])) if number[1] else sympy.Float(number[2])


def same(answer: str, gold: str) -> bool:
    """Returns whether two LaTeX expressions mean the same."""
    import math_verify

    def parsed(latex: str) -> list[object]:
        grammar = [math_verify.LatexExtractionConfig()]
        return list(math_verify.parse(f"${latex}$", grammar, fallback_mode="no_fallback", parsing_timeout=None))

    options = {"allow_set_relation_comp": True, "timeout_seconds": None}
    return bool(math_verify.verify(parsed(spaced(gold)), parsed(spaced(answer)), **options))


def differ(one: Any, other: Any) -> bool:
    """Returns whether two expressions differ where each variable has some positive value, so that they are not equal.

    What has no value there, or one that is hardly different, is left to be simplified.
    """
    import sympy

    with contextlib.suppress(Exception):
        difference = one - other
        names = sorted(difference.free_symbols, key=str)
        values = {name: sympy.Rational(7919 + 4729 * k, 6007 + k) for k, name in enumerate(names)}
        return DIFFERENT < abs(complex(difference.evalf(subs=values))) < 1 / DIFFERENT**2
    return False


def hasten() -> None:
    """Has math-verify simplify only what may be equal, and its grammar be read in ANTLR's quick mode first.

    That mode either comes to the tree that the full one comes to, or to an error; then it is read in full.
    """
    import math_verify.grader as grader
    import math_verify.parser as parser
    from antlr4.atn.PredictionMode import PredictionMode  # type: ignore[import-untyped]
    from latex2sympy2_extended import latex2sympy2

    simplified, read = grader.sympy_symbolic_eq, parser.latex2sympy
    mode = PredictionMode.LL

    class Parser(latex2sympy2.PSParser):  # type: ignore[misc]
        def __init__(self, *tokens: Any) -> None:
            super().__init__(*tokens)
            self._interp.predictionMode = mode

    def in_two_modes(*latex: Any, **options: Any) -> Any:
        nonlocal mode
        mode = PredictionMode.SLL
        with contextlib.suppress(Exception):
            return read(*latex, **options)
        mode = PredictionMode.LL
        return read(*latex, **options)

    grader.sympy_symbolic_eq = lambda one, other: not differ(one, other) and simplified(one, other)
    latex2sympy2.PSParser, parser.latex2sympy = Parser, in_two_modes


def spaced(latex: str) -> str:
    """Returns an expression with spaces behind its commas: in normal form none is a thousands separator."""
    return latex.replace(",", ", ")


def main() -> None:
    """Answers requests until the input ends."""
    logging.disable()
    sys.setrecursionlimit(2000)
    import sympy.parsing.sympy_parser
    import sympy.physics.units

    sympy.parsing.sympy_parser.eval_expr = number_only
    hasten()
    # What is printed by accident goes nowhere: the pipe is for answers alone.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    ready = same("\\frac{1}{2}", "0.5")
    confine()
    print(json.dumps(ready), file=replies, flush=True)
    for line in sys.stdin:
        answer, gold, seconds = json.loads(line)
        try:
            with limited(seconds):
                right = same(answer, gold)
        except (Exception, RecursionError, MemoryError):
            right = False
        print(json.dumps(right), file=replies, flush=True)


if __name__ == "__main__":
    main()
