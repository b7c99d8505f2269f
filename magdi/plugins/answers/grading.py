"""Grades an extracted answer against the gold answer."""

from __future__ import annotations

from magdi.core.mag import AnswerType


def grade(answer: str | None, gold: str, answer_type: AnswerType) -> bool:
    """Returns whether two answers in normal form say the same.

    Expressions that are spelt differently are compared by math-verify, in a process of its own with hard limits.
    """
    if answer is None:
        return False
    if answer == gold:
        return True
    if answer_type != "expression":
        return False
    from magdi.plugins.answers.equivalence import equivalent

    return equivalent(answer, gold)
