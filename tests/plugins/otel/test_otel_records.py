"""The same discussion is the same MAG, whoever has written down its calls, in whatever file."""

from __future__ import annotations

import dataclasses
import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from magdi.core.errors import MagFileError
from magdi.core.mag import Mag
from magdi.plugins.formats.importers.otel.threads import Threads
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from tests.plugins.otel.record_grammar import (
    CALLS,
    SPANS,
    Rows,
    csv_of,
    langfuse_files,
    langsmith_files,
    parquet_of,
    phoenix,
)
from tests.plugins.otel.span_grammar import EDGES, QUESTION, Spoken, debate

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


@pytest.mark.parametrize("form", ["LiteLLM", "Helicone", "DSPy", "AutoGen 0.2", "Keywords AI", "Bedrock", "Portkey"])
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


@pytest.mark.parametrize("form", [langfuse_files, langsmith_files])
def test_objects_in_tables_may_be_texts(form: Callable[[list[Spoken]], Rows], tmp_path: Path) -> None:
    is_the_debate(read(tmp_path / "t.parquet", parquet_of(form(debate()))))


def test_a_log_of_autogens_begins_with_a_heading(tmp_path: Path) -> None:
    heading = b"Started new session with Session ID: 6f4c\n"
    calls = lines(CALLS["AutoGen 0.2, file"](debate()))
    is_the_debate(read(tmp_path / "log", heading + calls))
    is_the_debate(read(tmp_path / "log", heading + calls + b"\n" + heading))
    apology = b"[file_logger] Failed to log new agent: could not find class definition\n"
    for before in (heading + apology, apology):
        is_the_debate(read(tmp_path / "log", before + calls + b"\n" + apology))


def test_calls_in_a_database(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE version (id, version_number)")
        database.execute("CREATE TABLE chat_completions (id, request, response, start_time, rest BLOB, source_name)")
        for row in CALLS["AutoGen 0.2"](debate()):
            told = [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]
            told[4] = b"\0"
            database.execute("INSERT INTO chat_completions VALUES (?, ?, ?, ?, ?, ?)", told)
        database.commit()
        data = database.serialize()
    is_the_debate(read(tmp_path / "logs.db", data))
    with pytest.raises(MagFileError, match="is no SQLite database"):
        read(tmp_path / "logs.db", data[:5000])


@pytest.mark.parametrize("form", ["Langfuse", "OpenAI"])
def test_what_agents_are_called_changes_nothing_else(form: str, tmp_path: Path) -> None:
    written = {**SPANS, "OpenAI": CALLS["AutoGen 0.2, file"]}[form]
    others = dict(zip(("ada", "ben", "cyd", "judge"), ("judge", "ada", "Zoë 7", "user"), strict=True))
    mag = read(tmp_path / "log.jsonl", lines(written(debate())))
    renamed = [dataclasses.replace(each, agent=others[each.agent]) for each in debate()]
    other = read(tmp_path / "log.jsonl", lines(written(renamed)))
    assert [turn.agent for turn in other.turns] == [others[turn.agent] for turn in mag.turns]
    assert (edges(other), [turn.text for turn in other.turns]) == (edges(mag), [turn.text for turn in mag.turns])


def test_what_a_log_tells_beside_calls_is_counted(tmp_path: Path) -> None:
    rows = CALLS["AutoGen 0.4"](debate())
    rows[1:1] = [{"type": "ToolCall", "tool_name": "calc"}, {"type": "Message", "payload": "{}"}]
    (tmp_path / "log.jsonl").write_bytes(lines(rows))
    reader = Reader()
    (mag,) = import_files([tmp_path / "log.jsonl"], reader)
    is_the_debate(mag)
    assert reader.told() == ["left out: 2 items that no model has said"]


def test_of_very_many_calls_those_that_have_nothing_in_common_are_not_compared(tmp_path: Path) -> None:
    asked = [
        f"Shop {n} sells {n + 9} clips in April and 8 in May. How many does shop {n} sell in all?" for n in range(40)
    ]
    said = [each for number, question in enumerate(asked) for each in debate(question, began=number / 100)]
    (tmp_path / "log.jsonl").write_bytes(lines(CALLS["home-made"](sorted(said, key=lambda each: each.at))))
    mags = list(import_files([tmp_path / "log.jsonl"], Reader()))
    assert sorted(mag.question.text for mag in mags) == sorted(asked)
    assert all([turn.agent for turn in mag.turns] == AGENTS for mag in mags)


def test_time_grows_with_the_calls_and_not_with_their_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def compared(count: int) -> int:
        rows = [{"prompt": f"What is {n} + 3? Tell me now.", "response": f"It is {n + 3}."} for n in range(count)]
        (tmp_path / "log.jsonl").write_bytes(lines(rows))
        asked: list[int] = []
        asks = Threads._asks
        with monkeypatch.context() as patch:
            patch.setattr(Threads, "_asks", lambda *args: (asked.append(1), asks(*args))[1])
            assert len(list(import_files([tmp_path / "log.jsonl"], Reader()))) == count
        return len(asked)

    assert compared(600) <= 2 * compared(300)
