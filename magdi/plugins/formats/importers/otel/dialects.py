"""The dialects in which a span tells of a model's call: each says where prompt and reply stand.

GenAI's conventions (as attributes, or as events), OpenInference, the older indexed attributes (OpenLLMetry, LangSmith),
Langfuse, the Vercel AI SDK, and those that put a whole request and a whole reply into one attribute each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from magdi.core.mag import LARGEST, Usage
from magdi.plugins.formats.importers.otel.messages import MOST_CHOICES, Said, messages_in, parsed
from magdi.plugins.formats.importers.otel.span import Event, Span

Told = tuple[list[Said], list[Said]]
"""The messages of the prompt and those of the reply."""

CALL, AGENT, WORKFLOW, OTHER = "call", "agent", "workflow", "other"

_KINDS = {
    **dict.fromkeys(("chat", "generate_content", "text_completion", "completion", "llm", "generation"), CALL),
    **dict.fromkeys(("chat_model", "generate", "responses", "response", "llm_call"), CALL),
    **dict.fromkeys(("invoke_agent", "agent", "create_agent"), AGENT),
    **dict.fromkeys(("invoke_workflow", "workflow", "conversation", "initiate_chats", "crew"), WORKFLOW),
    **dict.fromkeys(("execute_tool", "tool", "embeddings", "embedding", "retriever", "reranker", "guardrail"), OTHER),
    **dict.fromkeys(("evaluator", "event", "memory", "human_input", "code_execution"), OTHER),
}
_WORKFLOW = re.compile(r"LangGraph|workflow[. ]run|.*[.]kickoff|.*[.]workflow|Agent workflow", re.IGNORECASE)
_KIND_NAMES = (
    *("gen_ai.operation.name", "openinference.span.kind", "llm.request.type", "traceloop.span.kind"),
    *("langfuse.observation.type", "langsmith.span.kind", "mlflow.spanType", "ag2.span.type"),
)


_ERROR = re.compile(r"\s*[\w.]*(?:Error|Exception)\b")
_SPEAKS = re.compile("output|completion|choice|response|events", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model.

    Attributes:
        span: Where it was told of.
        prompt: The messages that the model was given.
        reply: What it replied.
        model: The model that did.
        usage: What it took.
    """

    span: Span
    prompt: tuple[Said, ...]
    reply: Said
    model: str
    usage: Usage


def kind_of(span: Span) -> str:
    """Returns what a span is of: a model's call, an agent, a workflow or something else; "" where it does not say."""
    said = (str(span.attributes[name]).lower().strip('"') for name in _KIND_NAMES if span.attributes.get(name))
    found = [_KINDS[each] for each in said if each in _KINDS]
    operation = str(span.attributes.get("ai.operationId") or "")
    if operation:
        found.append(CALL if operation.endswith((".doGenerate", ".doStream")) else OTHER)
    if not found and _WORKFLOW.fullmatch(span.name):
        found.append(WORKFLOW)
    return found[0] if found else ""


def call_of(span: Span) -> Call | None:
    """Returns the call that a span tells of, whatever it says it is; None where it holds no reply."""
    if not span.events and not any(_SPEAKS.search(name) for name in span.attributes):
        return None
    prompt, reply = told_in(span)
    spoken = _one(reply)
    return None if spoken is None or span.failed and _is_error(spoken.text, span) else as_call(span, prompt, spoken)


def as_call(span: Span, prompt: Iterable[Said], reply: Said) -> Call:
    """Returns a call with its model and its usage, as its span tells them."""
    return Call(span, tuple(prompt), reply, _model(span.attributes), _usage(span.attributes))


def told_in(span: Span) -> Told:
    """Returns the prompt and the reply that a span holds, each in the first dialect that tells it."""
    prompt, reply = list[Said](), list[Said]()
    for dialect in DIALECTS:
        asked, said = dialect(span)
        prompt, reply = prompt or asked, reply or said
        if prompt and reply:
            break
    return prompt, reply


def _is_error(text: str, span: Span) -> bool:
    """Returns whether what stands where a reply would is why the call failed."""
    messages = [str(event.attributes.get("exception.message")) for event in span.events]
    return _ERROR.match(text) is not None or any(each and each in text for each in messages)


def _one(reply: list[Said]) -> Said | None:
    """Returns the first choice; what a model said beside its tool calls belongs to it."""
    said = [each for each in reply if each.role == "assistant" and (each.calls or each.text.strip() != "None")]
    if not said:
        return None
    if len(said) > MOST_CHOICES and sum(" " not in each.text.strip() for each in said) * 2 > len(
        said
    ):  # a stream's pieces
        said = [replace(said[0], text="".join(each.text for each in said)), *(each for each in said if each.calls)]
    spoken, *more = said
    if not spoken.text.strip():
        spoken = replace(spoken, text=next((each.text for each in more if each.text.strip()), ""))
    calls = list(dict.fromkeys(each.calls for each in said if each.calls))
    handed = tuple(text for each in said for text in each.arguments)
    return replace(spoken, role="assistant", calls="\n".join(calls), arguments=handed)


