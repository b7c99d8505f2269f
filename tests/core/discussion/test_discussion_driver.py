from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.budget import Budget
from magdi.core.discussion.driver import Failure, Retry, Seat, hold_discussions
from magdi.core.discussion.events import Called, Ended, Event, Totals, Waiting
from magdi.core.discussion.journal import Journal
from magdi.core.errors import ConfigError, LimitReached, ProtocolError, TeacherError, TransientTeacherError
from magdi.core.mag import Mag, Turn
from magdi.core.protocol import Agent, Protocol
from magdi.core.teacher import Price, Request, Sampling
from magdi.protocols.single import Single
from tests.core.discussion.discussion_stage import FAST, Speaker, numbered, speakers, table


def lines(items: Sequence[Mag | Failure]) -> list[str]:
    return [item.to_line() if isinstance(item, Mag) else f"{item.question.id}: {item.error}" for item in items]


def drained(stream: Iterator[Mag | Failure]) -> tuple[list[Mag | Failure], LimitReached | None]:
    got: list[Mag | Failure] = []
    try:
        for item in stream:
            got.append(item)
    except LimitReached as limit:
        return got, limit
    return got, None


def test_discussions_come_in_the_order_of_their_questions(options: dict[str, Any]) -> None:
    slow = Speaker("slow")
    slow.say = lambda request: slow.opinion(request)
    teachers = [slow, Speaker("b")]
    items = list(hold_discussions(numbered(40), seats=table(*teachers), **options))
    assert [item.id for item in items if isinstance(item, Mag)] == [f"q{number}" for number in range(40)]


def test_same_replies_same_bytes_whatever_the_timing(options: dict[str, Any]) -> None:
    def run(in_flight: int, delay: float) -> list[str]:
        teachers = speakers()
        teachers[1].delay = delay
        settings = {**options, "settings": Discussion(in_flight=in_flight)}
        return lines(list(hold_discussions(numbered(12), seats=table(*teachers), **settings)))

    assert run(1, 0) == run(12, 0.004) == run(5, 0.001)


def test_turns_carry_what_the_replies_took(options: dict[str, Any]) -> None:
    (mag,) = hold_discussions(numbered(1), seats=table(*speakers()), **options)
    assert isinstance(mag, Mag)
    assert {turn.usage.prompt_tokens for turn in mag.turns} == {10}
    assert mag.usage.cost == pytest.approx(0.01 * len(mag.turns))
    assert [turn.model for turn in mag.turns][:3] == ["speaker:a", "speaker:b", "speaker:c"]


def test_unreadable_replies_are_asked_again_with_the_reason(options: dict[str, Any]) -> None:
    def say(request: Request) -> str:
        return '{"reasoning": "r", "answer": "1", "confidence": 1}' if len(request.messages) > 3 else "no idea"

    teacher = Speaker("a", say)
    (mag,) = hold_discussions(numbered(1), seats=table(teacher), **options)
    assert isinstance(mag, Mag)
    assert (mag.turns[0].attempts, mag.turns[0].status, mag.turns[0].answer) == (3, "ok", "1")
    assert mag.turns[0].usage.prompt_tokens == 30
    prompts = [json.loads(asked)["messages"] for asked in teacher.asked]
    assert [len(prompt) for prompt in prompts] == [1, 3, 5]
    assert prompts[1][1] == {"role": "assistant", "content": "no idea"}
    assert "JSON" in prompts[1][2]["content"]


def test_a_turn_that_stays_unreadable_is_invalid_and_nothing_is_made_up(options: dict[str, Any]) -> None:
    teacher = Speaker("a", lambda request: "?" * 100_000)
    (mag,) = hold_discussions(numbered(1), seats=table(teacher), **options)
    assert isinstance(mag, Mag)
    turn = mag.turns[0]
    assert (turn.status, turn.answer, turn.label, turn.attempts, len(turn.text)) == ("invalid", None, None, 3, 100_000)
    assert max(len(asked) for asked in teacher.asked) < 20_000  # a flood is not sent back whole


