"""Replies in debates and closing sentences in prose, written by somebody who had not seen the reader.

Patterns were mended by what was misread here, so it is no measure on unseen texts any more; it holds what was reached.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from magdi.core.mag import AnswerType, Choice, Question
from magdi.plugins.answers import grade, normal_form, read

FILE = Path(__file__).with_name("replies.jsonl")
TEXTS = ("a bakery", "a library", "the park", "a museum")


@pytest.mark.parametrize(
    ("kind", "count", "most_wrong", "most_missed"),
    [("boolean", 385, 0, 11), ("letter", 384, 1, 8), ("number", 767, 60, 10), ("expression", 70, 1, 0)],
)
def test_what_a_careful_reader_reads(kind: AnswerType, count: int, most_wrong: int, most_missed: int) -> None:
    found: Counter[str] = Counter()
    for row in map(json.loads, FILE.read_text("utf-8").splitlines()):
        if row["kind"] == kind:
            texts = row.get("choices", TEXTS) if kind == "letter" else ()
            options = [Choice(label=label, text=text) for label, text in zip("ABCDE", texts, strict=False)]
            question = row.get("question")
            asked = Question(id="q", text=question, answer_type=kind, choices=options) if question else kind
            answer, wanted = read(row["text"], asked, options).answer, row["answer"]
            wanted = normal_form(wanted, kind) if kind == "expression" else wanted
            right = answer == wanted or (wanted is not None and grade(answer, wanted, kind))
            found["right" if right else "wrong" if answer else "missed"] += 1
    assert found.total() == count
    assert (found["wrong"] <= most_wrong, found["missed"] <= most_missed) == (True, True), found
