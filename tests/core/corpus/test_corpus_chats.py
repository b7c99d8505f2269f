"""Who said what is found in a transcript whatever its fields are called, and nothing of it is lost in silence."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from magdi.core.errors import MagFileError
from magdi.core.mag import Mag
from magdi.plugins.formats.importers.chats import Chats
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files

ASKED = "A shop sells 48 clips in April and half as many in May. How many is that?"
SAID = [
    ("ada", "In May it is 24, so 48 + 24 = 72. The answer is 72."),
    ("Dr. Müller", "I get twice 48. The answer is 96."),
    ("cyd", "Half of 48 is 24. The answer is 72."),
    ("ada", "Dr. Müller forgot the half. The answer is 72."),
]
AGENTS = [agent for agent, _ in SAID]
ALL = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
BY_ROUND = [(0, 3), (1, 3), (2, 3)]


def read(path: Path, value: Any, reader: Reader | None = None) -> list[Mag]:
    lines = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    path.write_text(lines, encoding="utf-8")
    return list(import_files([path], reader or Reader()))


def edges(mag: Mag) -> list[tuple[int, int]]:
    return [(edge.step, turn.step) for turn in mag.turns for edge in turn.seen]


def rows(speaker: str, text: str, first: Any = None, **more: Any) -> list[Any]:
    return ([first] if first else []) + [{speaker: agent, text: said, **more} for agent, said in SAID]


def langchain(kind: str, **fields: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", kind], "kwargs": fields}


USER = {"role": "user", "content": ASKED}
AUTOGEN = [{"source": "user", "content": ASKED, "type": "TextMessage"}] + [
    {"source": agent, "content": text, "type": "TextMessage", "models_usage": {"prompt_tokens": 10}}
    for agent, text in SAID
]
LANGGRAPH = [{"type": "human", "content": ASKED, "id": "0"}] + [
    {"type": "ai", "name": agent, "content": text, "id": str(k), "usage_metadata": {"input_tokens": 10}}
    for k, (agent, text) in enumerate(SAID, start=1)
]
FORMS: dict[str, Any] = {
    "AutoGen 0.2": [
        {"role": "assistant", "name": "user_proxy", "content": ASKED},
        *({"role": "user", "name": agent, "content": text} for agent, text in SAID),
    ],
    "AutoGen 0.2, result": {"chat_history": rows("name", "content", USER, role="user"), "cost": {"total": 0}},
    "AutoGen 0.4": {"messages": AUTOGEN, "stop_reason": "done"},
    "AutoGen 0.4, list": AUTOGEN,
    "AutoGen 0.4, state": {
        "type": "TeamState",
        "agent_states": {"ada": {"llm_context": {"messages": AUTOGEN[:2]}}, "Manager": {"message_thread": AUTOGEN}},
    },
    "AG2, events": [
        {"type": "text", "content": {"sender": agent, "recipient": "chat_manager", "content": text}}
        for agent, text in [("user", ASKED), *SAID]
    ],
    "LangGraph": {"values": {"messages": LANGGRAPH}, "next": []},
    "LangGraph, history": [{"values": {"messages": LANGGRAPH[:length]}, "next": []} for length in (5, 4, 3, 1)],
    "LangGraph, updates": [
        {agent: {"messages": [{"type": "human" if agent == "user" else "ai", "content": text}]}}
        for agent, text in [("user", ASKED), *SAID]
    ],
    "LangChain": [
        langchain("HumanMessage", content=ASKED),
        *(langchain("AIMessage", content=text, name=agent) for agent, text in SAID),
    ],
    "LangChain, dicts": [{"type": "human", "data": {"content": ASKED}}]
    + [{"type": "ai", "data": {"content": text, "name": agent}} for agent, text in SAID],
    "Agent Framework": [
        {"role": {"type": "role", "value": "user"}, "contents": [{"type": "text", "text": ASKED}], "author_name": None},
        *({"role": "assistant", "contents": [{"type": "text", "text": t}], "author_name": a} for a, t in SAID),
    ],
    "CrewAI": {"raw": SAID[-1][1], "tasks_output": rows("agent", "raw", description=ASKED, summary="...")},
    "CrewAI, events": rows("agent_role", "output", task_prompt=ASKED),
    "MetaGPT": {
        "env": {"history": {"storage": rows("role", "content", {"role": "Human", "content": ASKED}, sent_from="r")}}
    },
    "CAMEL": {"original_task": ASKED, **{f"message_{k}": row for k, row in enumerate(rows("role_name", "content"))}},
    "ChatEval": {"question": ASKED, "evaluation": rows("role", "evaluation")},
    "AgentVerse": {"input": ASKED, "label": "72", "logs": rows("agent", "content", stage="Decision Making")},
    "texts with names": {"question": ASKED, "history": [f"{agent}: {text}" for agent, text in SAID]},
    "pairs": {"question": ASKED, "dialogue": SAID},
    "one message a line": rows("speaker", "utterance", question=ASKED, discussion_id=7),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_transcript_is_read_whatever_its_fields_are_called(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", FORMS[form])
    assert mag.question.text == ASKED
    assert [(turn.agent, turn.text) for turn in mag.turns] == SAID
    assert [turn.answer for turn in mag.turns] == ["72", "96", "72", "72"]
    assert edges(mag) == ALL
    assert mag.turns[3].seen[0].kind == "self"
    if isinstance(FORMS[form], list):
        lines = "\n".join(json.dumps(each) for each in FORMS[form])
        assert [again.turns for again in read(tmp_path / "log.jsonl", lines)] == [mag.turns]


FIRST = dict(SAID[:3])
ROUNDS: dict[str, Any] = {
    "numbers": {"turns": [{"agent": a, "text": t, "round": r} for (a, t), r in zip(SAID, (1, 1, 1, 2), strict=True)]},
    "lists": {"rounds": [rows("agent", "response")[:3], rows("agent", "response")[3:]]},
    "objects": {"rounds": [{"round": 0, "responses": FIRST}, {"round": 1, "responses": dict(SAID[3:])}]},
    "lists of objects": {"rounds": [FIRST, dict(SAID[3:])]},
    "names": {"round_1": FIRST, "round_2": dict(SAID[3:])},
    "beside a number": {"debate": [{"round": 1, **FIRST}, {"round": 2, **dict(SAID[3:])}]},
    "by agent": {"responses": {"ada": [SAID[0][1], SAID[3][1]], **{a: [t] for a, t in SAID[1:3]}}},
    "fields": {
        "round_0": {a: {"reasoning": t, "answer": t[-3:-1]} for a, t in FIRST.items()},
        "round_1": {"ada": {"reasoning": SAID[3][1], "answer": 72}},
    },
}


@pytest.mark.parametrize("form", ROUNDS)
def test_in_a_round_nobody_has_heard_the_others(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", {"question": ASKED, "gold": "72", **ROUNDS[form]})
    assert [(turn.agent, turn.text) for turn in mag.turns] == SAID
    assert [turn.round for turn in mag.turns] == [0, 0, 0, 1]
    assert edges(mag) == BY_ROUND
    assert [turn.correct for turn in mag.turns] == [True, False, True, True]
    assert mag.decision.answer == "72"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        (
            [{"id": "a"}, {"id": "b"}, {"id": "c", "reply_to": "a"}, {"saw": ["b", "c"]}],
            [(0, 1), (0, 2), (1, 3), (2, 3)],
        ),
        ([{"to": "cyd"}, {"to": ["ada"]}, {"to": "all"}, {}], [(0, 2), (0, 3), (1, 3), (2, 3)]),
        ([{"prompt": ASKED}] * 3 + [{"prompt": f"{ASKED}\nDr. Müller: {SAID[1][1]}\nAnswer."}], [(1, 3)]),
    ],
)
def test_what_a_log_tells_of_who_was_shown_what_is_heard(fields: list[Any], shown: Any, tmp_path: Path) -> None:
    turns = [row | more for row, more in zip(rows("agent", "reply"), fields, strict=True)]
    (mag,) = read(tmp_path / "log.json", {"question": ASKED, "turns": turns})
    assert edges(mag) == shown


def test_agents_that_answer_apart_have_no_edges(tmp_path: Path) -> None:
    texts = [text for _, text in SAID]
    for held in ({"candidates": rows("model", "text")[:3]}, {"references": texts[:3]}, {"model_outputs": FIRST}):
        (mag,) = read(tmp_path / "log.json", {"instruction": ASKED, "output": "72", **held})
        assert (edges(mag), mag.decision.answer) == ([], "72")
    pair = {
        "prompt": ASKED,
        **{
            name: [USER, {"role": "assistant", "content": t}]
            for name, t in zip(("chosen", "rejected"), texts, strict=False)
        },
    }
    (mag,) = read(tmp_path / "log.json", pair)
    assert ([turn.agent for turn in mag.turns], edges(mag)) == (["chosen", "rejected"], [])


def test_chats_of_several_agents_are_du_s(tmp_path: Path) -> None:
    def chat(own: str, other: str) -> list[dict[str, str]]:
        asked, again = USER, {"role": "user", "content": f"Others said: ```{other}``` Again."}
        return [asked, {"role": "assistant", "content": own}, again, {"role": "assistant", "content": own}]

    one, other = SAID[0][1], SAID[1][1]
    for chats in ([chat(one, other), chat(other, one)], {"ada": chat(one, other), "ben": chat(other, one)}):
        (mag,) = read(tmp_path / "log.json", {"question": ASKED, "gold": 72, "agent_contexts": chats})
        assert edges(mag) == [(0, 2), (1, 2), (0, 3), (1, 3)]
        assert {turn.agent for turn in mag.turns} == (
            {"ada", "ben"} if isinstance(chats, dict) else {"agent-1", "agent-2"}
        )


def test_discussions_in_one_file_are_told_apart_in_any_order(tmp_path: Path) -> None:
    lines = [
        json.dumps(
            {
                "conversation_id": talk,
                "sender": agent,
                "text": text,
                "timestamp": f"2026-05-28T12:00:0{k}Z",
                "task": talk,
            }
        )
        for k, (agent, text) in enumerate(SAID)
        for talk in (ASKED, "What else?")
    ]
    mags = read(tmp_path / "log.jsonl", "\n".join(lines))
    assert [(mag.question.text, len(mag.turns)) for mag in mags] == [(ASKED, 4), ("What else?", 4)]
    random.Random(0).shuffle(lines)
    assert read(tmp_path / "log.jsonl", "\n".join(lines)) == mags


def test_a_talk_that_stands_in_several_memories_is_one(tmp_path: Path) -> None:
    """As AutoGen 0.2 has them: by partner, each with the roles that its owner sees."""
    said = [("user_proxy", ASKED), ("ada", "It is 72."), ("ben", "So it is: 72.")]
    views = {
        owner: [
            {"content": text, "name": name, "role": "assistant" if name == owner else "user"} for name, text in said
        ]
        for owner in ("user_proxy", "ada", "ben")
    }
    (mag,) = read(tmp_path / "chats.json", views)
    assert (mag.question.text, [turn.agent for turn in mag.turns]) == (ASKED, ["ada", "ben"])


def test_a_task_before_steps_is_their_question(tmp_path: Path) -> None:
    """As smolagents has them, whose programs end with what is answered."""
    steps = [
        {
            "step_number": 1,
            "model_output": "I add.",
            "model_output_message": {"role": "assistant", "content": "I add."},
        },
        {
            "step_number": 2,
            "model_output_message": {"role": "assistant", "content": "<code>\nfinal_answer('72')\n</code>"},
        },
    ]
    (mag,) = read(tmp_path / "steps.json", [{"task": ASKED, "task_images": None}, *steps])
    assert (mag.question.text, mag.decision.answer) == (ASKED, "72")
    assert len(mag.turns) == 2


def test_the_name_of_an_agent_is_no_question(tmp_path: Path) -> None:
    said = [("ada", ASKED), ("ben", "It is 72."), ("ada", "Is it? The answer is 72.")]
    pair = [{"content": text, "name": name, "role": "assistant" if name == "ada" else "user"} for name, text in said]
    other = [
        {"content": "Thanks.", "name": "cyd", "role": "user"},
        {"content": "Bye.", "name": "ada", "role": "assistant"},
    ]
    mags = read(tmp_path / "chats.json", {"ben": pair, "cyd": other})
    assert mags[0].question.text == ASKED
    assert [turn.agent for turn in mags[0].turns] == ["ben", "ada"]


def test_renamed_agents_are_renamed_and_a_dropped_message_loses_its_turn_alone(tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", FORMS["AutoGen 0.4"])
    renamed = json.loads(json.dumps(FORMS["AutoGen 0.4"]).replace('"ada"', '"eve 先生"'))
    (other,) = read(tmp_path / "log.json", renamed)
    names = {"ada": "eve 先生"}
    assert other.turns == tuple(
        turn.model_copy(update={"agent": names.get(turn.agent, turn.agent)}) for turn in mag.turns
    )
    (fewer,) = read(tmp_path / "log.json", AUTOGEN[:2] + AUTOGEN[3:])
    assert [turn.text for turn in fewer.turns] == [turn.text for turn in mag.turns if turn.step != 1]
    assert edges(fewer) == [(0, 1), (0, 2), (1, 2)]


def test_tools_thoughts_and_pieces_of_a_stream_are_no_turns_of_their_own(tmp_path: Path) -> None:
    def line(kind: str, content: Any, name: str = "") -> dict[str, Any]:
        return {"type": kind, "sessionId": "s", "message": {"role": kind, "content": content, "id": name or None}}

    use = {"type": "tool_use", "id": "t", "name": "calc", "input": {"sum": "48 + 24"}}
    log = [
        {"type": "summary", "summary": "Clips"},
        line("user", ASKED),
        line("assistant", [{"type": "thinking", "thinking": "Half is 24."}], "m1"),
        line("assistant", [{"type": "text", "text": "I compute."}], "m1"),
        line("assistant", [use], "m1"),
        line("user", [{"type": "tool_result", "tool_use_id": "t", "content": "72"}]),
        line("assistant", [{"type": "text", "text": "The answer is 72."}], "m2"),
    ]
    reader = Reader()
    (mag,) = read(tmp_path / "log.jsonl", "\n".join(map(json.dumps, log)), reader)
    assert [turn.text for turn in mag.turns] == ['I compute.\ncalc({"sum": "48 + 24"})', "The answer is 72."]
    assert reader.told() == ["left out: 3 items that no model has said"]


@pytest.mark.parametrize("value", [{"question": ASKED, "answer": "72"}, {"name": "x", "version": 1}, {"text": "x"}])
def test_what_is_no_transcript_is_no_format(value: Any, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no format that is known"):
        read(tmp_path / "log.json", value)


TEXTS = [text for _, text in SAID]


def by_number(column: list[str]) -> dict[str, str]:
    return {str(place): cell for place, cell in enumerate(column)}


@pytest.mark.parametrize(
    ("value", "met"),
    [
        ({"question": ASKED, "agent": AGENTS, "messages": TEXTS}, ALL),
        ({"question": [ASKED] * 4, "speakers": AGENTS, "text": TEXTS, "round": [1, 1, 1, 2]}, BY_ROUND),
        ({"agent": by_number(AGENTS), "content": by_number(TEXTS), "question": by_number([ASKED] * 4)}, ALL),
        (
            {"question": ASKED, "ada_round_1": TEXTS[0], "b_round_1": TEXTS[1], "cyd r1": TEXTS[2], "ada r2": TEXTS[3]},
            BY_ROUND,
        ),
        (
            {"question": ASKED, "round_1_ada": TEXTS[0], "r1_b": TEXTS[1], "r1_cyd": TEXTS[2], "r2_ada": TEXTS[3]},
            BY_ROUND,
        ),
    ],
)
def test_columns_are_what_rows_are(value: dict[str, Any], met: list[tuple[int, int]], tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", value)
    assert (mag.question.text, [turn.text for turn in mag.turns]) == (ASKED, TEXTS)
    assert [turn.agent for turn in mag.turns][::3] == ["ada", "ada"]
    assert sorted((edge.step, turn.step) for turn in mag.turns for edge in turn.seen) == sorted(met)


def test_columns_of_answers_that_nobody_heard(tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", {"question": ASKED, "agents": ["ada", "ben", "cyd"], "responses": TEXTS[:3]})
    assert [(turn.agent, turn.round, turn.seen) for turn in mag.turns] == [(n, 0, ()) for n in ("ada", "ben", "cyd")]


def test_an_importer_that_fails_over_a_file_is_told_of(tmp_path: Path) -> None:
    class Mistyped(Chats):
        def recognises(self, value: Any) -> bool:
            return bool(valeu)  # type: ignore[name-defined]  # noqa: F821

    (tmp_path / "log.json").write_text("[1]")
    with pytest.raises(MagFileError) as told:
        list(import_files([tmp_path / "log.json"], Reader(), {"mine": Mistyped(), "chat": Chats()}))
    assert "mine could not look at it: NameError: name 'valeu' is not defined" in str(told.value.hint)


def test_names_within_names_take_no_time(tmp_path: Path) -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"name": "a", "text": "b", "x": deep}
    with pytest.raises(Exception, match="have a field `question`"):
        read(tmp_path / "log.json", deep)


def test_an_object_of_debates_without_gold_loses_none(tmp_path: Path) -> None:
    chat = [USER, {"role": "assistant", "content": SAID[0][1]}]
    assert len(read(tmp_path / "log.json", {"Ada Lovelace": [chat, chat], "Ben Hur": [chat, chat]})) == 2


@pytest.mark.parametrize("of", ["question", "task"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_several_discussions_in_a_list_and_questions_that_are_objects(of: str, wrapped: bool, tmp_path: Path) -> None:
    one = {of: {"question": ASKED, "answer": "72"}, "turns": rows("agent", "output")}
    other = {"question": "Which?", "choices": ["red", "blue"], "answer": "B", "log": rows("speaker_id", "content")}
    both = [one, other | {"log": [{"speaker_id": k, "content": f"The answer is {'AB'[k]}."} for k in (0, 1)]}]
    first, second = read(tmp_path / "log.json", {"results": both, "version": 1} if wrapped else both)
    assert (first.question.text, first.question.gold, len(first.turns)) == (ASKED, "72", 4)
    assert [(turn.agent, turn.correct) for turn in second.turns] == [("agent-0", False), ("agent-1", True)]
    assert [choice.text for choice in second.question.choices] == ["red", "blue"]


@pytest.mark.parametrize("name", ["ts", "created", "message_index", "step", "timestamp"])
def test_messages_are_in_the_order_that_they_tell(name: str, tmp_path: Path) -> None:
    told = [{**row, name: 1_780_000_000 + k} for k, row in enumerate(rows("agent", "content", question=ASKED))]
    (mag,) = read(tmp_path / "log.jsonl", "\n".join(map(json.dumps, reversed(told))))
    assert [(turn.agent, turn.text) for turn in mag.turns] == SAID


def test_helpers_speak_within_what_they_were_asked_in(tmp_path: Path) -> None:
    lead = {"agent": "lead", "content": "Ask both.", "children": rows("agent", "content")[:2]}
    (mag,) = read(tmp_path / "log.json", {"question": ASKED, "messages": [lead, *rows("agent", "content")[3:]]})
    assert [turn.agent for turn in mag.turns] == ["lead", "ada", "Dr. Müller", "ada"]


def parts(role: str, *held: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(held), **more}


def message(role: str, text: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": text, **more}


LOOK, FOUND = {"name": "look", "args": {"x": 1}}, {"name": "look", "response": {"status": "ok", "message": "72"}}
STEPS: dict[str, Any] = {
    "ADK": {
        "id": "s",
        "events": [
            {"author": "user", "content": parts("user", {"text": ASKED}), "timestamp": 1.0},
            {"author": "ada", "content": parts("model", {"function_call": LOOK}), "timestamp": 2.0},
            {"author": "ada", "content": parts("user", {"function_response": FOUND}), "timestamp": 3.0},
            {"author": "ben", "content": parts("model", {"text": SAID[1][1]}), "timestamp": 4.0},
        ],
    },
    "Agents SDK": {
        "original_input": ASKED,
        "generated_items": [
            {"agent": {"name": "ada"}, "raw_item": {"type": "function_call", "name": "look", "arguments": '{"x": 1}'}},
            {"agent": {"name": "ada"}, "output": "72", "raw_item": {"type": "function_call_output", "output": "72"}},
            {"agent": {"name": "ben"}, "raw_item": message("assistant", SAID[1][1], type="message")},
        ],
    },
    "AutoGen core": [
        {"type": "UserMessage", "content": ASKED, "source": "User"},
        {
            "type": "AssistantMessage",
            "content": [{"id": "c", "name": "look", "arguments": '{"x": 1}'}],
            "source": "ada",
        },
        {"type": "FunctionExecutionResultMessage", "content": [{"content": "72", "name": "look", "is_error": False}]},
        {"type": "AssistantMessage", "content": SAID[1][1], "source": "ben"},
    ],
    "Haystack": {
        "messages": [
            message("user", "", name=None) | {"content": [{"text": ASKED}]},
            message("assistant", "", name="ada")
            | {"content": [{"tool_call": {"tool_name": "look", "arguments": {"x": 1}}}]},
            message("tool", "") | {"content": [{"tool_call_result": {"result": "72", "error": False}}]},
            message("assistant", "", name="ben") | {"content": [{"text": SAID[1][1]}]},
        ]
    },
    "SWE-agent": {
        "history": [
            message("system", "Be brief.", agent="ada"),
            message("user", ASKED, agent="ada"),
            message("assistant", 'look({"x": 1})', agent="ada", thought="hm"),
            message("user", "72", agent="ada"),
            message("assistant", SAID[1][1], agent="ben"),
        ],
        "trajectory": [{"action": "look", "observation": "72", "response": "..."}],
    },
    "Semantic Kernel": {
        "messages": [
            {"content_type": "message", "role": "user", "items": [{"content_type": "text", "text": ASKED}]},
            {
                "role": "assistant",
                "name": "ada",
                "items": [{"content_type": "function_call", "name": "look", "arguments": '{"x": 1}'}],
            },
            {"role": "tool", "items": [{"content_type": "function_result", "result": "72"}]},
            {"role": "assistant", "name": "ben", "items": [{"content_type": "text", "text": SAID[1][1]}]},
        ]
    },
}


@pytest.mark.parametrize("form", STEPS)
def test_prompts_and_results_under_an_agents_name_are_nothing_it_said(form: str, tmp_path: Path) -> None:
    (mag,) = read(tmp_path / "log.json", STEPS[form])
    assert mag.question.text == ASKED
    assert [(turn.agent, turn.text) for turn in mag.turns] == [("ada", 'look({"x": 1})'), ("ben", SAID[1][1])]
    assert edges(mag) == [(0, 1)]


def test_messages_that_wrap_their_message(tmp_path: Path) -> None:
    call = {"choices": [{"message": message("assistant", SAID[0][1])}]}
    hands = [
        {"source": "user", "message": ASKED, "action": "message"},
        {"source": "agent", "message": "", "action": "edit", "tool_call_metadata": {"model_response": call}},
        {"source": "agent", "message": "I edited it.", "cause": 1, "observation": "edit", "content": "..."},
        {"source": "environment", "message": "Agent state changed"},
    ]
    codex = [{"type": "session_meta", "payload": {"id": "s"}}] + [
        {"type": "response_item", "payload": message(role, text, type="message")}
        for role, text in (("user", ASKED), ("assistant", SAID[0][1]))
    ]
    pydantic_ai = [
        {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": ASKED}]},
        {"kind": "response", "parts": [{"part_kind": "text", "content": SAID[0][1]}], "model_name": "m"},
    ]
    for log in (hands, codex, pydantic_ai):
        (mag,) = read(tmp_path / "log.jsonl", "\n".join(map(json.dumps, log)))
        assert (mag.question.text, [turn.text for turn in mag.turns]) == (ASKED, [SAID[0][1]])


def test_samples_of_inspect_in_its_archive(tmp_path: Path) -> None:
    chat = [message("user", ASKED, source="input"), message("assistant", SAID[0][1], source="generate", model="m")]
    events = [{"event": "model", "model": "openai/m", "input": chat[:1], "output": {"choices": chat[1:]}}] * 3
    sample = {"id": 1, "epoch": 1, "input": ASKED, "target": "72", "messages": chat, "events": events}
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as archive:
        archive.writestr("header.json", json.dumps({"eval": {"stats": [{"name": "stderr", "value": 0.3}]}}))
        for number in (1, 2):
            archive.writestr(f"samples/{number}_epoch_1.json", json.dumps({**sample, "id": number}))
    mags = list(import_files([tmp_path / "log.eval"], Reader()))
    assert [[(turn.agent, turn.text) for turn in mag.turns] for mag in mags] == [[("m", SAID[0][1])]] * 2
    assert [mag.turns[0].correct for mag in mags] == [True, True]
    with pytest.raises(MagFileError, match="no format that is known"):
        read(tmp_path / "log.json", {"results": [{"name": "stderr", "value": 0.3}]})
    (tmp_path / "log.eval").write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(MagFileError, match="cannot be unpacked"):
        list(import_files([tmp_path / "log.eval"], Reader()))


def test_simulations_with_names_are_discussions_of_their_own(tmp_path: Path) -> None:
    talks = [{"id": str(k), "messages": [USER, message("assistant", text)]} for k, (_, text) in enumerate(SAID)]
    mags = read(tmp_path / "log.json", {"tasks": [{"id": "1"}], "simulations": talks})
    assert [[turn.text for turn in mag.turns] for mag in mags] == [[text] for _, text in SAID]


def test_fields_that_are_lists_where_others_have_objects_take_nothing_away(tmp_path: Path) -> None:
    log = {"messages": [USER, message("assistant", SAID[0][1], usage=[None])], "result": [1]}
    (mag,) = read(tmp_path / "log.json", log)
    assert [turn.text for turn in mag.turns] == [SAID[0][1]]