def test_passing_failures_are_retried_and_the_others_fail_one_question(options: dict[str, Any]) -> None:
    failures = {"What is 1 + 1?": TransientTeacherError("busy"), "What is 2 + 1?": TeacherError("too long")}
    seen: dict[str, int] = {}

    def say(request: Request) -> str:
        for text, error in failures.items():
            if text in request.messages[-1].content:
                seen[text] = seen.get(text, 0) + 1
                if seen[text] < 3 or isinstance(error, TeacherError) and not isinstance(error, TransientTeacherError):
                    raise error
        return teacher.opinion(request)

    teacher = Speaker("a", say)
    events: list[Event] = []
    items = list(
        hold_discussions(numbered(4), seats=table(teacher), on_event=events.append, **options | {"protocol": Single()})
    )
    assert [type(item) for item in items] == [Mag, Mag, Failure, Mag]
    assert isinstance(items[2], Failure)
    assert items[2].error == "too long"
    assert seen == {"What is 1 + 1?": 3, "What is 2 + 1?": 1}
    assert [event.reason for event in events if isinstance(event, Waiting)] == ["busy", "busy"]


def test_gives_up_after_the_last_try(options: dict[str, Any]) -> None:
    def busy(request: Request) -> str:
        raise TransientTeacherError("busy")

    teacher = Speaker("a", busy)
    (failure,) = hold_discussions(numbered(1), seats=table(teacher), **options)
    assert isinstance(failure, Failure)
    assert failure.error == "busy (gave up after 4 tries)"
    assert teacher.calls == FAST.attempts


def test_an_impossible_wait_fails_the_question(options: dict[str, Any]) -> None:
    def away(request: Request) -> str:
        raise TransientTeacherError("over quota", retry_after=86_400)

    (failure,) = hold_discussions(numbered(1), seats=table(Speaker("a", away)), **options)
    assert isinstance(failure, Failure)
    assert failure.error == "over quota (asks to wait 86400 s)"


def test_a_bug_in_a_teacher_fails_one_question(options: dict[str, Any]) -> None:
    def broken(request: Request) -> str:
        raise ZeroDivisionError("oops")

    failure, mag = hold_discussions(
        numbered(2),
        seats=table(Speaker("a", lambda r: broken(r) if "0 + 1" in r.messages[-1].content else '{"answer": "1"}')),
        **options,
    )
    assert isinstance(failure, Failure)
    assert failure.error == "ZeroDivisionError: oops"
    assert isinstance(mag, Mag)


def test_a_failed_wave_loses_no_reply_of_the_others(options: dict[str, Any], tmp_path: Any) -> None:
    def broken(request: Request) -> str:
        raise TeacherError("no")

    good = Speaker("good")
    good.delay = 0.02
    with Journal(tmp_path / "j.sqlite") as journal:
        (failure,) = hold_discussions(
            numbered(1), seats=table(Speaker("bad", broken), good), journal=journal, **options
        )
        assert isinstance(failure, Failure)
        assert len(journal) == good.calls == 1


def test_equal_requests_under_way_at_once_are_one_call(options: dict[str, Any]) -> None:
    teacher = Speaker("a")
    teacher.delay = 0.01
    twins = [question.model_copy(update={"text": "What is 0 + 1?"}) for question in numbered(6)]
    items = list(hold_discussions(twins, seats=table(teacher), **options))
    assert teacher.calls == 1
    assert len({tuple(turn.text for turn in item.turns) for item in items}) == 1


def test_agents_of_one_teacher_draw_apart_and_share_it(options: dict[str, Any]) -> None:
    first, second = Speaker("a"), Speaker("a")
    (mag,) = hold_discussions(numbered(1), seats=table(first, second), **options | {"protocol": Single()})
    assert isinstance(mag, Mag)
    assert (first.calls, second.calls) == (2, 0)
    assert sorted(json.loads(asked)["sample"] for asked in first.asked) == [0, 1]
    assert (first.closed, second.closed) == (1, 0)