def genai(span: Span) -> Told:
    """GenAI's conventions: messages of parts in ``gen_ai.input.messages`` and ``gen_ai.output.messages``."""
    details = [event.attributes for event in span.events if event.name == "gen_ai.client.inference.operation.details"]
    for attributes in (span.attributes, *details):
        asked = messages_in(unfold(attributes, "gen_ai.input.messages"), "user")
        said = messages_in(unfold(attributes, "gen_ai.output.messages"), "assistant")
        if asked or said:
            told = [*messages_in(unfold(attributes, "gen_ai.system_instructions"), "system"), *asked]
            return list(dict.fromkeys(told)) if _twice(told) else told, said
    return [], []


def _twice(told: list[Said]) -> bool:
    """Returns whether a system message stands in the messages and apart from them, too."""
    return len(told) > 1 and told[0].role == "system" and told[0] in told[1:]


_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.content.prompt": "user",
    "gen_ai.choice": "choice",
    "gen_ai.content.completion": "choice",
}


def events(span: Span) -> Told:
    """GenAI's older conventions: one event a message, of the span, of a log, or listed in ``events``."""
    asked, said = list[Said](), list[Said]()
    for event in [*span.events, *_listed_events(span.attributes)]:
        role = _EVENT_ROLES.get(event.name)
        if role == "choice":
            said += _of_event(event, "assistant")
        elif role is not None:
            asked += _of_event(event, role)
    return asked, said


def _listed_events(attributes: Mapping[str, object]) -> Iterator[Event]:
    listed = parsed(attributes.get("events"))
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict):
            yield Event(str(each.get("event.name") or ""), each)


def _of_event(event: Event, role: str) -> list[Said]:
    for name in ("gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion", "message", "body"):
        if (value := unfold(event.attributes, name)) not in (None, ""):
            return messages_in(value, role)
    names = ("content", "parts", "tool_calls", "role", "name", "id")
    fields = {name: value for name in names if (value := unfold(event.attributes, name)) is not None}
    return messages_in({"role": role} | fields, role) if fields.keys() & {"content", "parts", "tool_calls"} else []


def openinference(span: Span) -> Told:
    """OpenInference: ``llm.input_messages.0.message.content``, or prompts and choices of plain text."""
    asked = messages_in(unfold(span.attributes, "llm.input_messages"), "user")
    said = messages_in(unfold(span.attributes, "llm.output_messages"), "assistant")
    asked = asked or messages_in(_texts(unfold(span.attributes, "llm.prompts"), "prompt"), "user")
    return asked, said or messages_in(_texts(unfold(span.attributes, "llm.choices"), "completion"), "assistant")


def _texts(value: Any, name: str) -> Any:
    """Returns a list of ``{name: {text}}`` as a list of what is under the name."""
    return [each.get(name, each) if isinstance(each, dict) else each for each in value] if _is_list(value) else value


def indexed(span: Span) -> Told:
    """The older attributes: ``gen_ai.prompt.0.content`` and ``gen_ai.completion.0.content``, or each whole as JSON."""
    for asked, said in (("gen_ai.prompt", "gen_ai.completion"), ("llm.prompts", "llm.completions")):
        prompt = messages_in(unfold(span.attributes, asked), "user")
        reply = messages_in(unfold(span.attributes, said), "assistant")
        if reply:
            return prompt, reply
    return [], []


_APART = ("raw", "final_output", "final_answer", "answer", "output", "text", "response", "content")
"""What was said stands here beside the messages that were shown."""
_WHOLE = (
    ("langfuse.observation.input", "langfuse.observation.output"),
    ("ai.prompt.messages", "ai.response.text"),
    ("ai.prompt", "ai.response.text"),
    ("ai.prompt.messages", "ai.response.toolCalls"),
    ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
    ("mlflow.spanInputs", "mlflow.spanOutputs"),
    ("request_data", "response_data"),
    ("input.value", "output.value"),
    ("traceloop.entity.input", "traceloop.entity.output"),
)


def whole(span: Span) -> Told:
    """A whole request and a whole reply: Langfuse, the Vercel AI SDK, Google's ADK, MLflow, Logfire."""
    for asked, said in _WHOLE:
        held = parsed(unfold(span.attributes, said))
        before, reply = _last(messages_in(held, "assistant"))
        if not reply and isinstance(held, dict):
            reply = messages_in(
                next((held[name] for name in _APART if isinstance(held.get(name), str)), ""), "assistant"
            )
        if reply or (before and said == "output.value"):
            return messages_in(unfold(span.attributes, asked), "user") or before, reply
    prompts = (messages_in(unfold(span.attributes, asked), "user") for asked, _ in _WHOLE)
    return next(filter(None, prompts), []), []


