"""A call of a model as others write it down: which of their fields is what of a span.

Jaeger, Zipkin, Phoenix' tables, Langfuse, LangSmith, Weave, OpenAI's Agents SDK, Datadog, Braintrust and Opik have
spans under other names; LiteLLM, Helicone, DSPy, AutoGen and smolagents log calls alone, a request and a reply each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from magdi.plugins.formats.importers.otel.exchanges import HALVED, exchange_in, is_chat, is_reply
from magdi.plugins.formats.importers.otel.messages import parsed

_FIELDS = {
    "trace": "traceId trace_id traceID context.trace_id context.traceId spanContext.traceId _spanContext.traceId "
    "root_span_id trace_unique_id",
    "span": "spanId span_id spanID context.span_id context.spanId spanContext.spanId _spanContext.spanId "
    "span_unique_id",
    "id": "custom_id id invocation_id request_id requestId call_id run_id uuid",
    "parent": "parentSpanId parent_span_id parent_id parentId parent_run_id parentObservationId parent_observation_id "
    "references.0.spanID span_parents.0 span_parent_id parentSpanContext.spanId",
    "name": "name operationName span_attributes.name span_data.name display_name op_name span_name",
    "start": "startTimeUnixNano start_time_unix_nano start_time startTime started_at start_ns metrics.start "
    "timing.start_time start_ms timestamp request_created_at startedDateTime created created_at",
    "end": "endTimeUnixNano end_time_unix_nano end_time endTime ended_at metrics.end timing.end_time "
    "response_created_at",
    "kind": "type run_type span_kind span_data.type meta.span.kind meta.kind span_attributes.type call_type log_type "
    "event",
    "input": "input inputs data.input request request_body span_data.input meta.input model_input_messages messages "
    "prompt_messages prompt",
    "output": "output outputs data.output response response_body span_data.output meta.output model_output_message "
    "model_output completion completion_message reply",
    "model": "span_data.model model request.model request_body.model inputs.model input.model meta.model_name "
    "metadata.ls_model_name extra.metadata.ls_model_name metadata.model response.model output.model "
    "metadata.model_slug response_metadata.model_name provided_model_name providedModelName model_name "
    "meta.metadata.model_name request_model modelId",
    "usage": "usageDetails usage_details usage span_data.usage token_usage response.usage response_body.usage "
    "output.usage outputs.usage outputs.llm_output.token_usage metrics models_usage usage_metadata "
    "response_metadata.token_usage meta.usage summary.usage.*",
    "metadata": "metadata extra.metadata",
    "agent": "agent agent_name agent_role source_name metadata.agent metadata.agent_name agent_id",
    "session": "sessionId session_id conversation_id thread_id metadata.session_id metadata.thread_id "
    "extra.metadata.thread_id request_properties.Helicone-Session-Id",
}
_PATHS = {name: tuple(paths.split()) for name, paths in _FIELDS.items()}
_NO_CALLS = {"span", "event", "agent", "tool", "chain", "retriever", "embedding", "evaluator", "prompt", "parser"}
_NO_CALLS |= {"function", "handoff", "guardrail", "workflow", "task", "general", "custom", "mcp_tools"}
_CHILDREN = ("child_runs", "children", "child_spans")
ANY_TRACE = "calls"
"""The trace of calls that were recorded without one."""
REQUEST = "langfuse.observation.input"
"""What a record says that a model was given."""
_MOMENT = re.compile(r"(?:on_)?(\w+?)_(?:started|start|ended|end|completed?|finished|finish|succeeded|success)")
"""What happened, where beginning and end are told apart, under one id: ``on_chat_model_start``."""
_OF_ONE_PROCESS = re.compile(r"_?[0-9a-f]{8}-[0-9a-f-]{27}(?:/.*)?$|/.*$", re.IGNORECASE)


def field(value: Mapping[str, object], name: str) -> Any:
    """Returns what a record says of something, under the first name for it that it has; None where it says nothing."""
    return next((found for path in _PATHS[name] if (found := _at(value, path)) is not None), None)


def _at(value: Any, path: str) -> Any:
    """Returns what stands at a dotted path, or under all of it as one name; ``*`` is whatever stands there first."""
    if isinstance(value, list):
        value = dict(zip(map(str, range(len(value))), value, strict=True))
    if not isinstance(value, dict):
        return None
    head, _, rest = path.partition(".")
    if head == "*":
        return next(iter(value.values()), None)
    return value[path] if path in value else _at(value.get(head), rest) if rest else None


def is_record(value: Mapping[str, object]) -> bool:
    """Returns whether an object is a span, or a call of a model with its prompt and its reply."""
    trace = trace_of(value)
    if field(value, "span") is not None and (trace is not None or "context" in value):
        return True
    given, replied = field(value, "input"), field(value, "output")
    if trace is not None and field(value, "id") is not None:
        told = (given, replied, value.get("attributes"), value.get("tags"), value.get("span_data"))
        timed = field(value, "start") is not None and field(value, "kind") is not None and "content" not in value
        return timed or any(each is not None for each in told)
    if field(value, "id") is not None and _MOMENT.fullmatch(str(field(value, "kind"))):
        return given is not None or replied is not None
    given, replied = exchange_in(value, given, replied)
    asked = is_chat(parsed(given))
    if HALVED in value and (asked or is_reply(replied)):
        return True
    alone = value.get("prompt") if value.get("object") != "response" else value.get("input")  # OpenAI's Responses
    return replied is not None and (asked or isinstance(alone, str))


def trace_of(value: Mapping[str, object]) -> Any:
    """Returns the trace that a record belongs to; LiteLLM, which alone has a ``call_type``, gives each call its own."""
    return None if "call_type" in value else field(value, "trace")


def children_of(value: Mapping[str, object]) -> list[Any]:
    """Returns the records that stand in one."""
    return [each for name in _CHILDREN for each in _listed(value.get(name))]


def attributes_of(raw: Mapping[str, object]) -> dict[str, object]:
    """Returns what a record says of a call, under the names that Langfuse's spans have, and its own attributes."""
    found = {name.partition(".")[2]: value for name, value in raw.items() if name.startswith("attributes.")}
    beside = parsed(field(raw, "metadata"))
    if isinstance(beside, dict) and isinstance(beside.get("attributes"), dict):
        found |= beside["attributes"]  # Langfuse's, of what it was sent as a span
    given, replied = exchange_in(raw, field(raw, "input"), field(raw, "output"))
    if given is None and replied is None and field(raw, "kind") is None:
        return found
    told = {
        "type": _kind(raw, given, replied),
        "input": given,
        "output": replied,
        "model.name": field(raw, "model"),
        "usage_details": field(raw, "usage") or {name: raw[name] for name in raw if name.endswith("_tokens")},
        "metadata": field(raw, "metadata"),
    }
    found |= {f"langfuse.observation.{name}": value for name, value in told.items() if value not in (None, {})}
    named = {"agent_name": _agent(field(raw, "agent")), "session.id": _session(raw)}
    return found | {name: value for name, value in named.items() if value}


