"""Servers that are away for a while, from the start, or for good: by a clock that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from magdi.core.config.models import Discussion, Evaluation, Limits
from magdi.core.discussion.calls import Retry
from magdi.core.discussion.driver import Failure, hold_discussions
from magdi.core.errors import TeacherError, TeacherRefusal, TransientTeacherError, UnreachableTeacherError
from magdi.core.evaluation.answering import answer_questions
from magdi.core.mag import Mag
from magdi.core.teacher import Reply, Request
from magdi.plugins.evaluating.teacher_engine import TeacherEngine
from magdi.protocols.single import Single
from tests.core.discussion.discussion_stage import Numbers, Speaker, numbered, table


class FakeClock(asyncio.SelectorEventLoop):
    """An event loop whose time goes on only when nothing else is to be done, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        select = self._selector.select  # type: ignore[attr-defined]

        def skip(timeout: float | None = None) -> Any:
            if timeout is None:
                return select(None)
            events = select(0)
            self.now += 0 if events else timeout
            return events

        self._selector.select = skip  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    policy = asyncio.DefaultEventLoopPolicy()
    policy._loop_factory = FakeClock  # type: ignore[attr-defined]
    asyncio.set_event_loop_policy(policy)
    yield
    asyncio.set_event_loop_policy(None)


class Server(Speaker):
    """Is away at some times, counted from its first call, and takes a second over every reply."""

    def __init__(self, away: tuple[float, float] = (0, 0), error: TeacherError | None = None, bad: str = "") -> None:
        super().__init__("server")
        self.away, self.error, self.bad = away, error or UnreachableTeacherError("connection refused"), bad
        self.times: list[float] = []

    async def complete(self, request: Request) -> Reply:
        now = asyncio.get_running_loop().time()
        self.times.append(now)
        if self.away[0] <= now - self.times[0] < self.away[1] or (
            self.bad and self.bad in request.messages[-1].content
        ):
            self.asked["refused"] += 1
            raise self.error
        await asyncio.sleep(1)
        return await super().complete(request)


def held(server: Server, count: int = 60, **settings: Any) -> list[Mag | Failure]:
    return list(
        hold_discussions(
            numbered(count), protocol=Single(), protocol_name="single", seats=table(server), task=Numbers(),
            settings=Discussion(**settings),
        )
    )  # fmt: skip


@pytest.mark.parametrize("error", [UnreachableTeacherError("refused"), TransientTeacherError("503")], ids=str)
@pytest.mark.parametrize("seconds", [20, 60, 100])
def test_an_outage_costs_no_question(seconds: float, error: TeacherError) -> None:
    server = Server((0.5, 0.5 + seconds), error)
    assert all(isinstance(item, Mag) for item in held(server, 200))
    assert server.times[-1] - server.times[0] < seconds + 60


def test_an_outage_of_a_served_student_costs_no_question() -> None:
    server = Server((0.5, 20.5))
    engine = TeacherEngine(server, limits=Limits())
    assert len(answer_questions(engine, numbered(200), task=Numbers(), settings=Evaluation())) == 200


def test_patience_is_a_setting_and_has_an_end() -> None:
    server = Server((0.5, 1e9), TransientTeacherError("503"))
    (failure,) = (item for item in held(server, 2, patience=40, tries=3, in_flight=1) if isinstance(item, Failure))
    assert failure.error.startswith("503 (gave up after ")
    assert 40 <= server.times[-1] - server.times[1] <= 40 + Retry().longest
    server = Server((0.5, 1e9), TransientTeacherError("503"))
    held(server, 2, patience=0, tries=3, in_flight=1)
    assert server.asked["refused"] == 3


LASTING = {
    "refused connections": (UnreachableTeacherError("no connection to h: refused"), "refused"),
    "401": (TeacherRefusal("the server answered 401"), "answered 401"),
    "403": (TeacherRefusal("the server answered 403", sure=False), "answered 403"),
}


@pytest.mark.parametrize("kind", LASTING)
def test_what_will_not_work_ends_the_job_at_once(kind: str) -> None:
    error, words = LASTING[kind]
    server = Server((0, 1e9), error)
    with pytest.raises(TeacherError, match=words):
        held(server, 200)
    assert server.times[-1] - server.times[0] < 10
    assert len(server.times) <= 6
    server = Server((0, 1e9), error)
    with pytest.raises(TeacherError, match=words):
        answer_questions(TeacherEngine(server), numbered(200), task=Numbers(), settings=Evaluation())
    assert server.times[-1] - server.times[0] < 10
    assert len(server.times) <= 6


def test_a_key_that_is_revoked_ends_the_job_and_keeps_what_was_done() -> None:
    server = Server((30, 1e9), TeacherRefusal("the server answered 401"))
    server.concurrency = 4
    stream = hold_discussions(
        numbered(1000), protocol=Single(), protocol_name="single", seats=table(server), task=Numbers(),
        settings=Discussion(in_flight=8),
    )  # fmt: skip
    got: list[Mag | Failure] = []
    with pytest.raises(TeacherRefusal, match="401"):
        got += stream
    assert server.asked["refused"] <= 3 + server.concurrency
    assert len(server.times) > 60


def test_a_refusal_of_one_prompt_fails_its_question_and_no_more() -> None:
    server = Server((0, 0), TeacherRefusal("the server answered 403: flagged", sure=False), bad="What is 0 + 1?")
    items = held(server, 20)
    assert [item.question.id for item in items if isinstance(item, Failure)] == ["q0"]


def test_the_first_call_goes_alone_until_it_is_answered_or_slow() -> None:
    server = Server()
    held(server, 10)
    assert server.times == [1000.0] + [1001.0] * 9
