"""Calls that are told in pieces, beside their spans, or by halves: each is one turn, and nothing else is any."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from magdi.core.mag import Mag
from magdi.plugins.formats.importers.reader import Reader
from magdi.plugins.formats.importing import import_files
from tests.plugins.otel.span_grammar import EDGES, QUESTION, Node, Spoken, calls, debate, dumped, openinference

AGENTS = ["ada", "ben", "cyd", "ada", "ben", "judge"]
REPLIES = [each.reply for each in debate()]
Rows = list[dict[str, Any]]


def read(path: Path, rows: Rows, reader: Reader | None = None) -> Mag:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (mag,) = import_files([path], reader or Reader())
    return mag


def is_the_debate(mag: Mag) -> None:
    assert (mag.question.text, [turn.agent for turn in mag.turns]) == (QUESTION, AGENTS)
    assert [turn.text for turn in mag.turns] == REPLIES
    assert [(edge.step, turn.step, edge.kind) for turn in mag.turns for edge in turn.seen] == EDGES


def written(nodes: list[Node]) -> Rows:
    return [json.loads(line) for line in dumped(nodes)]


def reply(node: Node) -> dict[str, Any]:
    return {name: value for name, value in node.attributes.items() if name.startswith(("llm.output", "output"))}


def halved(said: list[Spoken]) -> list[Node]:
    """BeeAI's old spans: one as a call begins, with its prompt, one as it succeeds, with its reply, one as it ends."""
    nodes = openinference(said)
    for number, node in enumerate(calls(nodes)):
        told = reply(node)
        kind = {"openinference.span.kind": "LLM"}
        for place, moment in enumerate(("success", "finish")):
            name = f"backend.openai.chat.{moment}-{number}"
            attributes = kind | (told if moment == "success" else {})
            nodes.append(Node(f"{number:015x}{place + 4}", "a" * 16, name, node.end, node.end + place, attributes))
        node.name = f"backend.openai.chat.start-{number}"
        node.end = node.start
        node.attributes = {name: value for name, value in node.attributes.items() if name not in told}
    return nodes


def test_beginning_and_end_of_a_call_in_spans_of_their_own(tmp_path: Path) -> None:
    is_the_debate(read(tmp_path / "log.jsonl", written(halved(debate()))))


def test_a_reply_in_pieces_is_one(tmp_path: Path) -> None:
    nodes = halved(debate())
    for node in nodes:
        if told := reply(node):
            text = told["llm.output_messages.0.message.content"]
            pieces = [text] if len(text) < 20 else [piece for word in text.split(" ") for piece in (word, " ")][:-1]
            node.attributes = {"openinference.span.kind": "LLM"} | {
                f"llm.output_messages.{place}.message.{name}": value
                for place, piece in enumerate(pieces)
                for name, value in (("role", "assistant"), ("content", piece))
            }
    is_the_debate(read(tmp_path / "log.jsonl", written(nodes)))


def test_pieces_whose_first_were_dropped_are_made_whole_from_the_agent(tmp_path: Path) -> None:
    nodes = openinference(debate())
    last, agent = nodes[-1], nodes[-2]
    end = " is right, as 24 is half of 48, and so I say of both: the answer is 72."
    whole = f"Each of them{end}"
    last.attributes = {n: value for n, value in last.attributes.items() if n not in reply(last)} | {
        f"llm.output_messages.{place}.message.content": f" {word}" for place, word in enumerate(end.split(), start=200)
    }
    agent.attributes["output.value"] = whole
    nodes.append(replace(agent, id="f" * 16, parent="a" * 16, name="update-7"))
    mag = read(tmp_path / "log.jsonl", written(nodes))
    assert [turn.text for turn in mag.turns] == [*REPLIES[:-1], whole]


