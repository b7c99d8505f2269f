"""One discussion, told in the spans of every dialect: what the tests of the importer are made from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SECOND = 10**9
BEGAN = 1_780_000_000 * SECOND


@dataclass(frozen=True)
class Spoken:
    """One call of a model: who, told what, said what."""

    agent: str
    prompt: tuple[tuple[str, str], ...]
    reply: str
    at: float
    took: float = 0.5
    tools: tuple[tuple[str, str], ...] = ()


@dataclass
class Node:
    """A span before it is written down."""

    id: str
    parent: str
    name: str
    start: int
    end: int
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    trace: str = "5b8aa5a2d2c872e8321cf37308d69df2"


QUESTION = "A shop sells 48 clips in April and half as many in May. How many clips does it sell in all?"


def debate(question: str = QUESTION, began: float = 0) -> list[Spoken]:
    """Three agents, two rounds: ada is shown ben alone, ben is shown ada and cyd, a judge is shown round 1."""
    first = {
        "ada": "In May it sells 24 clips, and 48 + 24 = 72. The answer is 72.",
        "ben": "Half of 48 is 24.\n\n**So the sum is 48 + 24 = 72 clips.** The answer is 72.",
        "cyd": "Yes.",
    }
    second = {"ada": "Ben agrees with me: the answer is 72.", "ben": "I keep my own result: the answer is 72."}
    said = [
        Spoken(name, (("system", f"You are {name}."), ("user", question)), text, began + k / 10)
        for k, (name, text) in enumerate(first.items())
    ]
    asked = f"{question}\n\nThe others said:\n\nben: {first['ben']}\n\nAnswer again."
    said.append(Spoken("ada", (("system", "You are ada."), ("user", asked)), second["ada"], began + 2))
    history = (("system", "You are ben."), ("user", question), ("assistant", first["ben"]))
    told = f"ada: {first['ada']}\ncyd: {first['cyd']}\nAnswer again."
    said.append(Spoken("ben", (*history, ("user", told)), second["ben"], began + 2.1))
    verdicts = json.dumps({"ada": second["ada"], "ben": second["ben"]})
    judge = (("system", "You judge."), ("user", f"{question}\n{verdicts}"))
    return [*said, Spoken("judge", judge, "Both are right. The answer is 72.", began + 4)]


EDGES = [(1, 3, "content"), (0, 4, "content"), (1, 4, "self"), (2, 4, "content"), (3, 5, "content"), (4, 5, "content")]


def tree(said: list[Spoken], agent: Callable[[str], tuple[str, dict[str, Any]]], root: dict[str, Any]) -> list[Node]:
    """Returns the spans around the calls, a span an agent's turn, and empty ones for the calls."""
    last = max(each.at + each.took for each in said)
    nodes = [Node("a" * 16, "", "run", BEGAN, BEGAN + int((last + 1) * SECOND), dict(root))]
    for number, each in enumerate(said):
        start = BEGAN + int(each.at * SECOND)
        end = start + int(each.took * SECOND)
        name, attributes = agent(each.agent)
        nodes.append(Node(f"{number:015x}b", "a" * 16, name, start, end + 1000, dict(attributes)))
        nodes.append(Node(f"{number:015x}c", f"{number:015x}b", "call", start + 1000, end))
    return nodes


def calls(nodes: list[Node]) -> list[Node]:
    """Returns the spans of the calls."""
    return [node for node in nodes if node.id.endswith("c")]


def _parts(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _genai_tree(said: list[Spoken]) -> list[Node]:
    agent = lambda name: (f"invoke_agent {name}", {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name})  # noqa: E731
    return tree(said, agent, {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "debate"})


def _usage(node: Node, tokens: tuple[str, str], model: str) -> None:
    node.attributes |= {tokens[0]: 10, tokens[1]: 5, model: "stub-model"}


def genai(said: list[Spoken], *, structured: bool = False, instructions: bool = False) -> list[Node]:
    nodes = _genai_tree(said)
    write = (lambda value: value) if structured else json.dumps
    for node, each in zip(calls(nodes), said, strict=True):
        told = [_parts(role, text) for role, text in each.prompt if not (instructions and role == "system")]
        reply = _parts("assistant", each.reply) | {"finish_reason": "stop"}
        reply["parts"] += [{"type": "tool_call", "name": n, "arguments": {"input": a}} for n, a in each.tools]
        node.attributes |= {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": write(told),
            "gen_ai.output.messages": write([reply]),
        }
        if instructions:
            system = [{"type": "text", "content": text} for role, text in each.prompt if role == "system"]
            node.attributes["gen_ai.system_instructions"] = write(system)
        _usage(node, ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), "gen_ai.response.model")
    return nodes


