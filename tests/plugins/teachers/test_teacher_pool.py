"""Several servers of one teacher: who is asked, what comes of those that fail, and that no reply tells who gave it."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import Discussion, RunConfig
from magdi.core.discussion import calls
from magdi.core.discussion.driver import Failure, Retry, Seat, hold_discussions
from magdi.core.discussion.journal import Journal
from magdi.core.errors import RunDirectoryError, TeacherError, TeacherRefusal
from magdi.core.mag import Mag, Message
from magdi.core.protocol import Agent
from magdi.core.run.directory import deciding
from magdi.core.teacher import Reply, Request
from magdi.plugins.teachers import pool
from magdi.plugins.teachers.openai import OpenAITeacher
from magdi.protocols.reconcile import ReConcile
from tests.core.run.run_directories import opened_run
from tests.plugins.teachers.faulty_server import Answer, Clock, FaultyServer, Script, error, serving
from tests.plugins.teachers.test_teacher_faults import GOOD, Sums, sums

DEAD = "http://127.0.0.1:9/v1"  # the discard port: nobody listens
A, B, C = (f"http://{name}:8000/v1" for name in "abc")


def teacher(*urls: str, **settings: Any) -> OpenAITeacher:
    return OpenAITeacher(OpenAITeacher.Config(model="m", base_url=urls, **settings))


def asks(one: OpenAITeacher, *texts: str, together: bool = False) -> list[Reply]:
    requests = [Request(messages=(Message(role="user", content=text),)) for text in texts]

    async def run() -> list[Reply]:
        try:
            if together:
                return await asyncio.gather(*map(one.complete, requests))
            return [await one.complete(each) for each in requests]
        finally:
            await one.close()

    return asyncio.run(run())


def of(*scripts: Script | str, stack: ExitStack, clock: Clock | None = None) -> list[FaultyServer]:
    return [stack.enter_context(serving(script, clock)) for script in scripts]


def hold(one: OpenAITeacher, count: int, journal: Journal | None = None, **options: Any) -> list[Mag | Failure]:
    seats = [Seat(Agent(name), one) for name in ("ann", "bob")]
    given = {"settings": Discussion(), "retry": Retry(attempts=3, base=0.002), **options}
    return list(
        hold_discussions(
            sums(count), protocol=ReConcile(), protocol_name="p", seats=seats, task=Sums(), journal=journal, **given
        )
    )


def test_lists_of_servers_are_one_teacher_in_any_order_and_number() -> None:
    every = [teacher(*urls) for urls in (*permutations((A, B, C)), (A, B), (B, A), (A, A), (C,))]
    assert {one.identity for one in every} == {"openai:m"}
    assert teacher(A, f"{A}/", A).concurrency == 64
    assert teacher(A, B, concurrency=5).concurrency == 10
    alone = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=A))
    assert alone.identity == f"openai:m@{A}"
    assert alone.identity in teacher(B, A).aliases


@pytest.mark.parametrize(
    "target", [f"m@{A},{B}", f"m@{A}, {B}", f"m@{A},{B},"], ids=["comma", "comma and blank", "comma at the end"]
)
def test_a_target_lists_servers(target: str) -> None:
    read = OpenAITeacher.Config(**OpenAITeacher.from_target(target))
    written = OpenAITeacher.Config(model="m", base_url=f"{A},{B}")
    assert read == written == OpenAITeacher.Config(model="m", base_url=[A, B])
    assert [each.url for each in OpenAITeacher(read).endpoints] == [A, B]
    assert OpenAITeacher.from_target(f"m@{A}?x=1,2") == {"model": "m", "base_url": f"{A}?x=1,2"}


def test_the_least_loaded_server_is_asked() -> None:
    def slow_at_last(body: dict[str, Any], number: int) -> Answer:
        return Answer("four", delay=3600 if number == 4 else 0)

    with ExitStack() as stack:
        slow, quick = of(slow_at_last, "four", stack=stack)
        asks(teacher(slow.url, quick.url), *map(str, range(8)), together=True)
        assert (slow.count, quick.count) == (4, 4)  # all at once: by turns

        async def run() -> None:
            one = teacher(slow.url, quick.url)
            first = asyncio.create_task(one.complete(Request(messages=(Message(role="user", content="x"),))))
            while slow.count < 5:
                await asyncio.sleep(0.001)
            for text in "yz":
                await one.complete(Request(messages=(Message(role="user", content=text),)))
            first.cancel()
            await one.close()

        asyncio.run(run())
        assert (slow.count, quick.count) == (5, 6)


FAULTS = {
    "500": error(500),
    "429": error(429, retry_after="9999"),
    "401": error(401, "wrong key"),
    "402": error(402, "pay first"),
    "403": error(403, "not for you"),
    "404": error(404, "no such model"),
    "quota": error(429, "no more", "insufficient_quota"),
    "reset": Answer(reset=True),
    "not json": Answer(raw=b"<html>"),
}


@pytest.mark.parametrize("fault", [*FAULTS, "dead"])
def test_what_one_server_does_not_answer_another_does(fault: str, tmp_path: Path) -> None:
    with ExitStack() as stack, Journal(tmp_path / "journal.sqlite") as journal:
        (good,) = of(GOOD, stack=stack)
        bad = DEAD if fault == "dead" else of(lambda body, number: FAULTS[fault], stack=stack)[0].url
        found = hold(teacher(bad, good.url), 6, journal)
        assert [mag.decision.correct for mag in found if isinstance(mag, Mag)] == [True] * 6
        assert good.count == len(journal) == 12


def test_a_server_that_is_set_aside_is_tried_again_with_one_request(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "FIRST_ASIDE", 1e6)
    monkeypatch.setattr(pool, "LONGEST_ASIDE", 60e6)
    with ExitStack() as stack:
        up = [False]
        failing = lambda body, number: Answer("four") if up[0] else error(503, "loading")  # noqa: E731
        bad, good = of(failing, "four", stack=stack)
        one = teacher(bad.url, good.url)

        async def run(*waits: float) -> list[int]:
            counts = []
            for seconds in waits:
                clock.put_forward(seconds * 1e6)
                texts = [Request(messages=(Message(role="user", content=str(number)),)) for number in range(6)]
                await asyncio.gather(*map(one.complete, texts))
                counts.append(bad.count)
            return counts

        async def all_of_it() -> tuple[list[int], list[int]]:
            down = await run(0, 0, 1.5, 1.5, 1.5, 3.5, 100)
            up[0] = True
            again = await run(61, 0)
            await one.close()
            return down, again

        # Three fail together; then one a try: after one unit of time, two, four, and at last sixty.
        down, again = asyncio.run(all_of_it())
        assert down == [3, 3, 4, 4, 5, 5, 6]
        assert again == [7, 10]


def test_the_job_ends_when_all_servers_refuse_with_the_reason_of_each() -> None:
    with ExitStack() as stack:
        first, second = of(
            lambda body, n: error(401, "wrong key"), lambda body, n: error(402, "pay first"), stack=stack
        )
        with pytest.raises(TeacherRefusal) as refused:
            hold(teacher(first.url, second.url), 20)
        assert "wrong key" in refused.value.message
        assert "pay first" in refused.value.message
        assert first.url.split("/")[2] in refused.value.message
        assert (first.count, second.count) == (1, 1)


def test_a_prompt_that_all_servers_forbid_fails_its_question_alone() -> None:
    def script(body: dict[str, Any], number: int) -> Answer:
        return error(403, "not this") if "2 + 3" in body["messages"][-1]["content"] else Answer(GOOD)

    with ExitStack() as stack:
        urls = [server.url for server in of(script, script, stack=stack)]
        found = hold(teacher(*urls), 6, settings=Discussion(in_flight=1))
    assert [type(each) for each in found] == [Mag, Mag, Mag, Failure, Mag, Mag]


def test_refused_here_and_unreachable_there_ends_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "UNREACHED_SECONDS", 0.1)
    with ExitStack() as stack:
        (refusing,) = of(lambda body, number: error(401, "wrong key"), stack=stack)
        with pytest.raises(TeacherError, match="wrong key"):
            hold(teacher(refusing.url, DEAD), 3, retry=Retry(attempts=2, base=0.3))


def test_a_call_that_may_have_been_charged_is_left_to_the_budget() -> None:
    with ExitStack() as stack:
        lossy, good = of(lambda body, number: Answer(reset=True), GOOD, stack=stack)
        found = hold(teacher(lossy.url, good.url), 1, settings=Discussion(max_calls=3, in_flight=1))
        assert isinstance(found[0], Mag)  # two calls, and the one that was lost
        assert (lossy.count, good.count) == (1, 2)


def test_no_reply_is_paid_for_twice_when_servers_come_and_go(tmp_path: Path) -> None:
    with ExitStack() as stack, Journal(tmp_path / "journal.sqlite") as journal:
        one, two, three = (server.url for server in of(GOOD, GOOD, GOOD, stack=stack))
        servers = [(one,), (one, two), (two, one), (three, two), (two,)]
        lines = set()
        for urls in servers:
            found = hold(teacher(*urls), 5, journal)
            lines.add("".join(mag.to_line() for mag in found if isinstance(mag, Mag)))
            assert len(journal) == 10
        assert len(lines) == 1
        assert one not in lines.pop()
        alone = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=two))
        hold(alone, 5, journal)
        hold(OpenAITeacher(OpenAITeacher.Config(model="m", base_url=two)), 6, journal)
        hold(teacher(three, two), 6, journal)
        assert len(journal) == 12


def test_a_server_alone_is_not_given_the_replies_of_a_list_at_the_same_table(tmp_path: Path) -> None:
    with ExitStack() as stack, Journal(tmp_path / "journal.sqlite") as journal:
        one, two, three = of(GOOD, GOOD, GOOD, stack=stack)
        alone = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=one.url))
        seats = [Seat(Agent("ann"), teacher(two.url, three.url)), Seat(Agent("bob"), alone)]
        options: dict[str, Any] = {"protocol": ReConcile(), "protocol_name": "p", "task": Sums(), "journal": journal}
        list(hold_discussions(sums(4), seats=seats, settings=Discussion(), **options))
        assert one.count == two.count + three.count == 4


def config(specification: str | dict[str, Any]) -> RunConfig:
    return RunConfig.model_validate({"task": "arithmetic", "teachers": [specification]})


def test_a_run_directory_goes_on_with_servers_that_come_and_go(tmp_path: Path) -> None:
    several = [f"openai:m@{A},{B}", f"openai:m@{B},{A}", f"openai:m@{A},{B},{C}", f"openai:m@{B},"]
    assert len({json.dumps(deciding(config(each)), sort_keys=True) for each in several}) == 1
    listed = {"teacher": "openai:m", "settings": {"base_url": [A, B]}}
    alike: list[str | dict[str, Any]] = [f"openai:m@{A}", *several, listed, f"openai:m@{B}", f"openai:m@{B},{C}"]
    for specification in alike:
        opened_run(tmp_path / "run", config(specification)).journal.touch()
    for other in (f"openai:m@{A}", f"openai:n@{B},{C}", "openai:m"):
        opened_run(tmp_path / other[-4:], config(f"openai:m@{B}")).journal.touch()
        with pytest.raises(RunDirectoryError, match="another configuration"):
            opened_run(tmp_path / other[-4:], config(other))


def test_every_server_gets_its_own_key_and_none_is_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with ExitStack() as stack:
        first, second = of(
            lambda body, n: error(401, "no sk-first-0123456789"), lambda body, n: error(403, "no sk-second-0123456789"),
            stack=stack,
        )  # fmt: skip
        for server, key in ((first, "sk-first-0123456789"), (second, "sk-second-0123456789")):
            monkeypatch.setenv(f"MAGDI_API_KEY_127_0_0_1_{server.url.split(':')[2].split('/')[0]}", key)
        one = teacher(first.url, second.url)
        with pytest.raises(TeacherRefusal) as refused:
            asks(one, "2 + 2?")
    assert [server.headers[0]["authorization"] for server in (first, second)] == [
        "Bearer sk-first-0123456789",
        "Bearer sk-second-0123456789",
    ]
    assert "set aside" in caplog.text
    assert "0123456789" not in f"{refused.value}{refused.value.hint}{one!r}{one.config}{vars(one)}{caplog.text}"
