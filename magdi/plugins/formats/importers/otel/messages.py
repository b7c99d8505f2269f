"""Messages of chats, in all the shapes in which spans hold them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from magdi.plugins.formats.importers.items import loads

ROLES = {
    **dict.fromkeys(("system", "developer", "instructions"), "system"),
    **dict.fromkeys(
        ("assistant", "ai", "model", "bot", "gpt", "aimessage", "aimessagechunk", "choice", "response"), "assistant"
    ),
    **dict.fromkeys(("tool", "function", "toolmessage", "functionmessage", "tool-response"), "tool"),
    **dict.fromkeys(("user", "human", "humanmessage", "request", "prompter"), "user"),
    "systemmessage": "system",
}
MOST_CHOICES = 8
"""So many replies to one prompt may be asked for; more are the pieces of one."""
_LONGEST_MENDED = 200_000
INSTRUCTIONS = ("system", "instructions", "system_instruction", "systemInstruction", "system_prompt")
"""Under which names a request has instructions beside its messages."""
CHOICES = ("choices", "candidates")
"""Under which names a reply is one of several."""
_HOLDS_MESSAGES = ("messages", "contents", *CHOICES, "generations", "output", "message", "response", "prompts")
_TEXTS = (
    *("", "text", "input_text", "output_text", "refusal", "output", "user_prompt", "message"),
    *("bold", "italic", "underline", "strikethrough", "code", "pre", "blockquote", "link", "text_link", "mention"),
)
_TEXT_NAMES = ("content", "text", "result", "output")
_KINDS = ("type", "kind", "part_kind", "content_type", "block_type")
_CALLS = ("tool_call", "tool_use", "tooluse", "function_call", "functioncall")
_RESULTS = (
    *("tool_call_response", "tool_call_result", "tool_result", "toolresult", "tool_return", "function_call_output"),
    *("function_response", "functionresponse", "function_result", "retry_prompt"),
)
_PRINTED = re.compile(r"[A-Z]\w+\(id=")
"""How a reply begins that was logged as Python prints an object."""
_PRINTED_FIELD = re.compile(r"(\w+)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|None)(?=\s|$)", re.DOTALL)
_PRINTED_MESSAGE = re.compile(r"\w*Message\(role=<?(?:\w+\.)?['\"]?(\w+)")
_PRINTED_TEXT = re.compile(r"(?:text|content)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", re.DOTALL)
_FINAL = re.compile(
    r"(?:final_?(?:answer|result|response|output)|(?:submit|give|provide)_(?:final_)?(?:answer|result|response)|finish"
    r"|attempt_completion)\((?P<handed>.*)\)",
    re.IGNORECASE | re.DOTALL,
)
"""A tool that is the way to answer: what it is handed is the reply."""
_LINE_OF_ROLE = re.compile(r"^(system|developer|user|human|assistant|ai|tool):[ \t]?", re.IGNORECASE | re.MULTILINE)
_TOLD = ("answer", "final_answer", "result", "response", "output", "text", "message")
_ENDS = tuple('.!?:;)]}>"”’\n')


@dataclass(frozen=True, slots=True)
class Said:
    """One message.

    Attributes:
        role: system, user, assistant or tool.
        text: Its words.
        name: Who is said to have written it; mostly "".
        calls: The tool calls in it, one a line: ``name({"argument": "value"})``.
        arguments: The texts that the tools were handed.
    """

    role: str
    text: str
    name: str = ""
    calls: str = ""
    arguments: tuple[str, ...] = ()


def parsed(value: Any) -> Any:
    """Returns what JSON, cut off or not, or a printed object means; other values as they are."""
    if isinstance(value, str) and _PRINTED.match(value):
        return _printed(value)
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return loads(value)
    except (ValueError, RecursionError):
        return _mended(value)


def _printed(text: str) -> Any:
    """Returns a printed object, ``ChatCompletion(id=..., choices=[Choice(...)])``, as plain values."""
    try:
        return _plain(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _plain(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return {each.arg: _plain(each.value) for each in node.keywords if each.arg}
    return [*map(_plain, node.elts)] if isinstance(node, ast.List) else ast.literal_eval(node)


def _mended(value: str) -> Any:
    """Returns the messages of a text of JSON that a limit on lengths has cut off."""
    if value.lstrip()[:2] not in ("[{", '{"') or len(value) > _LONGEST_MENDED:
        return value
    import json_repair

    try:
        mended = json_repair.loads(value)
    except (ValueError, RecursionError):
        return value
    return mended or value


def messages_in(value: Any, role: str) -> list[Said]:
    """Returns the messages that a value holds; a bare text is one message of this role."""
    found = list(_messages(parsed(value), role))
    pieces = len(found) > MOST_CHOICES  # of a stream, whose blanks count
    return [said for said in found if said.text.strip() or said.calls or pieces and said.text]


def _messages(value: Any, role: str) -> Iterator[Said]:
    if isinstance(value, list):
        if value and all(isinstance(each, dict) and _is_part(each) for each in value):
            yield from _message({"content": value}, role)
        else:
            for each in value:
                yield from _messages(parsed(each), role)
    elif isinstance(value, dict):
        yield from _of_object(value, role)
    elif isinstance(value, str) and (found := _of_text(value, role)):
        yield from found
    elif value is not None and str(value).strip():
        yield Said(role, str(value))


def _of_text(text: str, role: str) -> list[Said]:
    """Returns the messages of a prompt that is one text, ``system: ...`` and ``user: ...`` or as Python prints them."""
    if printed := _PRINTED_MESSAGE.match(text):
        words = [ast.literal_eval(each) for each in _PRINTED_TEXT.findall(text)]
        return [Said(ROLES.get(printed[1].lower(), role), joined(words) or text)]
    fields = dict(_PRINTED_FIELD.findall(text)) if text.startswith("role='") else {}
    if "content" in fields:
        return list(_message({name: ast.literal_eval(each) for name, each in fields.items()}, role))
    if role != "user" or (head := _LINE_OF_ROLE.match(text)) is None or head[1].lower() in ("ai", "assistant", "tool"):
        return []
    found = list(_LINE_OF_ROLE.finditer(text))
    ends = [*(each.start() for each in found[1:]), len(text)]
    parts = [(each[1], text[each.end() : end].strip()) for each, end in zip(found, ends, strict=True)]
    return [Said(ROLES[name.lower()], part) for name, part in parts if part != "None"]


def _is_part(value: Mapping[str, object]) -> bool:
    return "role" not in value and value.get("type") in ("text", "reasoning", "input_text", "output_text", "thinking")


def _of_object(value: Mapping[str, object], role: str) -> Iterator[Said]:
    if "kwargs" in value and isinstance(path := value.get("id"), list):  # LangChain's serialised messages
        kwargs = value["kwargs"] if isinstance(value["kwargs"], dict) else {}
        yield from _message({"role": kwargs.get("type") or str(path[-1])} | kwargs, role)
        return
    for inner in (value.get("message"), value.get("content")):
        if isinstance(inner, dict) and (inner is value.get("message") or _has_words(inner)):
            yield from _of_object(inner, _role(value, role))
            return
    if value.get("type") in ("function_call", "function_call_output") or _has_words(value) or "toolName" in value:
        yield from _message(value, role)
        return
    config = value.get("config")
    for holder in (value, config if isinstance(config, dict) else {}):
        for name in INSTRUCTIONS:
            if holder.get(name):
                yield from _messages(parsed(holder[name]), "system")
    for name in _HOLDS_MESSAGES:
        if value.get(name) is not None:
            found = _messages(parsed(value[name]), role)
            replied = name in CHOICES  # whatever role is said to be theirs
            yield from (replace(said, role="assistant") for said in found) if replied else found
            return
    for name in ("input", "text", "completion", "answer", "query", "question", "prompt", "result", "args"):
        if isinstance(value.get(name), str | list | dict):
            yield from _messages(parsed(value[name]), role)
            return


def _has_words(value: Mapping[str, object]) -> bool:
    said = not value.keys().isdisjoint(("content", "parts", "tool_calls", "additional_kwargs"))
    return said or "role" in value and not value.keys().isdisjoint(("contents", "items", "blocks"))


def _role(value: Mapping[str, object], default: str) -> str:
    said = str(value.get("role") or value.get("type") or value.get("kind") or default).lower().rpartition(".")[2]
    return ROLES.get(said, default)


def _message(value: Mapping[str, object], default: str) -> Iterator[Said]:
    role = _role(value, default)
    texts, calls, arguments = list[str](), list[str](), list[str]()
    held = next(
        (value[name] for name in ("parts", "contents", "content", "items", "text", "blocks") if value.get(name)), None
    )
    alone = str(value.get("type")).startswith("function_call") or "toolName" in value
    for part in _parts([value] if alone else _lines(parsed_parts(held))):
        if isinstance(part, _ToolCall):
            calls.append(part.text)
            arguments += part.texts
        else:
            texts.append(part)
    if isinstance(held, list) and held and all(_is_result(part) for part in held):
        role = "tool"
    for call in [*_tool_calls(value)]:
        calls.append(call.text)
        arguments += call.texts
    if "role" not in value and held in ("role", "content"):
        return  # whose recorder has listed a message's fields for messages
    name = value.get("name") or value.get("author_name") or value.get("source") or ""
    said = Said(role, joined(texts), str(name), "\n".join(dict.fromkeys(calls)), tuple(dict.fromkeys(arguments)))
    yield said if said.text.strip() else _answered(said)


def _answered(said: Said) -> Said:
    """Returns what was said by a tool that is there to answer as a text; other messages as they are."""
    final = _FINAL.fullmatch(said.calls)
    handed = parsed(final["handed"]) if final else None
    told = [handed[n] for n in handed if n.lower() in _TOLD] if isinstance(handed, dict) else []
    told = told or (list(handed.values()) if isinstance(handed, dict) and len(handed) == 1 else [])
    return replace(said, text=_as_text(told[0]), calls="") if told and not isinstance(told[0], bool) else said


def parsed_parts(value: Any) -> Any:
    """Returns a content's parts; a text that happens to be JSON of something else stays a text."""
    if isinstance(value, str) and value.lstrip()[:2] == "[{":
        parts = parsed(value)
        if isinstance(parts, list) and all(isinstance(part, dict) and "type" in part for part in parts):
            return parts
    return value


