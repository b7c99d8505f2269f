"""A message is the same message, however a framework serialises it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from magdi.plugins.formats.importers.otel.messages import Said, messages_in

CALL = 'search({"query": "clips"})'
ARGUMENTS = {"query": "clips"}
TEXTS: dict[str, Any] = {
    "Gemini": {"candidates": [{"content": {"parts": [{"text": "It is 72."}], "role": "model"}}]},
    "ADK": {"content": {"parts": [{"text": "It is 72."}], "role": "model"}, "finish_reason": "STOP"},
    "Pydantic AI": {"kind": "response", "parts": [{"part_kind": "text", "content": "It is 72."}]},
    "Semantic Kernel": {"role": "assistant", "items": [{"content_type": "text", "text": "It is 72."}]},
    "LlamaIndex": {"role": "assistant", "blocks": [{"block_type": "text", "text": "It is 72."}]},
    "Bedrock": {"role": "assistant", "content": [{"text": "It is 72."}]},
    "printed": "role='assistant' content='It is 72.' name=None tool_calls=None",
}
CALLS: dict[str, Any] = {
    "LangChain": {
        "role": "assistant",
        "content": "",
        "additional_kwargs": {"tool_calls": [{"function": {"name": "search", "arguments": json.dumps(ARGUMENTS)}}]},
    },
    "Vercel": [{"toolCallId": "c", "toolName": "search", "input": json.dumps(ARGUMENTS)}],
    "Inspect": {"role": "assistant", "content": "", "tool_calls": [{"function": "search", "arguments": ARGUMENTS}]},
    "AutoGen": {"content": [{"id": "c", "name": "search", "arguments": json.dumps(ARGUMENTS)}]},
    "Bedrock": {"role": "assistant", "content": [{"toolUse": {"name": "search", "input": ARGUMENTS}}]},
    "Haystack": {"role": "assistant", "content": [{"tool_call": {"tool_name": "search", "arguments": ARGUMENTS}}]},
    "Pydantic AI": {"parts": [{"part_kind": "tool-call", "tool_name": "search", "args": json.dumps(ARGUMENTS)}]},
    "Gemini": {"content": {"parts": [{"function_call": {"name": "search", "args": ARGUMENTS}}], "role": "model"}},
}


@pytest.mark.parametrize("form", TEXTS)
def test_words(form: str) -> None:
    assert [(said.role, said.text) for said in messages_in(TEXTS[form], "assistant")] == [("assistant", "It is 72.")]


@pytest.mark.parametrize("form", CALLS)
def test_calls_of_tools(form: str) -> None:
    assert [(said.text, said.calls) for said in messages_in(CALLS[form], "assistant")] == [("", CALL)]


def test_a_prompt_that_is_one_text_has_messages() -> None:
    flat = "system: Be brief.\nAnd kind.\nuser: How many?\nassistant: None\ntool: 72"
    told = [Said("system", "Be brief.\nAnd kind."), Said("user", "How many?"), Said("tool", "72")]
    assert messages_in(flat, "user") == told
    assert messages_in("assistant: that is me", "user") == [Said("user", "assistant: that is me")]
    assert messages_in("user: x", "assistant") == [Said("assistant", "user: x")]