def openai_style(said: list[Spoken]) -> list[Node]:
    """AG2's: the names of the conventions, the messages of OpenAI."""
    nodes = genai(said)
    for node, each in zip(calls(nodes), said, strict=True):
        reply: dict[str, Any] = {"role": "assistant", "content": each.reply or None}
        if each.tools:
            reply["tool_calls"] = [
                {"id": "c1", "type": "function", "function": {"name": n, "arguments": json.dumps({"input": a})}}
                for n, a in each.tools
            ]
        node.attributes["gen_ai.input.messages"] = json.dumps([{"role": r, "content": t} for r, t in each.prompt])
        node.attributes["gen_ai.output.messages"] = json.dumps([reply])
    return nodes


def openinference(said: list[Spoken], how: str = "agno") -> list[Node]:
    kinds: dict[str, Callable[[str], tuple[str, dict[str, Any]]]] = {
        "agno": lambda name: (f"{name}.run", {"openinference.span.kind": "AGENT", "agent.name": name}),
        "crewai": lambda name: (f"{name}._execute_core", {"openinference.span.kind": "AGENT", "graph.node.id": name}),
        "smolagents": lambda name: (f"{name}.run", {"openinference.span.kind": "AGENT"}),
        "langgraph": lambda name: (name, {"openinference.span.kind": "CHAIN"}),
    }
    nodes = tree(
        said, kinds[how], {"openinference.span.kind": "CHAIN", "input.value": json.dumps({"q": said[0].prompt[1][1]})}
    )
    nodes[0].name = "LangGraph" if how == "langgraph" else "debate.kickoff"
    for node, each in zip(calls(nodes), said, strict=True):
        node.attributes["openinference.span.kind"] = "LLM"
        for number, (role, text) in enumerate(each.prompt):
            prefix = f"llm.input_messages.{number}.message"
            node.attributes[f"{prefix}.role"] = role
            if how == "smolagents":
                node.attributes |= {
                    f"{prefix}.contents.0.message_content.type": "text",
                    f"{prefix}.contents.0.message_content.text": text,
                }
            else:
                node.attributes[f"{prefix}.content"] = text
        prefix = "llm.output_messages.0.message"
        node.attributes |= {f"{prefix}.role": "assistant"} | ({f"{prefix}.content": each.reply} if each.reply else {})
        for number, (name, argument) in enumerate(each.tools):
            call = f"{prefix}.tool_calls.{number}.tool_call.function"
            node.attributes |= {f"{call}.name": name, f"{call}.arguments": json.dumps({"input": argument})}
        if how == "langgraph":
            node.name = "ChatOpenAI"
            space = f"{each.agent}:0b1c|agent:77aa"
            node.attributes["metadata"] = json.dumps({"langgraph_node": "agent", "langgraph_checkpoint_ns": space})
        node.attributes |= {"input.value": json.dumps([text for _, text in each.prompt]), "output.value": each.reply}
        _usage(node, ("llm.token_count.prompt", "llm.token_count.completion"), "llm.model_name")
    return nodes


