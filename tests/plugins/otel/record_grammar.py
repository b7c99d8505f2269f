"""The discussion of span_grammar as those write it down who have spans or calls of their own: a table of writers."""

from __future__ import annotations

import base64
import csv
import io
import json
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.plugins.otel.span_grammar import BEGAN, QUESTION, SECOND, Node, Spoken, events, genai, openinference

TRACE = "5b8aa5a2d2c872e8321cf37308d69df2"
Rows = list[dict[str, Any]]
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
OLLAMA_USAGE = {"prompt_eval_count": 10, "eval_count": 5}


def named(*words: object) -> str:
    """Returns an id of the form that most services have."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, " ".join(map(str, words))))


def at(each: Spoken, later: float = 0) -> float:
    """Returns the second, since 1970, at which something begins."""
    return BEGAN / SECOND + each.at + later


def date(each: Spoken, later: float = 0, zone: str = "") -> str:
    """Returns it as a date."""
    return datetime.fromtimestamp(at(each, later), UTC).replace(tzinfo=None).isoformat() + zone


def chat(each: Spoken) -> Rows:
    """Returns a prompt as OpenAI's clients are given it."""
    return [{"role": role, "content": text} for role, text in each.prompt]


def completion(each: Spoken) -> dict[str, Any]:
    """Returns a reply as OpenAI's clients give it back."""
    choice = {"index": 0, "message": {"role": "assistant", "content": each.reply}, "finish_reason": "stop"}
    return {"object": "chat.completion", "model": "stub-model", "choices": [choice], "usage": USAGE}


def langchain(role: str, text: str) -> dict[str, Any]:
    """Returns a message as LangChain serialises it."""
    kind = {"system": "SystemMessage", "user": "HumanMessage", "assistant": "AIMessage"}[role]
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", kind], "kwargs": {"content": text}}


def jaeger(nodes: Sequence[Node]) -> Rows:
    """Returns Jaeger's spans: microseconds, a reference to the parent, tags, and logs of fields."""
    return [
        {
            "traceID": node.trace,
            "spanID": node.id,
            "operationName": node.name,
            "references": [{"refType": "CHILD_OF", "spanID": node.parent}] if node.parent else [],
            "startTime": node.start // 1000,
            "duration": (node.end - node.start) // 1000,
            "tags": [_tag(*pair) for pair in node.attributes.items()],
            "logs": [
                {
                    "timestamp": each["time"] // 1000,
                    "fields": [_tag("event", each["name"]), *(_tag(*pair) for pair in each["attributes"].items())],
                }
                for each in node.events
            ],
        }
        for node in nodes
    ]


def _tag(name: str, value: Any) -> dict[str, Any]:
    return {"key": name, "value": value if isinstance(value, str | int) else json.dumps(value)}


def zipkin(nodes: Sequence[Node]) -> Rows:
    """Returns Zipkin's spans: tags that are texts."""
    return [
        {
            "traceId": node.trace,
            "id": node.id,
            **({"parentId": node.parent} if node.parent else {}),
            "name": node.name,
            "timestamp": node.start // 1000,
            "duration": (node.end - node.start) // 1000,
            "tags": {name: str(value) for name, value in node.attributes.items()},
        }
        for node in nodes
    ]


def mlflow(said: Sequence[Spoken]) -> Rows:
    """Returns MLflow's trace: ids in base64, attributes in JSON's own quotation marks."""

    def span(name: str, number: str, parent: str, each: Spoken, kind: str, **values: Any) -> dict[str, Any]:
        return {
            "trace_id": base64.b64encode(bytes.fromhex(TRACE)).decode(),
            "span_id": base64.b64encode(bytes.fromhex(number)).decode(),
            "parent_span_id": base64.b64encode(bytes.fromhex(parent)).decode() if parent else None,
            "name": name,
            "start_time_unix_nano": int(at(each) * SECOND),
            "end_time_unix_nano": int(at(each, 0.5) * SECOND),
            "status": {"code": "STATUS_CODE_OK"},
            "attributes": {f"mlflow.{key}": json.dumps(value) for key, value in {"spanType": kind, **values}.items()},
        }

    spans: Rows = []
    for number, each in enumerate(said):
        around, own = f"{number:015x}b", f"{number:015x}c"
        spans.append(span(each.agent, around, "", each, "AGENT"))
        asked = {"model": "stub-model", "messages": chat(each)}
        spans.append(
            span("Completions", own, around, each, "CHAT_MODEL", spanInputs=asked, spanOutputs=completion(each))
        )
    return [{"info": {"trace_id": f"tr-{TRACE}", "state": "OK"}, "data": {"spans": spans}}]


