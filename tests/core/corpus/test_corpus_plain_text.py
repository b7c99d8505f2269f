"""Transcripts that consoles and loggers have printed are read as what they were printed from."""

from __future__ import annotations

import gzip
from pathlib import Path

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


FORMS = {
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
