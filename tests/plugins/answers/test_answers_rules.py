"""Each reading says which rule read it, down to the turn of a discussion."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from magdi.core.mag import AnswerType, Question
from magdi.core.reply import FreeAnswer, FreeText, JsonAnswer, read_reply
from magdi.core.task import Split, Task
from magdi.plugins.answers import Reading, Rule, extract, read

NUMBER = Question(id="q", text="How many?", answer_type="number")
READINGS: list[tuple[AnswerType, str, str | None, Rule]] = [
    ("number", "42 km", "42", Rule.BARE),
    ("number", "Two and 40 more.\n#### 42", "42", Rule.HASHES),
    ("number", "So it is \\boxed{42}.", "42", Rule.BOXED),
    ("number", "She had 2 and 40. The answer is 42.", "42", Rule.MARKER),
    ("number", "She had 2 and got 40 more of them. Now she has 42.", "42", Rule.CLOSING),
    ("number", "They kept 7 cats, and their aunt had 9 dogs in this old house.", "9", Rule.LAST),
    ("number", "The answer is 5 or 6.", None, Rule.UNDECIDED),
    ("number", "The answer cannot be determined.", None, Rule.ABSTAINS),
    ("number", "Good morning, everybody.", None, Rule.NOTHING),
    ("expression", "x+1", "x+1", Rule.BARE),
    ("expression", "So it is $\\boxed{x+1}$.", "x+1", Rule.BOXED),
    ("expression", "The answer is $x+1$.", "x+1", Rule.MARKER),
    ("expression", "It follows that, whatever one does, $y=x+1$.", "y=x+1", Rule.CLOSING),
    ("text", "I thought about it.\nThe answer is Paris.", "paris", Rule.MARKER),
]


@pytest.mark.parametrize(("kind", "text", "answer", "rule"), READINGS)
def test_a_reading_says_by_which_rule(kind: AnswerType, text: str, answer: str | None, rule: Rule) -> None:
    assert read(text, kind) == Reading(answer, rule)
    assert extract(text, kind) == answer


def test_doubt_orders_rules_from_the_surest_to_none() -> None:
    rules = [Rule.BARE, Rule.BOXED, Rule.MARKER, Rule.CLOSING, Rule.LAST, Rule.TASK, Rule.UNDECIDED, Rule.NOTHING]
    doubts = [Reading("1", rule).doubt for rule in rules]
    assert doubts == sorted(doubts)
    assert Reading("1", "a plugin's own rule").doubt == Reading("1", Rule.TASK).doubt


class LastWord(Task):
    """A task with a reader of its own."""

    def questions(self, split: Split) -> Sequence[Question]:
        return []

    def extract(self, text: str, question: Question) -> str | None:
        return text.split()[-1].strip(".") if text.split() else None


class OwnOrOurs(LastWord):
    """A task that takes magdi's reader, and its own where that finds nothing."""

    def extract(self, text: str, question: Question) -> str | None:
        return extract(text, question) or super().extract(text, question)


def test_a_task_that_only_extracts_says_rule_task_where_it_was_none_of_ours() -> None:
    task = LastWord()
    assert OwnOrOurs().read("The answer is 42.", NUMBER) == Reading("42", Rule.MARKER)
    assert OwnOrOurs().read("That I leave to you.", NUMBER) == Reading("you", Rule.TASK)
    assert task.read("The answer is 42.", NUMBER) == Reading("42", Rule.TASK)
    assert task.read("The answer is 42, my friend.", NUMBER) == Reading("friend", Rule.TASK)
    assert task.read("", NUMBER) == Reading(None, Rule.NOTHING)


def test_a_reply_is_parsed_with_its_rule() -> None:
    def reader(text: str) -> Reading:
        return OwnOrOurs().read(text, NUMBER)

    assert read_reply("So 6 * 7 = 42. The answer is 42.", FreeAnswer(), reader).rule == "marker"
    assert read_reply('{"reasoning": "", "answer": 42, "confidence": 1}', JsonAnswer(), reader).rule == "bare"
    assert read_reply("Well said.", FreeText(), reader).rule == ""
