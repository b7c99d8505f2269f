"""Reads an answer out of text, in the form that the question asks for."""

from __future__ import annotations

from magdi.core.answers.boolean import normal_boolean, read_boolean
from magdi.core.answers.cleaning import clean
from magdi.core.answers.expression import normal_expression, read_expression
from magdi.core.answers.letter import normal_letter, read_letter
from magdi.core.answers.number import normal_number, read_number
from magdi.core.answers.text import normal_text, read_text
from magdi.core.mag import AnswerType, Question


def extract(text: str, question: Question) -> str | None:
    """Returns the final answer in a text in normal form, or None where it gives none.

    Works on prose and on a bare answer alike. Takes time linear in the text, of which only the end is read, and
    never runs any of it.

    Args:
        text: A reply, or the answer out of one.
        question: Decides the answer's form, and which options there are.
    """
    cleaned = clean(text)
    if not cleaned or not cleaned.strip():
        return None
    if question.answer_type == "number":
        return read_number(cleaned)
    if question.answer_type == "boolean":
        return read_boolean(cleaned)
    if question.answer_type == "letter":
        return read_letter(cleaned, question.choices)
    if question.answer_type == "expression":
        return read_expression(cleaned)
    return read_text(cleaned)


def normal_form(answer: str, answer_type: AnswerType) -> str | None:
    """Returns a bare answer (a gold answer, for one) in normal form; None where it is not of that type."""
    cleaned = clean(answer)
    if not cleaned or not cleaned.strip():
        return None
    if answer_type == "number":
        return normal_number(cleaned)
    if answer_type == "boolean":
        return normal_boolean(cleaned)
    if answer_type == "letter":
        return normal_letter(cleaned)
    if answer_type == "expression":
        return normal_expression(cleaned)
    return normal_text(cleaned)
