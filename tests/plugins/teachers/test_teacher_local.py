from __future__ import annotations

import asyncio
import sys
import threading
import types
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import Seat, hold_discussions
from magdi.core.errors import ComponentError, DataError, TeacherError, TransientTeacherError
from magdi.core.mag import Mag, Message
from magdi.core.protocol import Agent
from magdi.core.teacher import Reply, Request, Sampling, Teacher
from magdi.plugins.teachers.batching import Batcher
from magdi.plugins.teachers.litellm import LitellmTeacher
from magdi.plugins.teachers.local import LocalTeacher, prompt_ids
from magdi.plugins.teachers.vllm import VllmTeacher
from magdi.plugins.testing import tiny_student
from magdi.protocols.reconcile import ReConcile
from tests.plugins.teachers.test_teacher_faults import Sums, sums
from tests.plugins.teachers.vllm_stand_in import standing_in


def request(text: str, **sampling: Any) -> Request:
    return Request(messages=(Message(role="user", content=text),), sampling=Sampling(**{"max_tokens": 12, **sampling}))


async def ask_all(one: Teacher, requests: Sequence[Request]) -> list[Any]:
    try:
        return await asyncio.gather(*(one.complete(each) for each in requests), return_exceptions=True)
    finally:
        await one.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model, tokenizer = tiny_student()
    path = tmp_path_factory.mktemp("tiny")
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def local(folder: Path, **settings: Any) -> LocalTeacher:
    return LocalTeacher(LocalTeacher.Config(model=str(folder), **settings))


def test_a_reply_does_not_depend_on_its_batch(folder: Path) -> None:
    requests = [request(f"number {'I' * place}", temperature=place % 2 * 0.8, top_p=0.9) for place in range(8)]
    together = asyncio.run(ask_all(local(folder), requests))
    alone = [asyncio.run(ask_all(local(folder, batch_size=1), [each]))[0] for each in requests]
    assert [reply.text for reply in together] == [reply.text for reply in alone]
    for reply in together:
        assert reply.usage.completion_tokens <= 12
        assert reply.finish_reason == ("length" if reply.usage.completion_tokens == 12 else "stop")


def test_draws_follow_seed_and_sample(folder: Path) -> None:
    sampled = request("hello", temperature=1.0)
    texts = {
        seed: [
            reply.text
            for reply in asyncio.run(
                ask_all(local(folder, seed=seed), [sampled.model_copy(update={"sample": k}) for k in (0, 1, 0)])
            )
        ]
        for seed in (0, 1)
    }
    assert texts[0][0] == texts[0][2] != texts[0][1]
    assert texts[0] != texts[1]
    assert local(folder, seed=1).identity != local(folder).identity


def test_each_request_has_its_own_length(folder: Path) -> None:
    replies = asyncio.run(ask_all(local(folder), [request("a", max_tokens=count) for count in (1, 7, 3)]))
    assert [reply.usage.completion_tokens for reply in replies] == [1, 7, 3]


def test_a_prompt_that_is_too_long_fails_alone(folder: Path) -> None:
    short, long = asyncio.run(ask_all(local(folder), [request("a"), request("x" * 3000)]))
    assert isinstance(short, Reply)
    assert isinstance(long, TeacherError)
    assert "longer than the 2048 tokens" in str(long)


def test_the_prompt_is_the_chat_templates(folder: Path) -> None:
    _, tokenizer = tiny_student()
    messages = [Message(role="system", content="Be brief."), Message(role="user", content="2 + 2?")]
    assert tokenizer.decode(prompt_ids(tokenizer, messages)) == "<s>system: Be brief.\nuser: 2 + 2?\nassistant: "
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}[{{ m.content }}]"
        "{% endfor %}"
    )
    assert tokenizer.decode(prompt_ids(tokenizer, messages)) == "[Be brief.\n\n2 + 2?]"
    tokenizer.chat_template = None
    assert tokenizer.decode(prompt_ids(tokenizer, messages)).endswith("System: Be brief.\n\nUser: 2 + 2?\n\nAssistant:")