def langsmith(said: Sequence[Spoken]) -> Rows:
    """Returns LangSmith's runs: a node's, and a model's in it."""
    runs: Rows = []
    for number, each in enumerate(said):
        shared = {"trace_id": named("trace"), "session_id": named("project"), "error": None, "status": "success"}
        times = {"start_time": date(each), "end_time": date(each, 0.5)}
        node = {"langgraph_node": each.agent, "ls_model_name": "stub-model"}
        runs += [
            {"id": named("node", number), "parent_run_id": named("trace"), "name": each.agent, "run_type": "chain"},
            {
                "id": named("call", number),
                "parent_run_id": named("node", number),
                "name": "ChatOpenAI",
                "run_type": "llm",
                "inputs": {"messages": [[langchain(*message) for message in each.prompt]]},
                "outputs": {
                    "generations": [[{"text": each.reply, "message": langchain("assistant", each.reply)}]],
                    "llm_output": {"token_usage": USAGE},
                },
                "extra": {"metadata": node},
            },
        ]
        runs[-2:] = [run | shared | times for run in runs[-2:]]
    return runs


def nested_runs(said: Sequence[Spoken]) -> Rows:
    """Returns LangSmith's runs, each in the one that it was made in."""
    runs = langsmith(said)
    return [node | {"child_runs": [call]} for node, call in zip(runs[::2], runs[1::2], strict=True)]


def langfuse(said: Sequence[Spoken]) -> Rows:
    """Returns Langfuse's observations as its newer interface names their fields."""
    rows: Rows = []
    for number, each in enumerate(said):
        shared = {"trace_id": "trace-1", "start_time": date(each, zone="Z"), "end_time": date(each, 0.5, "Z")}
        rows += [
            {"id": f"a{number}", "parent_observation_id": "", "type": "AGENT", "name": each.agent, **shared},
            {
                "id": f"c{number}",
                "parent_observation_id": f"a{number}",
                "type": "GENERATION",
                "name": "OpenAI-generation",
                "input": chat(each),
                "output": {"role": "assistant", "content": each.reply},
                "model": "stub-model",
                "usage": {"input": 10, "output": 5, "unit": "TOKENS"},
                **shared,
            },
        ]
    return rows


def phoenix(said: list[Spoken]) -> Rows:
    """Returns the rows of Phoenix' table of spans: names with dots for columns."""
    rows: Rows = []
    for node in openinference(said):
        own = {name: value for name, value in node.attributes.items() if "_messages" not in name}
        row = {
            f"attributes.{name}": value for name, value in own.items() if name not in ("input.value", "output.value")
        }
        row |= {"name": node.name, "context.span_id": node.id, "context.trace_id": node.trace, "status_code": "OK"}
        row |= {"parent_id": node.parent or None, "start_time": node.start, "end_time": node.end}
        rows.append(row)
    for row, each in zip(rows[2::2], said, strict=True):
        told = [{"message.role": role, "message.content": text} for role, text in each.prompt]
        row["attributes.llm.input_messages"] = told
        row["attributes.llm.output_messages"] = [{"message.role": "assistant", "message.content": each.reply}]
    return rows


def tables(said: list[Spoken], names: Sequence[str]) -> Rows:
    """Returns spans as databases keep them: ids, parent, name, start and attributes under these names of columns."""
    return [
        dict(zip(names, (each.trace, each.id, each.parent, each.name, each.start, each.attributes), strict=True))
        for each in openinference(said)
    ]


def weave(said: Sequence[Spoken]) -> Rows:
    """Returns Weave's calls."""
    rows: Rows = []
    for number, each in enumerate(said):
        shared = {"trace_id": named("trace"), "started_at": date(each, zone="Z"), "ended_at": date(each, 0.5, "Z")}
        own = {"inputs": {"self": "Agent"}, "output": each.reply}
        made = {"inputs": {"model": "stub-model", "messages": chat(each)}, "output": completion(each)}
        for name, parent, values in ((each.agent, "", own), ("openai.chat.completions.create", each.agent, made)):
            ids = {"id": named(number, name), "parent_id": named(number, parent) if parent else None}
            rows.append(ids | {"op_name": f"weave:///me/team/op/{name}:v1x", **values, **shared})
    return rows


