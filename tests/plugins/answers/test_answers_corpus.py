"""Replies in debates and closing sentences in prose, written by somebody who had not seen the reader.

Patterns were mended by what was misread here, so it is no measure on unseen texts any more; it holds what was reached.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from magdi.core.mag import AnswerType, Choice, Question
from magdi.plugins.answers import read

FILE = Path(__file__).with_name("replies.jsonl")
OPTIONS = [
    Choice(label=label, text=text)
    for label, text in zip("ABCD", ("a bakery", "a library", "the park", "a museum"), strict=True)
]


@pytest.mark.parametrize(
    ("kind", "count", "most_wrong", "most_missed"),
    [("boolean", 325, 0, 2), ("letter", 314, 0, 5), ("number", 567, 43, 8)],
)
def test_what_a_careful_reader_reads(kind: AnswerType, count: int, most_wrong: int, most_missed: int) -> None:
    found: Counter[str] = Counter()
    for row in map(json.loads, FILE.read_text("utf-8").splitlines()):
        if row["kind"] == kind:
            question, options = row.get("question"), OPTIONS if kind == "letter" else []
            asked = Question(id="q", text=question, answer_type=kind, choices=options) if question else kind
            answer = read(row["text"], asked, options).answer
            found["right" if answer == row["answer"] else "wrong" if answer else "missed"] += 1
    assert found.total() == count
    assert found["wrong"] <= most_wrong
    assert found["missed"] <= most_missed
