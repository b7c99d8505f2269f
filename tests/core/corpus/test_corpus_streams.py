"""Transcripts as they stream by: told again and again, in pieces, in lists a line, one question after another."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files

ASKED, NEXT = "What is 6 times 7?", "And what is 7 times 8?"
SAID = [
    ("ada", "Six times seven comes to 42, as I have learned. The answer is 42."),
    ("ben", "I count the rows and get the same 42. The answer is 42."),
    ("ada", "Then we are of one mind about it. The answer is 42."),
]
USER = {"type": "human", "content": ASKED, "id": "q"}


def ai(place: int, *, name: str | None = None) -> dict[str, Any]:
    return {"type": "ai", "content": SAID[place][1], "name": name, "id": f"m{place}"}


def read(path: Path, rows: list[Any], reader: Reader | None = None) -> list[Mag]:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return list(import_files([path], reader or Reader()))


def spoken(mag: Mag) -> list[tuple[str, str]]:
    return [(turn.agent, turn.text) for turn in mag.turns]


def pieces(place: int) -> list[list[Any]]:
    """LangGraph's stream of messages: a piece and its place in the graph."""
    agent, text = SAID[place]
    words = [f" {word}" if number else word for number, word in enumerate(text.split(" "))]
    return [[{"type": "AIMessageChunk", "content": w, "id": f"m{place}"}, {"langgraph_node": agent}] for w in words]


STREAMS: dict[str, list[Any]] = {
    "AutoGen": [
        {"source": "user", "content": ASKED, "type": "TextMessage", "id": "q"},
        {"source": "ada", "content": "Six", "type": "ModelClientStreamingChunkEvent", "id": "1"},
        *({"source": agent, "content": text, "type": "TextMessage"} for agent, text in SAID),
        {
            "messages": [{"source": a, "content": t, "type": "TextMessage"} for a, t in [("user", ASKED), *SAID]],
            "stop_reason": "done",
        },
    ],
    "LangGraph's states and tasks": [
        {"type": "checkpoint", "payload": {"values": {"messages": [USER]}}},
        {"type": "task", "payload": {"name": "ada", "input": {"messages": [USER]}}},
        {"type": "task_result", "payload": {"name": "ada", "result": {"messages": [ai(0, name="ada")]}}},
        {"type": "checkpoint", "payload": {"values": {"messages": [USER, ai(0, name="ada")]}}},
        {"type": "task", "payload": {"name": "ben", "input": {"messages": [USER, ai(0, name="ada")]}}},
        {
            "type": "checkpoint",
            "payload": {"values": {"messages": [USER, *(ai(k, name=SAID[k][0]) for k in range(3))]}},
        },
    ],
    "LangGraph's tasks": [
        row
        for k in range(3)
        for row in (
            {"id": f"t{k}", "name": SAID[k][0], "input": {"messages": [USER, *map(ai, range(k))]}},
            {"id": f"t{k}", "name": SAID[k][0], "result": {"messages": [ai(k)]}},
        )
    ],
}


@pytest.mark.parametrize("form", STREAMS)
def test_what_is_told_again_in_part_is_one_discussion(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.jsonl", STREAMS[form])
    assert (mag.question.text, spoken(mag)) == (ASKED, SAID)


@pytest.mark.parametrize("modes", [[], ["messages"]])
def test_pieces_with_their_place_in_a_graph(modes: list[str], tmp_path: Path) -> None:
    rows: list[Any] = [row for place in range(3) for row in pieces(place)]
    if modes:
        rows = [["updates", {"ada": {"messages": [USER]}}], *(["messages", row] for row in rows)]
        rows.append(["updates", {"ada": {"messages": [ai(2)]}}])
    reader = Reader()
    (mag,) = read(tmp_path / "log.jsonl", rows, reader)
    assert spoken(mag) == SAID
    assert mag.question.text == (ASKED if modes else "(no question)")
    asked = ["1 discussion of which nothing tells the question"]
    assert [line for line in reader.told() if "question" in line] == ([] if modes else asked)


def test_each_line_may_be_a_list(tmp_path: Path) -> None:
    rows = [
        [{"role": "user", "content": f"{ASKED} ({k})"}, {"role": "assistant", "content": f"It is {k}."}] for k in "12"
    ]
    assert [mag.question.text for mag in read(tmp_path / "log.jsonl", rows)] == [f"{ASKED} (1)", f"{ASKED} (2)"]
    (tmp_path / "log.json").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    (mag,) = import_files([tmp_path / "log.json"], Reader())
    assert mag.turns[0].text == "It is 1."


def test_a_database_that_is_still_written_to(tmp_path: Path) -> None:
    """Sessions of OpenAI's Agents: a message a row, in a file with a journal."""
    path = tmp_path / "sessions.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE agent_messages (id INTEGER PRIMARY KEY, session_id, message_data, created_at)")
        for session in ("one", "two"):
            for role, text in (("user", f"{ASKED} ({session})"), ("assistant", "It is 42.")):
                data = json.dumps({"role": role, "content": text})
                database.execute("INSERT INTO agent_messages VALUES (NULL, ?, ?, 'now')", (session, data))
        database.commit()
        mags = list(import_files([path], Reader()))
    assert [(mag.question.text, len(mag.turns)) for mag in mags] == [(f"{ASKED} (one)", 1), (f"{ASKED} (two)", 1)]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["sessions.db"]