def _lines(value: Any) -> Any:
    """Returns a content that is a list of texts as one text where they are lines, and no pieces of a stream."""
    listed = isinstance(value, list) and len(value) > 1 and all(isinstance(each, str) for each in value)
    pieces = listed and any(re.match(r" \S", each) or re.search(r"\s\Z", each) for each in value)
    return "\n".join(value) if listed and not pieces else value


def joined(texts: list[str]) -> str:
    """Returns parts as one text: pieces of a stream follow one another, whole sentences begin a line."""
    text = ""
    for each in texts:
        text += "\n" + each if text.endswith(_ENDS) and not each[:1].isspace() else each
    return text


@dataclass(frozen=True, slots=True)
class _ToolCall:
    text: str
    texts: tuple[str, ...]


def _parts(value: Any) -> Iterator[str | _ToolCall]:
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            yield from _part(part)
        elif part is not None:
            yield str(part)


def _opened(part: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """Returns a part without what it is wrapped in, and of what kind it is."""
    inner = part.get("message_content")
    part = inner if isinstance(inner, dict) else part
    for name, each in part.items():
        if isinstance(each, dict) and name.lower() in (*_CALLS, *_RESULTS):
            return each, name.lower()
    return part, next((str(part[name]) for name in _KINDS if part.get(name)), "").replace("-", "_")


def _is_result(part: object) -> bool:
    return isinstance(part, dict) and _opened(part)[1] in _RESULTS


def _part(part: Mapping[str, Any]) -> Iterator[str | _ToolCall]:
    part, kind = _opened(part)
    if kind in ("reasoning", "thinking", "redacted_thinking") or part.get("thought") is True:
        return  # nobody else is shown it
    if kind in _CALLS or not kind and isinstance(part.get("name"), str) and "arguments" in part or "toolName" in part:
        function = part.get("function")
        yield _tool_call(function if isinstance(function, dict) else part)
    elif kind in _RESULTS:
        told = next((part[n] for n in ("response", "result", "content", "output") if part.get(n)), None)
        yield from [_as_text(told)] if isinstance(told, dict) else _parts(told)
    elif kind in _TEXTS and (text := next((part[name] for name in _TEXT_NAMES if part.get(name)), None)) is not None:
        yield _as_text(text)


def _tool_calls(value: Mapping[str, object]) -> Iterator[_ToolCall]:
    beside = value.get("additional_kwargs")
    told = value.get("tool_calls") or (beside.get("tool_calls") if isinstance(beside, dict) else None)
    listed = parsed(told) or []
    for each in listed if isinstance(listed, list) else [listed]:
        if isinstance(each, dict):
            each = each["tool_call"] if isinstance(each.get("tool_call"), dict) else each
            yield _tool_call(each["function"] if isinstance(each.get("function"), dict) else each)
    called = value.get("function_call")
    if isinstance(called, dict):
        yield _tool_call(called)
    elif value.get("function_call_name"):
        yield _tool_call({"name": value["function_call_name"], "arguments": value.get("function_call_arguments_json")})


def _tool_call(value: Mapping[str, object]) -> _ToolCall:
    arguments = parsed(
        next(
            (value[n] for n in ("arguments", "args", "input", "tool_kwargs", "kwargs") if value.get(n) is not None), {}
        )
    )
    name = next((value[n] for n in ("name", "tool_name", "toolName", "function") if isinstance(value.get(n), str)), "")
    texts = arguments.values() if isinstance(arguments, dict) else [arguments]
    handed = tuple(each for each in texts if isinstance(each, str))
    return _ToolCall(f"{name or 'tool'}({_as_text(arguments)})", handed)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