def _kind(raw: Mapping[str, object], given: Any, replied: Any) -> str:
    kind = _MOMENT.sub(r"\1", str(field(raw, "kind") or "").lower())
    calls = HALVED in raw or replied is not None and (is_chat(given) or trace_of(raw) is None)
    return "generation" if kind == "llm" or calls and kind not in _NO_CALLS else kind or "span"


def _agent(name: Any) -> str:
    return _OF_ONE_PROCESS.sub("", str(name or "")).strip()


def _session(raw: Mapping[str, object]) -> object:
    """Returns the conversation that a record belongs to; LangSmith's ``session_id`` is that of a project."""
    kept = {name: value for name, value in raw.items() if name != "session_id"} if "run_type" in raw else raw
    return field(kept, "session")


def name_of(raw: Mapping[str, object]) -> str:
    """Returns what a record is called; Weave's operations have an address and a version around their name."""
    return re.sub(r"^weave:///.*/op/(.+?)(?::[^:]*)?$", r"\1", str(field(raw, "name") or ""))


def end_of(start: Any, duration: Any) -> Any:
    """Returns when something ended that took so long, both counted in one unit; None where that is not told."""
    if isinstance(start, int) and isinstance(duration, int | float):
        return start + int(duration)
    return None


def events_of(raw: Mapping[str, object]) -> Sequence[Any]:
    """Returns what was noted down while a span was open; Jaeger's ``logs`` are lists of fields."""
    logs = [each for each in _listed(raw.get("logs")) if isinstance(each, dict) and "fields" in each]
    return [*_listed(raw.get("events")), *({**each, "attributes": each["fields"]} for each in logs)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
