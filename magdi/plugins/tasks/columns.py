"""Reads a question out of columns whose names and meaning are settings: for the tasks jsonl and hf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from magdi.core.mag import AnswerType, Choice
from magdi.plugins import answers
from magdi.plugins.tasks.dataset import gold_form
from magdi.plugins.tasks.rows import Row


class Columns(BaseModel, extra="forbid", frozen=True):
    """Which column is what."""

    id: str = Field("id", description="Column of an id, unique in its file; rows are numbered where it is missing.")
    question: str = Field("question", description="Column of the question.")
    answer: str = Field("answer", description="Column of the gold answer; what stands behind '####' where it has that.")
    choices: str | tuple[str, ...] = Field(
        "choices",
        description="Column of the options, if any: texts, or labels and texts; or the columns of one option each.",
    )
    answer_type: Literal["auto", "number", "letter", "boolean", "expression", "text"] = Field(
        "auto", description="Form of the answers; auto goes by a column answer_type, else by options and gold answer."
    )


def read_columns(row: Row, columns: Columns) -> Mapping[str, object]:
    """Returns the fields of a row's question.

    Raises:
        KeyError: A column is missing.
        ValueError: The gold answer is not of the type, or names no option.
    """
    named = columns.choices
    choices = read_choices(row.get(named) if isinstance(named, str) else [str(row[name]) for name in named])
    raw = row[columns.answer]
    rationale, mark, behind = str(raw).rpartition("####")
    gold = behind.strip() if mark else raw
    guessed = row["answer_type"] if row.get("answer_type") in get_args(AnswerType) else guess_type(gold, choices)
    kind = columns.answer_type if columns.answer_type != "auto" else guessed
    fields: dict[str, object] = {"text": row[columns.question], "answer_type": kind, "choices": choices}
    fields["gold"] = gold_label(gold, choices) if choices and kind == "letter" else gold_form(gold, kind)
    fields["metadata"] = {"rationale": rationale.strip()} if mark else {}
    return fields | ({"id": str(row[columns.id])} if columns.id in row else {})


def read_choices(value: Any) -> tuple[Choice, ...]:
    """Reads options from a list of texts, a list of {label, text}, or the hub's {label: [...], text: [...]}."""
    if not value:
        return ()
    if isinstance(value, Mapping):
        return letter_choices(value["text"])
    if all(isinstance(item, str) for item in value):
        return letter_choices(_unlabelled(value))
    return tuple(Choice.model_validate(item) for item in value)


def _unlabelled(texts: Sequence[str]) -> Sequence[str]:
    """Returns options without the letters that stand before all of them, as in AQuA: ``A)5``."""
    marks = [f"{label})" for label, _ in zip(ascii_uppercase, texts, strict=False)]
    marked = len(marks) == len(texts) and all(text.startswith(mark) for text, mark in zip(texts, marks, strict=True))
    return [text[2:].strip() for text in texts] if marked else texts


def letter_choices(texts: Sequence[str]) -> tuple[Choice, ...]:
    """Returns options labelled A, B, C, ...

    Raises:
        ValueError: There are more options than letters.
    """
    if len(texts) > len(ascii_uppercase):
        raise ValueError(f"{len(texts)} options are more than there are letters")
    return tuple(Choice(label=label, text=text) for label, text in zip(ascii_uppercase, texts, strict=False))


def hub_choices(row: Row) -> tuple[tuple[Choice, ...], str]:
    """Returns options and right label of a row of the hub's multiple-choice datasets (ARC, CommonsenseQA).

    Its columns are ``choices``, {label: [...], text: [...]}, and ``answerKey``.

    Raises:
        ValueError: ``answerKey`` is none of the labels.
    """
    labels, choices = list(row["choices"]["label"]), letter_choices(row["choices"]["text"])
    if row["answerKey"] not in labels:
        raise ValueError(f"answerKey {row['answerKey']!r} is none of {labels}")
    return choices, choices[labels.index(row["answerKey"])].label


def gold_label(gold: object, choices: Sequence[Choice]) -> str:
    """Returns the label of the right option, given as its number from 0, its label or its text.

    Raises:
        ValueError: There is no such option.
    """
    if isinstance(gold, int) and not isinstance(gold, bool) and 0 <= gold < len(choices):
        return choices[gold].label
    said = str(gold).strip()
    named = [choice.label for choice in choices if said == choice.label]
    named += [choice.label for choice in choices if said == choice.text.strip()]
    if not named:
        raise ValueError(f"the gold answer {said[:60]!r} is none of the options")
    return named[0]


def guess_type(gold: object, choices: Sequence[Choice]) -> AnswerType:
    """Returns the form that a gold answer has."""
    if choices:
        return "letter"
    if isinstance(gold, bool) or answers.normal_form(str(gold), "boolean"):
        return "boolean"
    return "number" if is_number(str(gold)) else "text"


def is_number(text: str) -> bool:
    """Returns whether a text is a number and nothing else, currency and percent signs aside."""
    bare = text.strip().strip("$€£% ").replace(",", "")
    normal = answers.normal_form(text, "number")
    return normal is not None and bare.lstrip("+-").replace(".", "", 1).replace("/", "", 1).isdigit()