def test_sampling_and_schema_reach_the_teacher(options: dict[str, Any]) -> None:
    teacher = Speaker("a")
    seat = Seat(Agent("x", "You are terse."), teacher, Sampling(temperature=0.1, seed=3))
    list(hold_discussions(numbered(1), seats=[seat], **options))
    request = Request.model_validate_json(next(iter(teacher.asked)))
    assert (request.sampling.temperature, request.sampling.seed) == (0.1, 3)
    assert request.messages[0].content == "You are terse."
    assert request.json_schema is not None
    assert "gold" not in json.dumps(request.json_schema)


def test_concurrency_of_a_teacher_is_kept_to(options: dict[str, Any]) -> None:
    teacher = Speaker("a")
    teacher.delay, teacher.concurrency = 0.002, 3
    list(hold_discussions(numbered(20), seats=table(teacher), **options))
    assert teacher.most == 3


def test_few_discussions_are_open_at_once_and_few_wait_for_a_slow_one(
    options: dict[str, Any], virtual_time: Callable[[], float]
) -> None:
    drawn: list[int] = []

    def say(request: Request) -> str:
        return teacher.opinion(request)

    teacher = Speaker("a", say)
    plain = teacher.complete

    async def complete(request: Request) -> Any:
        if "What is 0 + 1?" in request.messages[-1].content:
            await asyncio.sleep(1)  # until there is nothing else to do
        return await plain(request)

    teacher.complete = complete  # type: ignore[method-assign]

    def questions() -> Generator[Any, None, None]:
        for question in numbered(100):
            drawn.append(1)
            yield question

    settings = {**options, "settings": Discussion(in_flight=4), "protocol": Single()}
    stream = hold_discussions(questions(), seats=table(teacher), **settings)
    first = next(stream)
    assert isinstance(first, Mag)
    assert len(drawn) <= 4 * 4 + 2  # the first one held the rest up: no more were opened than may wait
    assert len(list(stream)) == 99


def test_events_add_up(options: dict[str, Any]) -> None:
    totals = Totals()
    events: list[Event] = []
    teachers = speakers()
    mags = list(
        hold_discussions(
            numbered(9), seats=table(*teachers), on_event=lambda e: (totals.add(e), events.append(e))[0], **options
        )
    )
    turns = sum(len(mag.turns) for mag in mags if isinstance(mag, Mag))
    assert (totals.done, totals.failed) == (9, 0)
    assert totals.calls == turns == sum(teacher.calls for teacher in teachers)
    assert totals.usage.total_tokens == 20 * turns
    assert totals.rounds == sum(mag.rounds for mag in mags if isinstance(mag, Mag))
    assert {type(event) for event in events} == {Called, Ended}


@pytest.mark.parametrize(
    "limit", [{"max_calls": 20}, {"max_tokens": 400}, {"max_cost": 0.2}], ids=["calls", "tokens", "cost"]
)
def test_a_limit_stops_cleanly_and_the_same_call_goes_on(
    options: dict[str, Any], tmp_path: Any, limit: dict[str, Any]
) -> None:
    undisturbed = lines(list(hold_discussions(numbered(30), seats=table(*speakers()), **options)))
    teachers = speakers()
    for teacher in teachers:
        teacher.delay, teacher.price = 0.001, Price(input=500, output=500)
    with Journal(tmp_path / "j.sqlite") as journal:
        for _ in range(40):
            before = sum(teacher.calls for teacher in teachers)
            settings = {**options, "budget": Budget(**limit), "settings": Discussion(in_flight=6)}
            got, stopped = drained(hold_discussions(numbered(30), seats=table(*teachers), journal=journal, **settings))
            assert len(journal) == sum(teacher.calls for teacher in teachers)  # all that was paid for is kept
            if not stopped:
                break
            assert stopped.exit_code == 3
            assert 1 <= len(journal) - before <= limit.get("max_calls", 24)
            assert got == sorted(got, key=lambda mag: int(mag.question.id[1:]))
        assert lines(got) == undisturbed
        assert all(count == 1 for teacher in teachers for count in teacher.asked.values())


