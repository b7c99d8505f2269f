"""The same discussion is the same MAG, whoever has written down its calls, in whatever file."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from tests.plugins.otel.record_grammar import CALLS, SPANS, Rows, csv_of, parquet_of, phoenix
from tests.plugins.otel.span_grammar import EDGES, QUESTION, debate

AGENTS = ["ada", "ben", "cyd", "ada", "ben", "judge"]


def lines(rows: Rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def read(path: Path, data: bytes) -> Mag:
    path.write_bytes(data)
    (mag,) = import_files([path], Reader())
    return mag


def edges(mag: Mag) -> list[tuple[int, int, str]]:
    return [(edge.step, turn.step, edge.kind) for turn in mag.turns for edge in turn.seen]


def is_the_debate(mag: Mag) -> None:
    assert mag.question.text == QUESTION
    assert [turn.text for turn in mag.turns] == [each.reply for each in debate()]
    assert edges(mag) == EDGES
    assert [turn.round for turn in mag.turns] == [0, 0, 0, 1, 1, 2]
    assert {(turn.usage.prompt_tokens, turn.usage.completion_tokens) for turn in mag.turns} == {(10, 5)}


@pytest.mark.parametrize("form", SPANS)
def test_spans_under_other_names(form: str, tmp_path: Path) -> None:
    rows = SPANS[form](debate())
    mag = read(tmp_path / "log.jsonl", lines(rows))
    is_the_debate(mag)
    assert [turn.agent for turn in mag.turns] == AGENTS
    assert {turn.model for turn in mag.turns} == {"stub-model"}
    random.Random(0).shuffle(rows)
    assert read(tmp_path / "log.jsonl", lines(rows)) == mag


@pytest.mark.parametrize("form", CALLS)
def test_calls_without_spans(form: str, tmp_path: Path) -> None:
    mag = read(tmp_path / "log.jsonl", lines(CALLS[form](debate())))
    is_the_debate(mag)
    assert [turn.agent for turn in mag.turns][:5] == AGENTS[:5]


@pytest.mark.parametrize("form", ["LiteLLM, spend", "Helicone", "DSPy", "AutoGen 0.2"])
def test_the_order_of_calls_is_that_of_their_times(form: str, tmp_path: Path) -> None:
    rows = CALLS[form](debate())
    mag = read(tmp_path / "log.jsonl", lines(rows))
    assert read(tmp_path / "log.jsonl", lines(rows[::-1])) == mag


@pytest.mark.parametrize(("name", "written"), [("t.csv", csv_of), ("t.parquet", parquet_of), ("t.json", lines)])
@pytest.mark.parametrize("form", ["Langfuse", "Phoenix", "LangSmith"])
def test_tables_hold_the_same(form: str, name: str, written: Callable[[Rows], bytes], tmp_path: Path) -> None:
    is_the_debate(read(tmp_path / name, written(SPANS[form](debate()))))


def test_pandas_writes_lists_as_python_does(tmp_path: Path) -> None:
    rows = [{name: repr(v) if isinstance(v, list) else v for name, v in row.items()} for row in phoenix(debate())]
    is_the_debate(read(tmp_path / "t.csv", csv_of(rows)))


def test_what_a_log_tells_beside_calls_is_counted(tmp_path: Path) -> None:
    rows = CALLS["AutoGen 0.4"](debate())
    rows[1:1] = [{"type": "ToolCall", "tool_name": "calc"}, {"type": "Message", "payload": "{}"}]
    (tmp_path / "log.jsonl").write_bytes(lines(rows))
    reader = Reader()
    (mag,) = import_files([tmp_path / "log.jsonl"], reader)
    is_the_debate(mag)
    assert reader.told() == ["left out: 2 items that no model has said"]