def agents_sdk(said: Sequence[Spoken]) -> Rows:
    """Returns the spans of OpenAI's Agents SDK, below the line that begins their trace."""
    rows: Rows = [{"object": "trace", "id": f"trace_{TRACE}", "workflow_name": "Debate"}]
    for number, each in enumerate(said):
        shared = {"object": "trace.span", "trace_id": f"trace_{TRACE}", "error": None}
        shared |= {"started_at": date(each, zone="+00:00"), "ended_at": date(each, 0.5, "+00:00")}
        told = {"input": chat(each), "output": [{"role": "assistant", "content": each.reply}], "model": "stub-model"}
        call = {"type": "generation", **told, "usage": {"input_tokens": 10, "output_tokens": 5}}
        agent = {"type": "agent", "name": each.agent, "tools": []}
        rows.append({"id": f"span_a{number}", "parent_id": None, "span_data": agent, **shared})
        rows.append({"id": f"span_c{number}", "parent_id": f"span_a{number}", "span_data": call, **shared})
    return rows


def datadog(said: Sequence[Spoken]) -> Rows:
    """Returns the spans of Datadog's LLM observability."""
    rows: Rows = []
    for number, each in enumerate(said):
        shared = {"trace_id": TRACE, "start_ns": int(at(each) * SECOND), "duration": SECOND // 2, "status": "ok"}
        told = {
            "input": {"messages": chat(each)},
            "output": {"messages": [{"role": "assistant", "content": each.reply}]},
        }
        made = {"span.kind": "llm", "model_name": "stub-model", **told}
        used = {"input_tokens": 10, "output_tokens": 5}
        ids = [str(10**18 + 2 * number + k) for k in (0, 1)]
        rows.append({"span_id": ids[0], "parent_id": "undefined", "name": each.agent, "meta": {"span.kind": "agent"}})
        rows.append({"span_id": ids[1], "parent_id": ids[0], "name": "OpenAI", "meta": made, "metrics": used})
        rows[-2:] = [row | shared for row in rows[-2:]]
    return rows


def braintrust(said: Sequence[Spoken]) -> Rows:
    """Returns Braintrust's spans."""
    return [
        {
            "id": f"r{number}",
            "span_id": f"s{number}",
            "root_span_id": "root",
            "span_parents": ["root"],
            "input": chat(each),
            "output": completion(each)["choices"],
            "metadata": {"model": "stub-model", "agent": each.agent},
            "metrics": {"start": at(each), "end": at(each, 0.5), **USAGE},
            "span_attributes": {"name": "chat", "type": "llm"},
        }
        for number, each in enumerate(said)
    ]


def mlflow_2(said: Sequence[Spoken]) -> Rows:
    """Returns the trace as MLflow 2 wrote it: ids in a context, in hexadecimal digits."""
    (trace,) = mlflow(said)
    for span in trace["data"]["spans"]:
        number, parent = (base64.b64decode(span.pop(name) or "").hex() for name in ("span_id", "parent_span_id"))
        span["context"] = {"span_id": f"0x{number}", "trace_id": f"0x{TRACE}"}
        span["parent_id"] = f"0x{parent}" if parent else None
        span["start_time"], span["end_time"] = span.pop("start_time_unix_nano"), span.pop("end_time_unix_nano")
        del span["trace_id"], span["status"]
    return [{"info": {"request_id": "r", "status": "OK"}, "data": trace["data"]}]


def langfuse_files(said: Sequence[Spoken]) -> Rows:
    """Returns the rows of Langfuse's exports to files: requests and replies are texts, models are provided ones."""
    rows = langfuse(said)
    for row in rows[1::2]:
        row |= {"input": json.dumps(row["input"]), "output": json.dumps(row["output"])}
        row |= {"provided_model_name": row.pop("model"), "usage_details": {"input": 10, "output": 5}, "session_id": "s"}
        del row["usage"]
    return rows


def langfuse_download(said: Sequence[Spoken]) -> Rows:
    """Returns a trace as Langfuse lets it be downloaded: attributes in the metadata, flat prompts, Gemini's replies."""
    rows = langfuse_files(said)
    for row, call, each in zip(rows[::2], rows[1::2], said, strict=True):
        row |= {"type": "SPAN", "name": f"agent_run [{each.agent}]"}
        row["metadata"] = json.dumps({"attributes": {"openinference.span.kind": "AGENT"}, "scope": {"name": "adk"}})
        call["input"] = "\n".join(f"{role}: {text}" for role, text in each.prompt)
        reply = {"content": {"parts": [{"text": each.reply}], "role": "model"}, "finish_reason": "STOP"}
        call["output"] = json.dumps(reply)
    return [{"trace": {"id": "trace-1", "name": "debate"}, "observations": rows}]


def langfuse_api(said: Sequence[Spoken]) -> Rows:
    """Returns them as the second version of its interface does."""

    def camel(name: str) -> str:
        first, *more = name.split("_")
        return first + "".join(map(str.title, more))

    return [{"data": [{camel(name): value for name, value in row.items()} for row in langfuse_files(said)], "meta": {}}]


def langsmith_files(said: Sequence[Spoken]) -> Rows:
    """Returns LangSmith's runs as its exports to files have them: objects are texts."""
    rows = langsmith(said)
    return [{name: json.dumps(v) if isinstance(v, dict) else v for name, v in row.items()} for row in rows]


def weave_texts(said: Sequence[Spoken]) -> Rows:
    """Returns Weave's calls of a function that returns a text: what it took is told by model."""
    rows = weave(said)
    for row, each in zip(rows[1::2], said, strict=True):
        used = {"requests": 1, "prompt_tokens": 10, "completion_tokens": 5}
        row |= {"output": each.reply, "summary": {"usage": {"stub-model": used}, "weave": {"status": "success"}}}
    return rows


def datadog_sent(said: Sequence[Spoken]) -> Rows:
    """Returns Datadog's spans as its interface takes them."""
    rows = datadog(said)
    for row in rows:
        row["meta"]["kind"] = row["meta"].pop("span.kind")
    return [{"data": {"type": "span", "attributes": {"ml_app": "debate", "spans": rows}}}]


def datadog_exported(said: Sequence[Spoken]) -> Rows:
    """Returns Datadog's spans as its interface gives them back."""
    rows = datadog(said)
    for row in rows:
        meta = row.pop("meta")
        row |= {"span_kind": meta.pop("span.kind"), **meta}
    return [{"data": [{"id": row["span_id"], "type": "span", "attributes": row} for row in rows], "meta": {}}]


def opik(said: Sequence[Spoken]) -> Rows:
    """Returns an Opik trace with its spans."""
    spans: Rows = []
    for number, each in enumerate(said):
        shared = {"trace_id": "t", "start_time": date(each, zone="Z"), "end_time": date(each, 0.5, "Z")}
        spans.append({"id": f"a{number}", "parent_span_id": None, "name": each.agent, "type": "general", **shared})
        spans[-1] |= {"input": {"question": QUESTION}, "output": {"output": each.reply}}
        told = {"input": {"messages": chat(each)}, "output": {"choices": completion(each)["choices"]}, "usage": USAGE}
        own = {"id": f"c{number}", "parent_span_id": f"a{number}", "name": "chat_completion_create", "type": "llm"}
        spans.append({**own, **told, "model": "stub-model", "provider": "openai", "tags": ["openai"], **shared})
    return [{"trace": {"id": "t", "name": "debate", "thread_id": "th"}, "spans": spans}]


def printed(each: Spoken) -> str:
    """Returns a reply as Python prints the client's object."""
    message = f"ChatCompletionMessage(content={each.reply!r}, role='assistant', function_call=None, tool_calls=None)"
    choice = f"Choice(finish_reason='stop', index=0, logprobs=None, message={message})"
    used = "CompletionUsage(completion_tokens=5, prompt_tokens=10, total_tokens=15)"
    return f"ChatCompletion(id='c', choices=[{choice}], created=1, model='stub-model', usage={used})"


def gemini(each: Spoken) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns a call as Gemini's interface has it: instructions beside the contents, usage under names of its own."""
    (_, system), *rest = each.prompt
    turns = [{"role": "model" if role == "assistant" else role, "parts": [{"text": text}]} for role, text in rest]
    content = {"role": "model", "parts": [{"text": each.reply}]}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5}
    asked = {"systemInstruction": {"parts": [{"text": system}]}, "contents": turns}
    return asked, {"candidates": [{"content": content}], "usageMetadata": usage, "modelVersion": "stub-model"}


