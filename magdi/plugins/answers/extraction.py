"""Reads an answer out of text, in the form that the question asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from magdi.core.mag import AnswerType, Choice, Question
from magdi.core.verdict import NOTHING, Reading, Rule, notice
from magdi.plugins.answers.attribution import decided, endorsed
from magdi.plugins.answers.boolean import normal_boolean, read_boolean
from magdi.plugins.answers.cleaning import LONGEST_TEXT, clean
from magdi.plugins.answers.courtesy import without_courtesies
from magdi.plugins.answers.expression import normal_expression, read_expression
from magdi.plugins.answers.languages import in_english
from magdi.plugins.answers.letter import normal_letter, read_letter
from magdi.plugins.answers.number import normal_number, read_number
from magdi.plugins.answers.plain_answer import plainly
from magdi.plugins.answers.scope import answering_part, without_programs, without_thoughts
from magdi.plugins.answers.siding import sided
from magdi.plugins.answers.text import normal_text, read_text

READERS: dict[AnswerType, Callable[[str, str, tuple[Choice, ...]], Reading]] = {
    "number": lambda text, question, _: read_number(text, question),
    "boolean": lambda text, question, _: read_boolean(text, question),
    "letter": lambda text, _, options: read_letter(text, options),
    "expression": lambda text, *_: read_expression(text),
    "text": lambda text, question, _: read_text(text, question),
}
NORMAL_FORMS: dict[AnswerType, Callable[[str], str | None]] = {
    "number": normal_number,
    "boolean": normal_boolean,
    "letter": normal_letter,
    "expression": normal_expression,
    "text": normal_text,
}


def extract(text: str, asked: Question | AnswerType, choices: Sequence[Choice] = ()) -> str | None:
    """Returns the final answer in a text in normal form, or None where it gives none; see `read`."""
    return read(text, asked, choices).answer


def read(text: str, asked: Question | AnswerType, choices: Sequence[Choice] = ()) -> Reading:
    """Reads the final answer in a text, in normal form, and says by which rule.

    Works on prose and on a bare answer alike. Takes time linear in the text, of which only the end is read, and
    never runs any of it.

    Args:
        text: A reply, or the answer out of one.
        asked: The question, which decides the answer's form and has the options; or the form alone.
        choices: The options, where only the form is given.
    """
    said = without_thoughts(text)[-LONGEST_TEXT:]
    if isinstance(asked, Question):
        return notice(_read(said, asked.answer_type, asked.choices, asked.text))
    return notice(_read(said, asked, tuple(choices)))


@lru_cache(maxsize=32)  # a task's `extract` and its `read` come with the same text, one after the other
def _read(text: str, kind: AnswerType, options: tuple[Choice, ...], question: str = "") -> Reading:
    cleaned = clean(text if kind == "text" else without_programs(text))
    if not cleaned or not cleaned.strip():
        return NOTHING
    cleaned = sided(plainly(decided(in_english(without_courtesies(answering_part(cleaned)))), options))

    def reader(part: str) -> Reading:
        return READERS[kind](part, question, options)

    return _agreed(cleaned, reader) or reader(cleaned)


def _agreed(text: str, reader: Callable[[str], Reading]) -> Reading | None:
    """Returns the answer of whoever a text ends by agreeing with; None where it does not end so."""
    ending = endorsed(text)
    if ending is None or reader(ending[1]).answer:
        return None
    said = ending[0]
    theirs = next((answer for part in said if (answer := reader(part).answer)), None)
    if theirs:
        return Reading(theirs, Rule.CONCLUSION)
    own = reader(text)
    return own if own.rule not in (Rule.BARE, Rule.CLOSING, Rule.LAST, Rule.NOTHING) else Reading(None, Rule.UNDECIDED)


def normal_form(answer: str, answer_type: AnswerType) -> str | None:
    """Returns a bare answer (a gold answer, for one) in normal form; None where it is not of that type."""
    cleaned = clean(answer)
    if not cleaned or not cleaned.strip():
        return None
    return NORMAL_FORMS[answer_type](cleaned)
