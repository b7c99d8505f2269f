"""The `openai` teacher against a server that fails in every way: what comes of it, and how often it asked."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from magdi.core.errors import ConfigError, TeacherError, TransientTeacherError
from magdi.core.mag import Message
from magdi.core.teacher import Price, Reply, Request, Sampling
from magdi.plugins.teachers.completion import retry_after
from magdi.plugins.teachers.openai import OpenAITeacher
from tests.plugins.teachers.faulty_server import Answer, Clock, FaultyServer, error, serving

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def request(text: str = "2 + 2?", **fields: Any) -> Request:
    return Request(messages=(Message(role="user", content=text),), **fields)


def teacher(server: FaultyServer, model: str = "m", **settings: Any) -> OpenAITeacher:
    return OpenAITeacher(OpenAITeacher.Config(model=model, base_url=server.url, **settings))


def ask(one: OpenAITeacher, *requests: Request) -> list[Reply]:
    async def run() -> list[Reply]:
        try:
            return [await one.complete(each) for each in requests]
        finally:
            await one.close()

    return asyncio.run(run())


def test_asks_as_the_api_wants_it_and_reads_text_usage_and_cost() -> None:
    with serving("four") as server:
        one = teacher(server, price=Price(input=1000, output=2000))
        sampling = Sampling(temperature=0.3, top_p=0.9, max_tokens=50, seed=7)
        (reply,) = ask(one, request(sampling=sampling, sample=2))
    assert (reply.text, reply.finish_reason) == ("four", "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (7, 5)
    assert reply.usage.cost == pytest.approx(0.017)
    assert server.bodies == [
        {
            "model": "m",
            "messages": [{"role": "user", "content": "2 + 2?"}],
            "temperature": 0.3,
            "top_p": 0.9,
            "seed": 9,
            "max_tokens": 50,
        }
    ]


def test_extra_fields_are_part_of_what_it_is() -> None:
    with serving("x") as server:
        one = teacher(server, extra={"top_k": 5}, reasoning_effort="low")
        ask(one, request())
        assert server.bodies[0]["top_k"] == 5
        assert server.bodies[0]["reasoning_effort"] == "low"
        assert one.identity == f'openai:m@{server.url}{{"reasoning_effort":"low","top_k":5}}'
        assert teacher(server).identity == f"openai:m@{server.url}"


@pytest.mark.parametrize(
    ("answer", "text", "reasoning"),
    [
        (Answer("4", message={"reasoning_content": "2 and 2"}), "4", "2 and 2"),
        (Answer("4", message={"reasoning": "2 and 2"}), "4", "2 and 2"),
        (Answer("<think>2 and\n2</think>\n\n4"), "4", "2 and\n2"),
        (Answer("<think>2 and 2 and"), "", "2 and 2 and"),
        (Answer(None, message={"refusal": "I will not."}), "I will not.", ""),
        (Answer(None), "", ""),
        (Answer(None, message={"content": [{"type": "text", "text": "4"}, {"type": "text", "text": "!"}]}), "4!", ""),
        (Answer(None, message={"content": {"odd": 1}}), "", ""),
        (Answer("half \ud83d of a pair, \x00 and \u2028"), "half \ufffd of a pair, \x00 and \u2028", ""),
        (Answer("ü" * 100_000), "ü" * 100_000, ""),
        (Answer("4", usage=None), "4", ""),
        (Answer("4", usage={"prompt_tokens": None, "completion_tokens": "many"}), "4", ""),
    ],
    ids="field vllm think unclosed refusal null parts odd unicode long no-usage odd-usage".split(),  # noqa: SIM905
)
def test_replies_in_all_their_forms(answer: Answer, text: str, reasoning: str) -> None:
    with serving(answer) as server:
        (reply,) = ask(teacher(server), request())
    assert (reply.text, reply.reasoning) == (text, reasoning)
    assert Reply.model_validate_json(reply.model_dump_json()) == reply
    assert server.count == 1


PASSING = {
    "429": (error(429, "slow down"), "the server answered 429: slow down"),
    "500": (error(500), "the server answered 500: error 500"),
    "502 page": (Answer(raw=b"<html>Bad\n Gateway</html>", status=502), "502: <html>Bad Gateway</html>"),
    "503": (error(503), "503"),
    "529": (error(529, "overloaded"), "overloaded"),
    "408": (error(408), "408"),
    "reset": (Answer(reset=True), "the connection to 127.0.0.1"),
    "truncated": (Answer("four", cut=30), "the connection to 127.0.0.1"),
    "not json": (Answer(raw=b"<html>welcome</html>"), "no JSON but '<html>welcome</html>'"),
    "cut json": (Answer(raw=b'{"choices": [{"mess'), "no JSON but"),
    "empty": (Answer(raw=b""), "no JSON but ''"),
    "list": (Answer(raw=b"[1]"), "no completion but"),
    "deep": (Answer(raw=b"[" * 100_000), "no JSON"),
    "no choices": (Answer(raw=b'{"choices": []}'), "without a message"),
    "null choices": (Answer(raw=b'{"choices": null}'), "without a message"),
    "no message": (Answer(raw=b'{"choices": [{"text": "old api"}]}'), "without a message"),
    "error 200": (Answer(raw=b'{"error": {"code": 503, "message": "upstream"}}'), "503: upstream"),
    "timeout": (Answer("late", silent=True), "no reply within 30 s"),
    "slow drip": (Answer("drop by drop", drip=1), "no reply within 30 s"),
}


@pytest.mark.parametrize("fault", PASSING)
def test_passing_faults_are_told_as_passing_after_one_call(fault: str, clock: Clock) -> None:
    answer, words = PASSING[fault]
    with serving(answer, clock) as server, pytest.raises(TransientTeacherError) as caught:
        ask(teacher(server, timeout=30), request())
    assert words in caught.value.message
    assert server.count == 1


LASTING = {
    "400": (error(400, "bad"), "400: bad", ""),
    "401": (error(401, "wrong key"), "401: wrong key", "key"),
    "403": (error(403), "403", "key"),
    "404": (error(404, "no such model"), "no such model", ""),
    "context": (error(400, "maximum context length is 8 tokens"), "context length", "too long"),
    "context code": (error(400, "too much", code="context_length_exceeded"), "too much", "too long"),
    "llama.cpp": (error(400, "the request exceeds the available context size"), "context size", "too long"),
    "prompt filter": (error(400, "no", code="content_filter"), "400: no", "content filter"),
    "reply filter": (Answer("", choice={"finish_reason": "content_filter"}), "content filter", ""),
    "no credit": (error(429, "pay", code="insufficient_quota"), "pay", "credit"),
    "error 200": (Answer(raw=b'{"error": {"code": 402, "message": "pay"}}'), "402: pay", ""),
}


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("schema", [None, SCHEMA], ids=["free", "schema"])
def test_lasting_faults_are_told_as_lasting(fault: str, schema: dict[str, Any] | None) -> None:
    answer, words, hint = LASTING[fault]
    with serving(answer) as server, pytest.raises(TeacherError) as caught:
        ask(teacher(server), request(json_schema=schema))
    assert not isinstance(caught.value, TransientTeacherError)
    assert words in caught.value.message
    assert hint in caught.value.hint
    # Only a 400 without a known meaning may be the server's way to refuse the form that was asked for.
    assert server.count == (3 if fault == "400" and schema else 1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": formatdate(time.time() + 10_000, usegmt=True)}, 10_000),
        ({"retry-after": formatdate(time.time() - 100, usegmt=True)}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({}, None),
    ],
)
def test_reads_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == (
        None if seconds is None else pytest.approx(seconds, abs=900 if seconds > 50 else 0.01)
    )


def test_passes_on_how_long_to_wait() -> None:
    with serving(error(429, retry_after="7")) as server, pytest.raises(TransientTeacherError) as caught:
        ask(teacher(server), request())
    assert caught.value.retry_after == 7


def refusing(*fields: str, words: str = "Unsupported parameter: '{}'") -> Any:
    """A server that refuses requests with some fields, or some kinds of response format."""

    def script(body: dict[str, Any], number: int) -> Answer:
        kind = body.get("response_format", {}).get("type", "")
        for field in fields:
            if field in body or field == kind:
                return error(400, words.format(field))
        return Answer(json.dumps(kind))

    return script


@pytest.mark.parametrize("words", ["Unsupported parameter: '{}'", "Invalid request"])
def test_structure_is_weakened_until_the_server_takes_it(words: str) -> None:
    with serving(refusing("json_schema", words=words)) as server:
        replies = ask(teacher(server), *[request(json_schema=SCHEMA)] * 3)
        assert [reply.text for reply in replies] == ['"json_object"'] * 3
        assert server.count == 4  # what was learnt holds
    with serving(refusing("response_format", words=words)) as server:
        replies = ask(teacher(server), *[request(json_schema=SCHEMA)] * 3)
        assert [reply.text for reply in replies] == ['""'] * 3
        assert server.count == 5
    with serving(refusing(words=words)) as server:
        (reply,) = ask(teacher(server), request(json_schema=SCHEMA))
        assert server.bodies[0]["response_format"] == {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
        }


def test_structure_can_be_set() -> None:
    for structured, kind in [("schema", "json_schema"), ("object", "json_object"), ("none", "")]:
        with serving(refusing()) as server:
            (reply,) = ask(teacher(server, structured=structured), request(json_schema=SCHEMA))
            assert json.loads(reply.text) == kind


def test_reasoning_models_are_found_by_what_they_refuse() -> None:
    words = "'{}' is not supported with this model. Use 'max_completion_tokens' instead."

    def script(body: dict[str, Any], number: int) -> Answer:
        if "max_tokens" in body:
            return error(400, words.format("max_tokens"))
        if "temperature" in body:
            return error(400, "Unsupported value: 'temperature' does not support 0.7; only the default is supported.")
        return Answer("4")

    with serving(script) as server:
        ask(teacher(server, "thinker"), request(json_schema=SCHEMA), request(json_schema=SCHEMA))
    assert server.count == 4
    assert server.bodies[-1]["max_completion_tokens"] == 1024
    assert "temperature" not in server.bodies[-1]
    assert server.bodies[-1]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [
        ("o1-mini", True),
        ("openai/o3", True),
        ("gpt-5-mini", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("mo1", False),
        ("olmo-2", False),
    ],
)
def test_known_reasoning_models_waste_no_request(model: str, reasoning: bool) -> None:
    with serving("4") as server:
        ask(teacher(server, model), request())
    assert ("max_completion_tokens" in server.bodies[0]) == reasoning == ("temperature" not in server.bodies[0])


def test_a_target_names_model_and_server() -> None:
    read = OpenAITeacher.from_target
    assert read("gpt-4o") == {"model": "gpt-4o"}
    assert read("org/m:tag@http://h:1/v1") == {"model": "org/m:tag", "base_url": "http://h:1/v1"}
    assert read("@cf/meta@https://h/v1") == {"model": "@cf/meta", "base_url": "https://h/v1"}


def test_the_same_teacher_serves_one_loop_after_the_other() -> None:
    with serving("4") as server:
        one = teacher(server)
        assert ask(one, request()) == ask(one, request())


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(ConfigError, match="no http:// or https:// URL"):
        OpenAITeacher(OpenAITeacher.Config(model="m", base_url="localhost:8000/v1"))