def claude(each: Spoken) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns a call as Anthropic's interface has it."""
    (_, system), *rest = each.prompt
    messages = [{"role": role, "content": text} for role, text in rest]
    reply = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": each.reply}]}
    asked = {"model": "stub-model", "max_tokens": 99, "system": system, "messages": messages}
    return asked, reply | {"model": "stub-model", "usage": {"input_tokens": 10, "output_tokens": 5}}


def bedrock(each: Spoken) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the bodies that Bedrock logs."""
    (_, system), *rest = each.prompt
    messages = [{"role": role, "content": [{"text": text}]} for role, text in rest]
    reply = {"message": {"role": "assistant", "content": [{"text": each.reply}]}}
    usage = {"inputTokens": 10, "outputTokens": 5}
    return {"system": [{"text": system}], "messages": messages}, {"output": reply, "usage": usage}


def halves(said: Sequence[Spoken], asked: Callable[[Spoken], Any], replied: Callable[[Spoken], Any]) -> Rows:
    """Returns a batch's requests, and its replies in another order."""
    rows = [{"custom_id": f"r{n}", **asked(each)} for n, each in enumerate(said)]
    return rows + [{"custom_id": f"r{n}", **replied(each)} for n, each in enumerate(said)][::-1]


def _calls(said: Sequence[Spoken], fields: Callable[[int, Spoken], dict[str, Any]]) -> Rows:
    return [{"messages": chat(each), "model": "stub-model", **fields(n, each)} for n, each in enumerate(said)]