def test_the_time_limit_ends_waiting_too(options: dict[str, Any], virtual_time: Callable[[], float]) -> None:
    def busy(request: Request) -> str:
        raise TransientTeacherError("busy", retry_after=60)

    budget = Budget(max_time=0.1, clock=virtual_time)
    with pytest.raises(LimitReached, match=r"0\.1 seconds"):
        list(hold_discussions(numbered(3), seats=table(Speaker("a", busy)), budget=budget, **options))
    assert virtual_time() < 1


def test_a_limit_is_not_missed_while_there_is_room_for_no_more(
    options: dict[str, Any], virtual_time: Callable[[], float]
) -> None:
    """The first question keeps waiting; as many others as may wait for it are finished, and none may be opened."""

    def say(request: Request) -> str:
        if "What is 0 + 1?" in request.messages[-1].content:
            raise TransientTeacherError("busy", retry_after=None)
        return teacher.opinion(request)

    teacher = Speaker("a", say)
    budget = Budget(max_time=1e-6, clock=virtual_time)  # at once, when there is nothing else to do
    settings = options | {"settings": Discussion(in_flight=2), "retry": Retry(base=60), "budget": budget}
    got, stopped = drained(hold_discussions(numbered(50), seats=table(teacher), **settings))
    assert stopped
    assert [item.question.id for item in got] == [f"q{number}" for number in range(1, 8)]


def test_a_broken_protocol_ends_the_run_and_says_so(options: dict[str, Any]) -> None:
    class Blind(Protocol):
        def discuss(self, question: Any, agents: Sequence[Agent]) -> Any:
            said = yield [self.ask(agents[0])]
            invented = Turn(step=0, agent="x", text="never said")
            yield [self.ask(agents[0], round=1, seen=[invented] if said else [])]

    with pytest.raises(ProtocolError, match="not the one said"):
        list(hold_discussions(numbered(3), seats=table(Speaker("a")), **options | {"protocol": Blind()}))


def test_a_teacher_that_cannot_answer_is_told_of_before_anything_starts(options: dict[str, Any]) -> None:
    class Keyless(Speaker):
        def check(self) -> None:
            raise ConfigError("there is no key")

    other = Speaker("a")
    with pytest.raises(ConfigError, match="there is no key"):
        list(hold_discussions(numbered(3), seats=table(other, Keyless("b")), **options))
    assert other.calls == 0


def test_an_iterator_that_is_given_up_stops_the_work(options: dict[str, Any]) -> None:
    teacher = Speaker("a")
    teacher.delay = 0.01
    stream = hold_discussions(numbered(1000), seats=table(teacher), **options)
    next(stream)
    stream.close()
    gc.collect()
    calls = teacher.calls
    assert calls < 200
    assert teacher.closed == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "discussions"]


def test_works_where_an_event_loop_is_running_already(options: dict[str, Any]) -> None:
    async def notebook() -> int:
        return len(list(hold_discussions(numbered(3), seats=table(*speakers()), **options)))

    assert asyncio.run(notebook()) == 3


def test_errors_of_the_questions_come_through(options: dict[str, Any]) -> None:
    def questions() -> Generator[Any, None, None]:
        yield numbered(1)[0]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(hold_discussions(questions(), seats=table(Speaker("a")), **options))


def test_waits_grow_with_jitter_and_honour_the_server() -> None:
    retry = Retry(base=1, longest=8)
    waits = [[retry.wait(failures, None) for _ in range(200)] for failures in (1, 2, 3, 4, 9)]
    assert [max(drawn) > top / 2 and max(drawn) <= top for drawn, top in zip(waits, (1, 2, 4, 8, 8), strict=True)]
    assert all(0.5 * top <= min(drawn) < 0.6 * top for drawn, top in zip(waits, (1, 2, 4, 8, 8), strict=True))
    assert all(30 <= retry.wait(1, 30) <= 31 for _ in range(50))