def _last(told: list[Said]) -> Told:
    """Returns what a model was given and what it said last, where a reply repeats the conversation before it."""
    if all(each.role == "assistant" for each in told):
        return [], told
    return (told[:-1], told[-1:]) if told[-1].role == "assistant" else (told, [])


DIALECTS: tuple[Callable[[Span], Told], ...] = (genai, openinference, indexed, events, whole)

MODELS = (
    *("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "llm.response.model"),
    *("llm.request.model", "langfuse.observation.model.name", "langfuse.observation.model"),
    *("ai.response.model", "ai.model.id", "embedding.model_name"),
)
_PROMPT_TOKENS = (
    *("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    *("llm.usage.prompt_tokens", "ai.usage.promptTokens", "ai.usage.inputTokens", "prompt_tokens"),
    *("promptTokens", "input_tokens", "inputTokens", "promptTokenCount", "request_tokens", "input"),
    "prompt_eval_count",
)
_COMPLETION_TOKENS = (
    *("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    *("llm.usage.completion_tokens", "ai.usage.completionTokens", "ai.usage.outputTokens"),
    *("completion_tokens", "completionTokens", "output_tokens", "outputTokens", "candidatesTokenCount"),
    *("response_tokens", "output", "eval_count"),
)
_DEEPEST = 30  # dots of a name that are looked at
_USAGES = ("usage", "usageMetadata", "usage_metadata")
_DETAILS = ("langfuse.observation.usage_details", "mlflow.chat.tokenUsage")


def usage_in(told: Mapping[str, object]) -> Usage:
    """Returns the tokens that a call took, under whatever names."""
    return Usage(
        prompt_tokens=_count(first(told, _PROMPT_TOKENS)), completion_tokens=_count(first(told, _COMPLETION_TOKENS))
    )


def _usage(attributes: Mapping[str, object]) -> Usage:
    held = (parsed(unfold(attributes, name)) for name in _DETAILS)
    wholes = list(_requests(attributes))
    told = [attributes, *held, *(each.get(name) for each in wholes for name in _USAGES)]
    told += [{name: each[name] for name in each if name.endswith("eval_count")} for each in wholes]  # Ollama's
    found = (usage_in(each) for each in told if isinstance(each, dict))
    return next((usage for usage in found if usage != Usage()), Usage())


def _model(attributes: Mapping[str, object]) -> str:
    held = (told for each in _requests(attributes) if (told := first(each, ("model", "modelVersion"))))
    return first(attributes, MODELS) or next(held, "")


def _requests(attributes: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Yields whole replies and requests, the replies first."""
    for name in (name for names in zip(*_WHOLE, strict=True) for name in reversed(names)):
        held = parsed(unfold(attributes, name))
        if isinstance(held, dict):
            yield held


def _count(value: Any) -> int:
    try:
        return min(max(int(float(value or 0)), 0), LARGEST)
    except (TypeError, ValueError, OverflowError):
        return 0


def first(attributes: Mapping[str, object], names: tuple[str, ...]) -> str:
    """Returns the first of several attributes that says anything, as text."""
    return next((str(value) for name in names if (value := attributes.get(name)) not in (None, "", [], {})), "")


def unfold(attributes: Mapping[str, object], name: str) -> Any:
    """Returns what is under a name: the value itself, or what ``name.0.role`` and the like spell out."""
    if attributes.get(name) is not None:
        return _nested(attributes[name])
    tree: dict[str, object] = {}
    for key, value in attributes.items():
        if key.startswith(name) and key[len(name) :][:1] == ".":
            _put(tree, key[len(name) + 1 :].split(".", _DEEPEST), value)
    return _lists(tree) if tree else None


def _nested(value: Any) -> Any:
    """Returns a value whose objects have no dots in their names: ``{"message.role": "user"}`` is nested as well."""
    if _is_list(value):
        return [_nested(each) for each in value]
    if isinstance(value, dict) and any("." in str(key) for key in value):
        tree: dict[str, object] = {}
        for key, each in value.items():
            _put(tree, str(key).split(".", _DEEPEST), _nested(each))
        return _lists(tree)
    return value


def _put(tree: dict[str, object], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = tree.get(part)
        if not isinstance(inner, dict):
            inner = tree[part] = {}
        tree = inner
    tree.setdefault(path[-1], value)


def _lists(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    inner = {key: _lists(value) for key, value in tree.items()}
    if inner and all(key.isdecimal() for key in inner):
        return [inner[key] for key in sorted(inner, key=lambda key: (len(key), key))]
    return inner


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