SPANS: dict[str, Callable[[list[Spoken]], Rows]] = {
    "ClickHouse": lambda said: tables(
        said, ("TraceId", "SpanId", "ParentSpanId", "SpanName", "Timestamp", "SpanAttributes")
    ),
    "Traceloop": lambda said: tables(
        said, ("trace_id", "span_id", "parent_span_id", "span_name", "timestamp", "span_attributes")
    ),
    "Jaeger": lambda said: [{"data": [{"traceID": TRACE, "spans": jaeger(genai(said))}]}],
    "Jaeger, events": lambda said: jaeger(events(said)),
    "Zipkin": lambda said: zipkin(genai(said)),
    "MLflow": mlflow,
    "MLflow 2": mlflow_2,
    "LangSmith": langsmith,
    "LangSmith, nested": nested_runs,
    "Langfuse": langfuse,
    "Langfuse, files": langfuse_files,
    "Langfuse, interface": langfuse_api,
    "Langfuse, download": langfuse_download,
    "Phoenix": phoenix,
    "Weave": weave,
    "Weave, texts": weave_texts,
    "Agents SDK": agents_sdk,
    "Datadog": datadog,
    "Datadog, sent": datadog_sent,
    "Datadog, exported": datadog_exported,
    "Opik": opik,
    "Braintrust": braintrust,
}
"""Who tells of agents, times and traces."""