def indexed(said: list[Spoken], *, langsmith: bool = False) -> list[Node]:
    """OpenLLMetry's; LangSmith's exporter names the spans otherwise."""
    agent = lambda name: (f"{name}.agent", {"traceloop.span.kind": "agent", "traceloop.entity.name": name})  # noqa: E731
    if langsmith:
        agent = lambda name: (name, {"langsmith.span.kind": "chain", "gen_ai.agent.name": name})  # noqa: E731
    nodes = tree(said, agent, {"traceloop.span.kind": "workflow", "traceloop.entity.name": "debate"})
    for node, each in zip(calls(nodes), said, strict=True):
        node.attributes |= {"langsmith.span.kind": "llm"} if langsmith else {"llm.request.type": "chat"}
        for number, (role, text) in enumerate(each.prompt):
            node.attributes |= {f"gen_ai.prompt.{number}.role": role, f"gen_ai.prompt.{number}.content": text}
        node.attributes |= {"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "stop"}
        if each.reply:
            node.attributes["gen_ai.completion.0.content"] = each.reply
        for number, (name, argument) in enumerate(each.tools):
            call = f"gen_ai.completion.0.tool_calls.{number}"
            node.attributes |= {f"{call}.name": name, f"{call}.arguments": json.dumps({"input": argument})}
        _usage(node, ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"), "gen_ai.response.model")
    return nodes


def _tool_calls(each: Spoken) -> dict[str, Any]:
    calls = [{"function": {"name": n, "arguments": json.dumps({"input": a})}} for n, a in each.tools]
    return {"tool_calls": calls} if calls else {}


def events(said: list[Spoken], how: str = "content") -> list[Node]:
    """One event a message: its body as JSON in one attribute, or field by field."""
    nodes = _genai_tree(said)
    for node, each in zip(calls(nodes), said, strict=True):
        node.attributes["gen_ai.operation.name"] = "chat"
        bodies: list[tuple[str, dict[str, Any]]] = [
            (f"gen_ai.{role}.message", {"role": role, "content": text}) for role, text in each.prompt
        ]
        reply = {"role": "assistant", "content": each.reply} | _tool_calls(each)
        bodies.append(("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": reply}))
        for number, (name, body) in enumerate(bodies):
            fields = {"gen_ai.event.content": json.dumps(body)} if how == "content" else body
            node.events.append({"name": name, "attributes": fields, "time": node.start + number})
        _usage(node, ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"), "gen_ai.request.model")
    return nodes


def langfuse(said: list[Spoken]) -> list[Node]:
    agent = lambda name: (name, {"langfuse.observation.type": "agent"})  # noqa: E731
    nodes = tree(said, agent, {"langfuse.observation.type": "span", "langfuse.trace.name": "debate"})
    for node, each in zip(calls(nodes), said, strict=True):
        node.attributes |= {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "stub-model",
            "langfuse.observation.input": json.dumps([{"role": r, "content": t} for r, t in each.prompt]),
            "langfuse.observation.output": json.dumps({"role": "assistant", "content": each.reply} | _tool_calls(each)),
            "langfuse.observation.usage_details": json.dumps({"input": 10, "output": 5, "total": 15}),
        }
    return nodes


def otlp(nodes: list[Node]) -> list[str]:
    """Returns spans as a collector's file exporter writes them: here one a request, keys and values in lists."""
    return [json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [_otlp(node)]}]}]}) for node in nodes]


def otlp_document(nodes: list[Node]) -> list[str]:
    """Returns all spans as one request, over several lines."""
    return [json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(map(_otlp, nodes))}]}]}, indent=2)]


def _otlp(node: Node) -> dict[str, Any]:
    return {
        "traceId": node.trace,
        "spanId": node.id,
        "parentSpanId": node.parent,
        "name": node.name,
        "kind": 1,
        "startTimeUnixNano": str(node.start),
        "endTimeUnixNano": str(node.end),
        "attributes": _pairs(node.attributes),
        "events": [
            {"name": each["name"], "timeUnixNano": str(each["time"]), "attributes": _pairs(each["attributes"])}
            for each in node.events
        ],
        "status": {},
    }


def _pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": any_value(value)} for name, value in attributes.items()]


