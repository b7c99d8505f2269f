"""Transcripts that consoles and loggers have printed are read as what they were printed from."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from textwrap import indent

import pytest

from magdi.core.errors import MagFileError
from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files

ASKED = "What is 6 times 7?"
ADA = "I multiply six by seven:\n\n42 it is. The answer is 42."
BEN = "I count {rows} and get the same. The answer is 42."
SAID = [("ada", ADA), ("ben", BEN), ("ada", "So be it: 42.")]
RULE = "-" * 80


def console(agent: str, text: str, kind: str = "TextMessage") -> str:
    return f"---------- {kind} ({agent}) ----------\n{text}\n[Prompt tokens: 61, Completion tokens: 16]\n"


def sent(agent: str, text: str, to: str = "chat_manager") -> str:
    return f"{agent} (to {to}):\n\n{text}\n\n{RULE}\n\nNext speaker: ben\n\n"


def logged(agent: str, text: str) -> str:
    phase = f"**{agent}<->Boss on : Coding, turn 0**\n\n[You are {agent}.\n\nBe brief.]\n\n"
    return f"[2026-01-01 20:46:11 INFO] {agent}: {phase}{text}\n\n[2026-01-01 20:46:12 INFO] flask app.py started\n"


def stamped(text: str) -> str:
    return f"2026-01-01 20:46:11.042 | INFO     | app.agent.base:run:140 - {text}\n"


def news(agent: str, text: str) -> str:
    return f"[2026-01-01 20:46:11] NEW MESSAGES:\n\n{agent}: \n{text}\n{RULE}\n\n"


def fields(agent: str, text: str) -> str:
    return f"  content:\n{indent(text, '    ')}\n  role: user\n  name: {agent}\n"


def answered(agent: str, text: str) -> str:
    run = "Code Execution Output\n\n    done\n\n"
    return f"Response from {agent} Agent\n{indent(text, '    ')}\n\n{run}Message to {agent} Agent\n    Go on.\n\n"


FORMS = {
    "MetaGPT, its communication": "=== Communication Log - Started at 2026-01-01 ===\n\n"
    f"[2026-01-01 20:46:10] FROM: Human TO: {{'<all>'}}\nACTION: add_requirement\nCONTENT:\n{ASKED}\n{RULE}\n\n"
    + "".join(news(*each) for each in SAID)
    + "=== Communication Log Ended at 2026-01-01 ===\n",
    "AppWorld": f"{'*' * 20} Task 1/1 (a_1) {'*' * 20}\n{ASKED}\n" + "".join(answered(*each) for each in SAID),
    "fields": f"problem_statement:\n  {ASKED}\nother_data:\n  x: 1\ntrajectory:\n"
    + fields("proxy", f"You may write code.\n{ASKED}")
    + "".join(fields(*each) for each in SAID),
    "OpenManus": f"Enter your prompt: {ASKED}\n"
    + "".join(
        stamped("Executing step 1/20") + stamped(f"✨ {agent}'s thoughts: {text}") + stamped("🔧 Tool arguments: {}")
        for agent, text in SAID
    ),
    "AutoGen 0.4": "".join(
        [
            console("user", ASKED),
            console("ada", "[FunctionCall(id='1')]", "ToolCallRequestEvent"),
            *(console(*each) for each in SAID),
            "---------- Summary ----------\nNumber of messages: 4\n",
        ]
    ),
    "AutoGen 0.2": "[INFO] Starting\n" + "".join(sent(*each) for each in [("user_proxy", ASKED), *SAID]),
    "in colours": "".join(
        f"\x1b[33m{agent}\x1b[0m (to all):\n\n{text}\n\n" for agent, text in [("user", ASKED), *SAID]
    ),
    "ChatDev": f"[2026-01-01 20:46:10 INFO] **[Preprocessing]**\n\n**task_prompt**: {ASKED}\n\n"
    "[2026-01-01 20:46:10 INFO] System: **[chatting]**\n\n| a | b |\n" + "".join(logged(*each) for each in SAID),
    "Markdown": "".join(f"**{agent}** said:\n```\n{text}\n```\n\n" for agent, text in [("user", ASKED), *SAID]),
    "labels": f"User: {ASKED}\n\n" + "\n".join(f"{agent}: {text}\n" for agent, text in SAID),
}


def read(path: Path, text: str) -> list[Mag]:
    path.write_text(text, encoding="utf-8")
    return list(import_files([path], Reader()))


@pytest.mark.parametrize("form", FORMS)
def test_messages_under_headings(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "talk.log", FORMS[form])
    assert mag.question.text == ASKED
    assert [(turn.agent, turn.text) for turn in mag.turns] == SAID
    assert [edge.step for turn in mag.turns for edge in turn.seen] == [0, 0, 1]


@pytest.mark.parametrize("form", FORMS)
def test_a_transcript_that_is_a_text_in_an_object(form: str, tmp_path: Path) -> None:
    record = {"mas_name": "team", "round": "Round 1", "trace": {"index": 7, "trajectory": FORMS[form]}, "label": None}
    (mag,) = read(tmp_path / "data.json", json.dumps([record]))
    assert mag.question.text == ASKED
    assert [(turn.agent, turn.text) for turn in mag.turns] == SAID
    assert [edge.step for turn in mag.turns for edge in turn.seen] == [0, 0, 1]


@pytest.mark.parametrize("lines", [True, False])
def test_a_logger_that_names_who_hands_to_whom(lines: bool, tmp_path: Path) -> None:
    said = [
        ("Planner's Response", "Thought: Count first."),
        ("Counter->Planner", "I count 42 of them.\nThat is all."),
        ("Writer's Response", "Thought: I write it down."),
        ("Planner's Response", "The answer is 42."),
    ]
    log = "\n".join(
        ["Team_x-1 - INFO - Initialized tools", *(f"Team_x-1 - INFO - {who}: {text}" for who, text in said)]
    )
    trace = json.dumps({"problem_statement": [ASKED], "trajectory": log.split("\n") if lines else log})
    (mag,) = read(tmp_path / "data.json", json.dumps([{"id": 1, "trace": trace}]))
    assert (mag.question.text, mag.decision.answer) == (ASKED, "42")
    assert [turn.agent for turn in mag.turns] == ["Planner", "Counter", "Writer", "Planner"]
    assert [turn.text for turn in mag.turns] == [text for _, text in said]
    assert [[edge.step for edge in turn.seen] for turn in mag.turns] == [[], [0], [0], [0, 1, 2]]


def test_roles_that_act_and_no_question(tmp_path: Path) -> None:
    log = [
        stamped("Investment: $3.0."),
        *(f"{stamped(f'Al({agent}): to do Write(Write)')}{text}\n" for agent, text in SAID),
    ]
    (tmp_path / "console.txt").write_text("".join(log), encoding="utf-8")
    reader = Reader()
    (mag,) = import_files([tmp_path / "console.txt"], reader)
    assert [(turn.agent, turn.text) for turn in mag.turns] == SAID
    assert reader.told() == ["1 discussion of which nothing tells the question"]


def test_a_packed_log(tmp_path: Path) -> None:
    path = tmp_path / "talk.txt.gz"
    path.write_bytes(gzip.compress(FORMS["labels"].encode()))
    (mag,) = import_files([path], Reader())
    assert len(mag.turns) == 3


def test_calls_that_dspy_has_printed(tmp_path: Path) -> None:
    first = "[[ ## reasoning ## ]]\nSix times seven is as much as seven times six.\n\n[[ ## answer ## ]]\n42\n\n"
    texts = [
        (f"[[ ## question ## ]]\n{ASKED}\n\nRespond with the fields.", first),
        (
            f"[[ ## question ## ]]\n{ASKED}\n\n[[ ## idea ## ]]\nSix times seven is as much as seven times six.",
            "[[ ## answer ## ]]\n42\n\n[[ ## completed ## ]]",
        ),
    ]
    calls = [
        f"\n\n\x1b[34m[2026-01-01T08:48:42.435764]\x1b[0m\n\n\x1b[31mSystem message:\x1b[0m\n\nYou are part {number}."
        f"\n\n\n\x1b[31mUser message:\x1b[0m\n\n{asked}\n\n\n\x1b[31mResponse:\x1b[0m\n\n\x1b[32m{told}\x1b[0m\n"
        for number, (asked, told) in enumerate(texts)
    ]
    (mag,) = read(tmp_path / "history.txt", "".join(calls))
    assert mag.question.text == ASKED
    assert [(turn.answer, turn.text) for turn in mag.turns] == [("42", texts[0][1].strip()), ("42", texts[1][1])]
    assert [(edge.step, edge.kind) for edge in mag.turns[1].seen] == [(0, "content")]


@pytest.mark.parametrize(
    "text", ["This is a page.\nUsage: run it.\nNote: it is short.\nNote: so it is.\n", "ada: Hello.\n"]
)
def test_what_is_no_transcript(text: str, tmp_path: Path) -> None:
    with pytest.raises(MagFileError, match="no JSON"):
        read(tmp_path / "page.txt", text)