def test_a_torn_chat_template_is_told_of() -> None:
    _, tokenizer = tiny_student()
    tokenizer.chat_template = tokenizer.chat_template[: len(tokenizer.chat_template) // 2]
    with pytest.raises(DataError, match="chat template of .* cannot be used"):
        prompt_ids(tokenizer, [Message(role="user", content="2 + 2?")])


def test_a_model_that_is_not_there_is_told_of_at_once(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataError, match="cannot be loaded"):
        local(tmp_path / "none").check()
    local(folder).check()


def test_a_discussion_of_babblers_ends_and_nothing_is_made_up(folder: Path) -> None:
    seats = [Seat(Agent(name), local(folder), Sampling(max_tokens=8, seed=1)) for name in ("ann", "bob")]
    held = list(
        hold_discussions(
            sums(3),
            protocol=ReConcile(ReConcile.Config(rounds=1)),
            protocol_name="reconcile",
            seats=seats,
            task=Sums(),
            settings=Discussion(reasks=1),
        )
    )
    assert all(isinstance(mag, Mag) for mag in held)
    turns = [turn for mag in held if isinstance(mag, Mag) for turn in mag.turns]
    assert {turn.status for turn in turns} == {"invalid"}
    assert {turn.answer for turn in turns} == {None}


def test_what_is_ready_is_one_batch() -> None:
    batches: list[list[str]] = []
    gate = threading.Event()

    def answer(requests: Sequence[Request]) -> list[Reply | Exception]:
        batches.append([each.messages[0].content for each in requests])
        gate.wait()
        return [
            TeacherError("no") if each.messages[0].content == "bad" else Reply(text=each.messages[0].content)
            for each in requests
        ]

    async def run() -> list[Any]:
        batcher = Batcher(answer, 4, lambda each: len(each.messages[0].content))
        first = asyncio.gather(*(batcher(request(text)) for text in ("a", "bb")))
        while not batches:
            await asyncio.sleep(0.001)
        late = asyncio.gather(
            *(batcher(request(text)) for text in ("1", "bad", "333", "4444", "55555")), return_exceptions=True
        )
        await asyncio.sleep(0)  # each of them has asked
        gate.set()
        replies = [*(await first), *(await late)]
        await batcher.close()
        return replies

    replies = asyncio.run(run())
    assert batches == [["bb", "a"], ["55555", "4444", "333", "bad"], ["1"]]
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == ["a", "bb", "1", "333", "4444", "55555"]
    assert isinstance(replies[3], TeacherError)


def test_an_engine_that_breaks_fails_its_batch_and_goes_on() -> None:
    def answer(requests: Sequence[Request]) -> list[Reply | Exception]:
        if requests[0].messages[0].content == "bad":
            raise RuntimeError("device lost")
        return [Reply(text="ok") for _ in requests]

    async def run() -> list[Any]:
        batcher = Batcher(answer, 1, lambda each: 0)
        bad = await asyncio.gather(batcher(request("bad")), return_exceptions=True)
        return [*bad, await batcher(request("good"))]

    bad, good = asyncio.run(run())
    assert str(bad) == "device lost"
    assert good.text == "ok"


@pytest.mark.parametrize(("kind", "extra"), [(LitellmTeacher, "litellm"), (VllmTeacher, "vllm")])
def test_extras_that_are_missing_fail_with_the_line_that_installs_them(
    kind: type[Teacher], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, extra, None)  # as if it were not installed
    one = kind(kind.Config(model="m"))
    with pytest.raises(ComponentError, match=f"needs the package '{extra}'") as missing:
        one.check()
    assert missing.value.hint == f'pip install "magdi[{extra}]"'
    assert missing.value.exit_code == 2


class StandIn(types.ModuleType):
    """Something with the few names of LiteLLM that are used; what was asked of it is kept."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)
        self.asked: list[Any] = []

    async def acompletion(self, **arguments: Any) -> Any:
        self.asked.append(arguments)
        content = arguments["messages"][-1]["content"]
        if content.isdigit():
            error = RuntimeError(f"status {content} at https://me:secret@host/v1")
            error.status_code = int(content)  # type: ignore[attr-defined]
            raise error
        if content == "slow":
            await asyncio.sleep(3600)
        body = '{"choices": [{"message": {"content": "four"}}], "usage": {"prompt_tokens": 2, "completion_tokens": 1}}'
        return types.SimpleNamespace(model_dump_json=lambda: body, _hidden_params={"response_cost": 0.25})


def test_litellm_is_asked_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    module = StandIn("litellm")
    monkeypatch.setitem(sys.modules, "litellm", module)
    one = LitellmTeacher(LitellmTeacher.Config(model="vendor/m", extra={"api_base": "http://h"}, timeout=0.2))
    ask = Request(
        messages=(Message(role="user", content="2 + 2?"),), sampling=Sampling(seed=4), json_schema={"a": 1}, sample=2
    )
    (reply,) = asyncio.run(ask_all(one, [ask]))
    assert (reply.text, reply.usage.total_tokens, reply.usage.cost) == ("four", 3, 0.25)
    assert module.asked[0] == {
        "model": "vendor/m",
        "messages": [{"role": "user", "content": "2 + 2?"}],
        "drop_params": True,
        "num_retries": 0,
        "temperature": 0.7,
        "max_tokens": 1024,
        "seed": 6,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": {"a": 1}, "strict": True},
        },
        "api_base": "http://h",
    }
    monkeypatch.setenv("VENDOR_API_KEY", "secret@host")
    faults = asyncio.run(ask_all(one, [request(text) for text in ("429", "503", "401", "400", "slow")]))
    assert [isinstance(fault, TransientTeacherError) for fault in faults] == [True, True, False, False, True]
    assert all(isinstance(fault, TeacherError) and "secret" not in str(fault) for fault in faults)
    with pytest.raises(ValidationError, match="secrets come from the environment"):
        LitellmTeacher.Config(model="m", extra={"api_key": "x"})


def test_vllm_is_handed_all_that_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    vllm = standing_in(monkeypatch)
    one = VllmTeacher(VllmTeacher.Config(model="m", engine={"max_model_len": 64}, seed=3))
    ask = [
        request("a"),
        request("b", temperature=0.1, seed=9, top_k=5).model_copy(update={"json_schema": {"x": 1}, "sample": 1}),
    ]
    replies = asyncio.run(ask_all(one, ask))
    assert {(reply.text, reply.reasoning, reply.usage.total_tokens) for reply in replies} == {
        ("The answer is 4.", "hm", 5)
    }
    assert vllm.ASKED[0] == {"model": "m", "seed": 3, "max_model_len": 64}
    conversations, parameters = vllm.ASKED[1]
    told = {c[0]["content"]: p for c, p in zip(conversations, parameters, strict=True)}
    assert told["a"].given == {"max_tokens": 12, "seed": 3, "temperature": 0.7}
    assert told["b"].given == {
        "max_tokens": 12,
        "seed": 10,
        "temperature": 0.1,
        "top_k": 5,
        "structured_outputs": vllm.StructuredOutputsParams(json={"x": 1}),
    }