def chat(*later: str) -> list[dict[str, Any]]:
    rows = [{"source": "user", "content": ASKED}, *({"source": agent, "content": text} for agent, text in SAID)]
    for text in later:
        rows += [{"source": "user", "content": text}, {"source": "ben", "content": "The answer is 56."}]
    return rows


def test_a_later_question_of_the_same_chat_is_a_discussion_of_its_own(tmp_path: Path) -> None:
    one, two = read(tmp_path / "log.json", [chat(NEXT)])
    assert (one.question.text, spoken(one)) == (ASKED, SAID)
    assert (two.question.text, spoken(two)) == (NEXT, [("ben", "The answer is 56.")])
    assert len({one.id, two.id}) == 2


@pytest.mark.parametrize("later", ["Are you sure about that?", "Go on.", "Can you check your answer again?", "Why?"])
def test_a_remark_on_the_answers_is_no_question_of_its_own(later: str, tmp_path: Path) -> None:
    reader = Reader()
    (mag,) = read(tmp_path / "log.json", [chat(later)], reader)
    assert len(mag.turns) == 4
    assert "1 discussion in which users spoke again: all is taken to be about the first question" in reader.told()


def test_a_question_beside_the_talk_is_that_of_all_of_it(tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", [{"question": "How many?", "messages": chat(NEXT)}])
    assert (mag.question.text, len(mag.turns)) == ("How many?", 4)


def test_an_answer_is_not_taken_for_the_question(tmp_path: Path) -> None:
    reader = Reader()
    rows = [{"role": "assistant", "name": agent, "content": text} for agent, text in SAID]
    (mag,) = read(tmp_path / "log.json", [rows], reader)
    assert (mag.question.text, spoken(mag)) == ("(no question)", SAID)
    assert reader.told() == ["1 discussion of which nothing tells the question"]


def test_speakers_without_names_are_told_of(tmp_path: Path) -> None:
    reader = Reader()
    (mag,) = read(tmp_path / "log.json", [{"messages": [USER, *map(ai, range(3))]}], reader)
    assert {turn.agent for turn in mag.turns} == {"assistant"}
    assert reader.told() == ["1 discussion in which nothing tells the speakers apart: they are taken for one agent"]


def test_a_stream_that_tells_all_so_far(tmp_path: Path) -> None:
    """LlamaIndex' workflows: what goes in, what has come so far, what came out, and what came of it."""
    agent, text = SAID[0]
    told = {
        "response": {"role": "assistant", "blocks": [{"block_type": "text", "text": text}]},
        "current_agent_name": agent,
    }
    asked = [{"role": "system", "content": "You are ada."}, {"role": "user", "content": ASKED}]
    rows = [
        {"input": asked, "current_agent_name": agent},
        *({"delta": " ", "response": text[:end], "current_agent_name": agent} for end in (0, 3, 20, len(text))),
        told,
        {"result": told},
    ]
    (mag,) = read(tmp_path / "log.jsonl", rows)
    assert (mag.question.text, spoken(mag)) == (ASKED, SAID[:1])


def test_whose_side_a_message_is_on_is_its_readers(tmp_path: Path) -> None:
    """CAMEL's memories: an agent's own prompt is kept under its name."""
    rows = [
        {"message": {"role_name": agent, "content": text}, "role_at_backend": backend}
        for agent, text, backend in [("ada", "You are ada.", "system"), ("ben", ASKED, "user"), (*SAID[0], "assistant")]
    ]
    (mag,) = read(tmp_path / "log.jsonl", [rows])
    assert spoken(mag) == SAID[:1]


def test_a_greeting_before_the_question_is_no_discussion(tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", [[{"source": "ben", "content": "How can I help you?"}, *chat()]])
    assert (mag.question.text, [turn.text for turn in mag.turns][1:]) == (ASKED, [text for _, text in SAID])


def test_dotnets_messages(tmp_path: Path) -> None:
    """Semantic Kernel's, of .NET."""
    item = {"$type": "TextContent", "Text": ""}
    rows = [
        {"AuthorName": agent, "Role": {"Label": role}, "Items": [{**item, "Text": text}]}
        for agent, role, text in [("", "user", ASKED), *((agent, "Assistant", text) for agent, text in SAID)]
    ]
    (mag,) = read(tmp_path / "log.json", [rows])
    assert (mag.question.text, spoken(mag)) == (ASKED, SAID)


def test_a_talk_may_begin_like_any_and_be_a_log_of_calls(tmp_path: Path) -> None:
    """CrewAI's events: a task that somebody is given, then the calls."""
    rows: list[dict[str, Any]] = [{"type": "task_started", "agent": "Agent(role=ada)", "output": "None", "task": ASKED}]
    for number, (agent, text) in enumerate(SAID[:2]):
        told = [{"role": "user", "content": "\n".join([ASKED, *(text for _, text in SAID[:number])])}]
        shared = {"call_id": str(number), "agent_role": agent, "messages": told}
        rows += [
            {"type": "llm_call_started", **shared},
            {"type": "llm_call_completed", "call_type": "llm_call", "response": text, **shared},
        ]
    (mag,) = read(tmp_path / "log.jsonl", rows)
    assert (mag.question.text, spoken(mag)) == (ASKED, SAID[:2])
    assert [edge.step for edge in mag.turns[1].seen] == [0]
