"""What is missing from traces, and from the right answers to them, is counted and told: nothing is silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from magdi.core.errors import DataError
from magdi.plugins.formats.importers.golds import read_golds
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from tests.plugins.otel.record_grammar import CALLS
from tests.plugins.otel.span_grammar import QUESTION, Node, Spoken, calls, debate, genai, otlp


def told(tmp_path: Path, nodes: list[Node], reader: Reader | None = None) -> list[str]:
    path, reader = tmp_path / "spans.jsonl", reader or Reader()
    path.write_text("\n".join(otlp(nodes)), encoding="utf-8")
    list(import_files([path], reader))
    return reader.told()


def test_calls_without_messages_are_told_with_what_records_them(tmp_path: Path) -> None:
    nodes = genai(debate())
    assert told(tmp_path, nodes) == []
    for node in calls(nodes)[:2]:
        node.attributes = {name: value for name, value in node.attributes.items() if "messages" not in name}
    (line,) = told(tmp_path, nodes)
    assert line.startswith("left out: 2 calls without messages")
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT" in line


def test_attributes_that_the_sdk_cut_off_are_told(tmp_path: Path) -> None:
    nodes = genai([Spoken("ada", (("user", QUESTION),), "Half of 48 is 24, so 72 in all. " * 9, 0)])
    for node in calls(nodes):
        node.attributes |= {name: value[:250] for name, value in node.attributes.items() if isinstance(value, str)}
    (line,) = told(tmp_path, nodes)
    assert line == "1 span had attributes that were cut off: raise or unset OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"


def table(tmp_path: Path, text: str, name: str = "gold.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_right_answers_that_were_used_are_counted(tmp_path: Path) -> None:
    golds = read_golds(table(tmp_path, f"question,answer\n{QUESTION},72\n{QUESTION.upper()},72.0\nWhat else?,5\n"))
    assert told(tmp_path, genai(debate()), Reader(golds=golds)) == ["gold: 1 of 1 question matched, 2 rows unused"]


def test_a_table_without_headings_loses_no_row(tmp_path: Path) -> None:
    assert read_golds(table(tmp_path, f"{QUESTION},72\nWhat else is there?,5\n"))[QUESTION] == "72"


def test_right_answers_of_nothing_that_was_asked_are_an_error(tmp_path: Path) -> None:
    reader = Reader(golds=read_golds(table(tmp_path, "question,answer\nWhat else?,5\n")))
    with pytest.raises(DataError, match="none of the right answers"):
        told(tmp_path, genai(debate()), reader)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no right answer"),
        ("question,answer\nWhat?,\n", "no right answer"),
        ("a,b,c\n1,2,3\n", "no column"),
        ("question,answer\nHow many are there?,5\nhow many are there,6\n", "two right answers"),
    ],
)
def test_a_table_that_cannot_be_meant_is_an_error(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=why):
        read_golds(table(tmp_path, text))


def test_a_trace_of_several_questions_names_none_of_their_answers(tmp_path: Path) -> None:
    golds = read_golds(table(tmp_path, "question,trace_id,answer\nHow many?,t,5\nHow few?,t,6\n"))
    assert golds == {"How many?": "5", "How few?": "6"}


def test_halves_of_a_batch_are_told_of(tmp_path: Path) -> None:
    rows = CALLS["OpenAI, batch"](debate())
    asked, replied = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    told = []
    for half in (asked, replied):
        (tmp_path / "half.jsonl").write_text("\n".join(map(json.dumps, half)))
        reader = Reader()
        mags = list(import_files([tmp_path / "half.jsonl"], reader))
        told.append((sum(len(mag.turns) for mag in mags), reader.told()))
    assert (len(asked), len(replied)) == (6, 6)
    (turns, (line,)), rest = told
    assert line.startswith(f"left out: {6 - turns} calls without a reply")  # but for those that later prompts tell
    assert turns == sum(role == "assistant" for each in debate() for role, _ in each.prompt)
    assert rest == (6, ["6 discussions of which nothing tells the question"])