def test_a_reply_that_no_span_tells_stands_in_the_next_prompt(tmp_path: Path) -> None:
    nodes = openinference(debate())
    ben = calls(nodes)[1]
    ben.attributes = {name: value for name, value in ben.attributes.items() if name not in reply(ben)}
    reader = Reader()
    mag = read(tmp_path / "log.jsonl", written(nodes), reader)
    assert [turn.text for turn in mag.turns] == REPLIES
    assert reader.told() == []


def test_events_of_one_id_are_one_call(tmp_path: Path) -> None:
    """LangChain's ``astream_events``, with everything else that they tell in between."""
    rows: Rows = []
    for number, each in enumerate(debate()):
        prompt = [[{"type": role, "content": text} for role, text in each.prompt]]
        shared = {
            "run_id": f"run-{number}",
            "name": "Chat",
            "metadata": {"langgraph_node": each.agent, "thread_id": "t"},
        }
        beside = {"run_id": f"chain-{number}", "name": each.agent, "metadata": {"thread_id": "t"}}
        rows += [
            {"event": "on_chain_start", "data": {"input": {"messages": prompt[0]}}, **beside},
            {"event": "on_chat_model_start", "data": {"input": {"messages": prompt}}, **shared},
            {
                "event": "on_chat_model_stream",
                "data": {"chunk": {"type": "AIMessageChunk", "content": "Half"}},
                **shared,
            },
            {"event": "on_chat_model_end", "data": {"output": {"type": "ai", "content": each.reply}}, **shared},
            {
                "event": "on_chain_end",
                "data": {"output": {"messages": [{"type": "ai", "content": each.reply}]}},
                **beside,
            },
        ]
    is_the_debate(read(tmp_path / "log.jsonl", rows))


def test_spans_that_are_listed_by_name(tmp_path: Path) -> None:
    is_the_debate(read(tmp_path / "log.json", [{"the first test": written(openinference(debate()))}]))


def test_a_result_that_holds_its_prompt_beside_it(tmp_path: Path) -> None:
    """CrewAI's tasks, where nobody has recorded the calls in them."""
    nodes = openinference(debate(), "crewai")
    kept = [node for node in nodes if node not in calls(nodes)]
    for node, each in zip(kept[1:], debate(), strict=True):
        messages = [{"role": role, "content": text} for role, text in each.prompt]
        node.attributes["input.value"] = json.dumps({"agent": {"role": each.agent}, "tools": []})
        told = {"description": "Solve it.", "raw": each.reply, "agent": each.agent, "messages": messages}
        node.attributes["output.value"] = json.dumps(told)
    is_the_debate(read(tmp_path / "log.jsonl", written(kept)))


def test_why_a_call_failed_is_no_reply(tmp_path: Path) -> None:
    nodes = openinference(debate())
    raised = {"exception.type": "ToolError", "exception.message": "the tool was not called"}
    failed = replace(calls(nodes)[0], id="f" * 16, parent="a" * 16)
    failed.attributes = {
        "openinference.span.kind": "LLM",
        "output.value": "ToolError(backend): the tool was not called",
    }
    failed.events = [{"name": "exception", "attributes": raised, "time": failed.end}]
    rows = written([*nodes, failed])
    rows[-1]["status"] = {"status_code": "ERROR"}
    reader = Reader()
    is_the_debate(read(tmp_path / "log.jsonl", rows, reader))
    assert reader.told() == ["left out: 1 call that failed"]


def test_a_tool_for_answering_is_an_answer(tmp_path: Path) -> None:
    said = [replace(each, reply="", tools=(("final_answer", each.reply),)) for each in debate()]
    nodes = openinference(debate())
    for node, each in zip(calls(nodes), said, strict=True):
        node.attributes = {name: value for name, value in node.attributes.items() if name not in reply(node)}
        call = {"function.name": "final_answer", "function.arguments": json.dumps({"answer": each.tools[0][1]})}
        for name, value in call.items():
            node.attributes[f"llm.output_messages.0.message.tool_calls.0.tool_call.{name}"] = value
    mag = read(tmp_path / "log.jsonl", written(nodes))
    is_the_debate(mag)
    assert {turn.role for turn in mag.turns} == {"solver"}