def any_value(value: Any) -> dict[str, Any]:
    """Returns a value as OTLP/JSON writes it."""
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _pairs(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": list(map(any_value, value))}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def dumped(nodes: list[Node], *, indent: int | None = None) -> list[str]:
    """Returns spans as the SDK's ``to_json`` writes them."""
    return [json.dumps(_dumped(node), indent=indent) for node in nodes]


def _dumped(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "context": {"trace_id": f"0x{node.trace}", "span_id": f"0x{node.id}", "trace_state": "[]"},
        "kind": "SpanKind.INTERNAL",
        "parent_id": f"0x{node.parent}" if node.parent else None,
        "start_time": _date(node.start),
        "end_time": _date(node.end),
        "status": {"status_code": "UNSET"},
        "attributes": node.attributes,
        "events": [
            {"name": each["name"], "timestamp": _date(each["time"]), "attributes": each["attributes"]}
            for each in node.events
        ],
        "links": [],
        "resource": {"attributes": {"service.name": "unknown_service"}, "schema_url": ""},
    }


def _date(time: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(time // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{time % SECOND // 1000:06d}Z"


def observations(nodes: list[Node]) -> list[str]:
    """Returns Langfuse's spans as its interface exports them."""
    rows = [
        {
            "id": node.id,
            "traceId": node.trace,
            "parentObservationId": node.parent or None,
            "type": node.attributes["langfuse.observation.type"].upper(),
            "name": node.name,
            "startTime": _date(node.start),
            "endTime": _date(node.end),
            "input": json.loads(node.attributes.get("langfuse.observation.input", "null")),
            "output": json.loads(node.attributes.get("langfuse.observation.output", "null")),
            "model": node.attributes.get("langfuse.observation.model.name"),
            "usageDetails": json.loads(node.attributes.get("langfuse.observation.usage_details", "{}")),
        }
        for node in nodes
    ]
    return [json.dumps({"data": rows, "meta": {"page": 1}})]


def logged(nodes: list[Node]) -> list[str]:
    """Returns spans whose events were sent as log records, apart from them."""
    lines = []
    for node in nodes:
        records = [
            {
                "traceId": node.trace,
                "spanId": node.id,
                "timeUnixNano": str(each["time"]),
                "eventName": each["name"],
                "body": any_value(each["attributes"]),
            }
            for each in node.events
        ]
        lines.append(json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}))
    return lines + otlp([Node(**{**vars(node), "events": []}) for node in nodes])


def phoenix(nodes: list[Node]) -> list[str]:
    """Returns OpenInference's spans as Phoenix exports them: attributes nested, messages in lists."""

    def nest(attributes: dict[str, Any]) -> Any:
        tree: dict[str, Any] = {}
        for name, value in attributes.items():
            at, path = tree, name.split(".")
            for part in path[:-1]:
                at = at.setdefault(part, {})
            at[path[-1]] = value
        return _listed(tree)

    return [json.dumps(_dumped(node) | {"attributes": nest(node.attributes)}) for node in nodes]


def _listed(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    inner = {key: _listed(value) for key, value in tree.items()}
    return list(inner.values()) if inner and all(key.isdecimal() for key in inner) else inner


DIALECTS: dict[str, Callable[[list[Spoken]], list[str]]] = {
    "genai, OTLP": lambda said: otlp(genai(said)),
    "genai, one document": lambda said: otlp_document(genai(said)),
    "genai, structured": lambda said: otlp(genai(said, structured=True)),
    "genai, dumped": lambda said: dumped(genai(said)),
    "genai, printed": lambda said: dumped(genai(said), indent=4),
    "genai, instructions": lambda said: otlp(genai(said, instructions=True)),
    "genai, instructions, structured": lambda said: dumped(genai(said, instructions=True, structured=True)),
    "AG2": lambda said: dumped(openai_style(said)),
    "agno": lambda said: otlp(openinference(said)),
    "CrewAI": lambda said: otlp(openinference(said, "crewai")),
    "smolagents": lambda said: dumped(openinference(said, "smolagents")),
    "LangGraph": lambda said: otlp(openinference(said, "langgraph")),
    "Phoenix": lambda said: phoenix(openinference(said)),
    "OpenLLMetry": lambda said: otlp(indexed(said)),
    "LangSmith": lambda said: otlp(indexed(said, langsmith=True)),
    "events": lambda said: otlp(events(said)),
    "events, by field": lambda said: otlp(events(said, "fields")),
    "events, dumped": lambda said: dumped(events(said)),
    "events, logged": lambda said: logged(events(said, "fields")),
    "Langfuse": lambda said: otlp(langfuse(said)),
    "Langfuse, exported": lambda said: observations(langfuse(said)),
}
