"""Model clients of an AutoGen team. Used by discussion.py."""

from __future__ import annotations

from typing import Any


def autogen_client(url: str, *, with_aiohttp: bool) -> Any:
    """AutoGen's own OpenAI client where autogen-ext is installed; else the least that stands in for it."""
    from openai import DefaultAioHttpClient

    transport = {"http_client": DefaultAioHttpClient()} if with_aiohttp else {}
    info: Any = dict.fromkeys(("vision", "function_calling", "json_output", "structured_output"), False)
    info["family"] = "unknown"
    try:
        from autogen_ext.models.openai import OpenAIChatCompletionClient
    except ImportError:
        return least_autogen_client(url, info, transport)
    return OpenAIChatCompletionClient(
        model="m", base_url=url, api_key="x", model_info=info, temperature=0.7, max_tokens=1024, **transport
    )


def least_autogen_client(url: str, info: Any, transport: Any) -> Any:
    from autogen_core.models import AssistantMessage, ChatCompletionClient, CreateResult, RequestUsage, SystemMessage
    from openai import AsyncOpenAI

    openai = AsyncOpenAI(base_url=url, api_key="x", **transport)
    roles = {SystemMessage: "system", AssistantMessage: "assistant"}

    class Client(ChatCompletionClient):
        async def create(self, messages: Any, **_: Any) -> Any:
            sent = [{"role": roles.get(type(each), "user"), "content": each.content} for each in messages]
            reply = await openai.chat.completions.create(model="m", messages=sent, temperature=0.7, max_tokens=1024)
            usage = RequestUsage(reply.usage.prompt_tokens, reply.usage.completion_tokens)
            text = reply.choices[0].message.content
            return CreateResult(finish_reason="stop", content=text, usage=usage, cached=False)

        def create_stream(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("a team that runs to its end asks for no stream")

        async def close(self) -> None:
            await openai.close()

        def actual_usage(self) -> Any:
            return RequestUsage(prompt_tokens=0, completion_tokens=0)

        total_usage = actual_usage

        def count_tokens(self, *_: Any, **__: Any) -> int:
            return 0

        def remaining_tokens(self, *_: Any, **__: Any) -> int:
            return 10_000

        @property
        def capabilities(self) -> Any:
            return info

        model_info = capabilities

    return Client()