CALLS: dict[str, Callable[[list[Spoken]], Rows]] = {
    "LiteLLM": lambda said: _calls(
        said,
        lambda n, each: (
            {"call_type": "acompletion", "startTime": at(each), "endTime": at(each, 0.5), "id": f"c{n}"}
            | {"trace_id": named(n), "response": completion(each), "metadata": {"user_api_key_alias": None}}
        ),
    ),
    "LiteLLM, spend": lambda said: _calls(
        said,
        lambda n, each: (
            {"request_id": f"c{n}", "startTime": date(each), "endTime": date(each, 0.5), "session_id": "s"}
            | {"response": completion(each), **USAGE}
        ),
    ),
    "Helicone": lambda said: [
        {"request_id": named(n), "request_created_at": date(each), "request_body": {"messages": chat(each)}}
        | {"response_body": completion(each), "response_created_at": date(each, 0.5), "request_model": "stub-model"}
        for n, each in enumerate(said)
    ],
    "DSPy": lambda said: _calls(
        said,
        lambda n, each: (
            {"uuid": named(n), "timestamp": date(each), "prompt": None, "outputs": [each.reply]}
            | {"usage": USAGE, "response": completion(each)}
        ),
    ),
    "AutoGen 0.2": lambda said: [
        {"invocation_id": named(n), "request": {"messages": chat(each)}, "response": completion(each)}
        | {"start_time": date(each).replace("T", " "), "session_id": "s", "source_name": each.agent}
        for n, each in enumerate(said)
    ],
    "AutoGen 0.2, file": lambda said: [
        {"invocation_id": named(n), "request": {"messages": chat(each)}, "response": printed(each), "thread_id": 7}
        | {"start_time": date(each).replace("T", " "), "end_time": date(each, 0.5), "source_name": each.agent}
        for n, each in enumerate(said)
    ],
    "Keywords AI": lambda said: [
        {"log_type": "chat", "trace_unique_id": "t", "span_unique_id": f"s{n}", "span_name": each.agent, **USAGE}
        | {"prompt_messages": chat(each), "completion_message": {"role": "assistant", "content": each.reply}}
        | {"model": "stub-model", "start_time": date(each), "timestamp": date(each, 0.5)}
        for n, each in enumerate(said)
    ],
    "AutoGen 0.4": lambda said: _calls(
        said,
        lambda n, each: (
            {"type": "LLMCall", "agent_id": f"{each.agent}_{named(1)}/{named(1)}", **USAGE}
            | {"response": completion(each)}
        ),
    ),
    "smolagents": lambda said: [
        {"task": said[0].prompt[1][1]},
        *(
            {"step_number": n, "timing": {"start_time": at(each)}, "model_input_messages": chat(each)}
            | {"model_output": each.reply, "token_usage": {"input_tokens": 10, "output_tokens": 5}}
            for n, each in enumerate(said)
        ),
    ],
    "OpenAI, batch": lambda said: halves(
        said,
        lambda each: {"method": "POST", "body": {"model": "stub-model", "messages": chat(each)}},
        lambda each: {
            "id": named(each.reply),
            "response": {"status_code": 200, "body": completion(each)},
            "error": None,
        },
    ),
    "Anthropic, batch": lambda said: halves(
        said,
        lambda each: {"params": claude(each)[0]},
        lambda each: {"result": {"type": "succeeded", "message": claude(each)[1]}},
    ),
    "Anthropic, flat": lambda said: [{**claude(each)[0], "response": claude(each)[1]} for each in said],
    "Gemini": lambda said: [{"request": gemini(each)[0], "response": gemini(each)[1]} for each in said],
    "Ollama": lambda said: [
        {"request": {"messages": chat(each)}}
        | {
            "response": {
                "message": {"role": "assistant", "content": each.reply},
                "prompt_eval_count": 10,
                "eval_count": 5,
            }
        }
        for each in said
    ],
    "Bedrock": lambda said: [
        {"timestamp": date(each), "requestId": named(n), "input": {"inputBodyJson": bedrock(each)[0]}}
        | {"output": {"outputBodyJson": bedrock(each)[1]}}
        for n, each in enumerate(said)
    ],
    "Portkey": lambda said: [
        {"id": named(n), "created_at": date(each), "trace_id": "t", "request": {"body": {"messages": chat(each)}}}
        | {"response": {"status": 200, "body": completion(each)}}
        for n, each in enumerate(said)
    ],
    "bodies that are texts": lambda said: [
        {"request": {"postData": {"text": json.dumps({"messages": chat(each)})}}, "startedDateTime": date(each)}
        | {"response": {"content": {"text": json.dumps(completion(each))}}}
        for each in said
    ],
    "a callback's": lambda said: [
        {"kwargs": {"messages": chat(each)}, "response_obj": completion(each), "start_time": date(each)}
        for each in said
    ],
    "request and reply": lambda said: [{"request": {"messages": chat(e)}, "response": completion(e)} for e in said],
    "home-made": lambda said: [
        {"prompt": chat(e), "agent": e.agent, "response": e.reply, "usage": USAGE} for e in said
    ],
}
"""Who tells of calls alone: a request and a reply each."""


def _cell(value: Any) -> Any:
    return value if isinstance(value, str) or value is None else json.dumps(value)


def csv_of(rows: Rows) -> bytes:
    """Returns rows as a table: what is nested is JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return file.getvalue().encode()


def parquet_of(rows: Rows) -> bytes:
    """Returns rows as parquet."""
    import pyarrow
    from pyarrow import parquet

    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), file)
    return file.getvalue()
