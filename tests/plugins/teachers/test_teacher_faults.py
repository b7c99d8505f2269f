"""Whole discussions against a failing server: what comes out, and exactly how often it was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.driver import Failure, Retry, Seat, hold_discussions
from magdi.core.discussion.events import Event, Waiting
from magdi.core.discussion.journal import Journal
from magdi.core.mag import Mag, Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.task import Split, Task
from magdi.plugins.teachers.openai import OpenAITeacher
from magdi.protocols.reconcile import ReConcile
from magdi.protocols.single import Single
from tests.plugins.teachers.faulty_server import Answer, Clock, FaultyServer, Script, error, serving

GOOD = '{"reasoning": "2 and 2", "answer": "4", "confidence": 0.9}'


class Sums(Task):
    def questions(self, split: Split) -> list[Question]:
        return []

    def extract(self, text: str, question: Question) -> str | None:
        digits = "".join(letter for letter in text if letter.isdigit())
        return digits or None


def sums(count: int) -> list[Question]:
    return [
        Question(id=f"q{place}", text=f"What is 2 + {place}?", gold="4", answer_type="number") for place in range(count)
    ]


def hold(
    server: FaultyServer,
    *,
    count: int = 1,
    agents: int = 1,
    protocol: Protocol | None = None,
    **options: Any,
) -> list[Mag | Failure]:
    config = OpenAITeacher.Config(model="m", base_url=server.url, timeout=30, concurrency=8)
    seats = [Seat(Agent(f"a{place}"), OpenAITeacher(config)) for place in range(agents)]
    return list(
        hold_discussions(
            sums(count),
            protocol=protocol or Single(),
            protocol_name="p",
            seats=seats,
            task=Sums(),
            settings=Discussion(),
            **{"retry": Retry(attempts=5, base=0.002), **options},
        )
    )


def failing(fault: Answer, times: int) -> Script:
    return lambda body, number: fault if number < times else Answer(GOOD)


FAULTS = {
    "429": error(429),
    "429 retry-after": error(429, retry_after="0.05"),
    "500": error(500),
    "502": error(502),
    "503": error(503),
    "reset": Answer(reset=True),
    "truncated": Answer(GOOD, cut=40),
    "slow drip": Answer(GOOD, drip=1),
    "timeout": Answer(GOOD, silent=True),
    "no choices": Answer(raw=b'{"choices": []}'),
    "not json": Answer(raw=b"<html>"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_passing_fault_costs_one_call_each_time_and_nothing_else(fault: str, tmp_path: Path, clock: Clock) -> None:
    with serving(failing(FAULTS[fault], 2), clock) as server, Journal(tmp_path / "j") as journal:
        (mag,) = hold(server, journal=journal)
        assert isinstance(mag, Mag)
        assert server.count == 3
        assert len(journal) == 1
        assert mag.turns[0].attempts == 1  # replies, not calls: nothing was wrong with the reply
        assert mag.usage.total_tokens == 12
        assert hold(server, journal=journal) == [mag]
        assert server.count == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lasting_outage_fails_the_question_after_the_last_try(fault: str, clock: Clock) -> None:
    with serving(FAULTS[fault], clock) as server:
        (failure,) = hold(server, retry=Retry(attempts=3, base=0.002))
        assert isinstance(failure, Failure)
        assert failure.error.endswith("(gave up after 3 tries)")
        assert server.count == 3


LASTING = {
    "401": (error(401), 1),
    "context length": (error(400, "maximum context length is 8"), 1),
    "content filter": (Answer("", choice={"finish_reason": "content_filter"}), 1),
    "bad request": (error(400), 3),
}


@pytest.mark.parametrize("fault", LASTING)
def test_a_4xx_fails_the_question_and_not_the_run(fault: str) -> None:
    answer, calls = LASTING[fault]
    with serving(lambda body, number: answer if "2 + 1?" in str(body) else Answer(GOOD)) as server:
        items = hold(server, count=4)
        assert [type(item) for item in items] == [Mag, Failure, Mag, Mag]
        assert server.asked("2 + 1?") == calls
        assert server.count == 3 + calls


def test_a_429_with_retry_after_holds_everybody_back(clock: Clock) -> None:
    over: list[bool] = []  # whether the wait was over when a request came

    def script(body: dict[str, Any], number: int) -> Answer:
        over.append(bool(waits))
        return error(429, retry_after="500") if number == 0 else Answer(GOOD)

    waits: list[Event] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Waiting):
            waits.append(event)
            clock.put_forward(502)  # the wait and its jitter

    with serving(script) as server:
        config = OpenAITeacher.Config(model="m", base_url=server.url, concurrency=1)
        seats = [Seat(Agent("a"), OpenAITeacher(config))]
        list(
            hold_discussions(
                sums(4),
                protocol=Single(),
                protocol_name="p",
                seats=seats,
                task=Sums(),
                settings=Discussion(),
                on_event=on_event,
            )
        )
    assert over == [False, True, True, True, True]


READABLE = {
    "plain": (GOOD, "ok", 0.9),
    "prose": (f"Sure! Here it is: {GOOD} I hope it helps.", "repaired", 0.9),
    "fences": (f"```json\n{GOOD}\n```", "repaired", 0.9),
    "single quotes": (GOOD.replace('"', "'"), "repaired", 0.9),
    "cut off": ('{"answer": "4", "confidence": 0.9, "reasoning": "2 and 2 and 2 and', "repaired", 0.9),
    "answer is a number": ('{"reasoning": "", "answer": 4, "confidence": 0.9}', "ok", 0.9),
    "confidence 95": ('{"answer": "4", "confidence": 95}', "ok", 0.95),
    "confidence 95%": ('{"answer": "4", "confidence": "95%"}', "ok", 0.95),
    "confidence null": ('{"answer": "4", "confidence": null}', "ok", None),
    "confidence word": ('{"answer": "4", "confidence": "high"}', "ok", None),
    "confidence 1e9": ('{"answer": "4", "confidence": 1000000000}', "ok", None),
    "reasoning list": ('{"reasoning": ["2", "2"], "answer": "4"}', "ok", None),
    "surrogates": ('{"reasoning": "\ud83d", "answer": "4"}', "ok", None),
    "100 kB": (json.dumps({"reasoning": "long " * 20_000, "answer": "4", "confidence": 0.9}), "ok", 0.9),
}


@pytest.mark.parametrize("form", READABLE)
def test_replies_that_can_be_read_are_read(form: str) -> None:
    text, status, confidence = READABLE[form]
    with serving(text) as server:
        (mag,) = hold(server)
    assert isinstance(mag, Mag)
    turn = mag.turns[0]
    assert (turn.answer, turn.status, turn.confidence, turn.label) == ("4", status, confidence, True)
    assert server.count == 1
    assert Mag.model_validate_json(mag.to_line().encode()) == mag


UNREADABLE = {
    "prose": "I think it is four.",
    "empty": "",
    "nonsense": "\ufffd\x00\u202e )]}'" * 50,
    "no answer": '{"reasoning": "hm"}',
    "answer null": '{"answer": null}',
    "answer list": '{"answer": ["4", "5"]}',
    "list": '["4"]',
    "deep": "[" * 5000 + "{" * 5000,
    "flood": "ha" * 50_000,
}


@pytest.mark.parametrize("form", UNREADABLE)
def test_replies_that_cannot_be_read_are_asked_for_again_and_end_as_invalid(form: str) -> None:
    with serving(UNREADABLE[form]) as server:
        mag, other = hold(server, count=2)
    assert isinstance(mag, Mag)
    assert isinstance(other, Mag)
    assert server.count == 2 * 3
    turn = mag.turns[0]
    assert (turn.status, turn.answer, turn.label, turn.attempts) == ("invalid", None, None, 3)
    assert turn.usage.total_tokens == 3 * 12
    assert Mag.model_validate_json(mag.to_line()) == mag
    assert [len(body["messages"]) for body in server.bodies if "2 + 0?" in str(body)] == [1, 3, 5]


def test_a_table_with_a_babbler_goes_on_without_it() -> None:
    def script(body: dict[str, Any], number: int) -> Answer:
        return Answer("blah" if "You babble" in body["messages"][0]["content"] else GOOD)

    with serving(script) as server:
        config = OpenAITeacher.Config(model="m", base_url=server.url)
        personas = ["", "You babble.", ""]
        seats = [Seat(Agent(f"a{place}", each), OpenAITeacher(config)) for place, each in enumerate(personas)]
        (mag,) = hold_discussions(
            sums(1),
            protocol=ReConcile(ReConcile.Config(rounds=1)),
            protocol_name="reconcile",
            seats=seats,
            task=Sums(),
            settings=Discussion(reasks=1),
        )
    assert isinstance(mag, Mag)
    assert [turn.status for turn in mag.turns] == ["ok", "invalid", "ok"] * 2
    assert [turn.sources for turn in mag.turns] == [()] * 3 + [(0, 2)] * 3  # what cannot be read is shown to nobody
    assert mag.decision.answer == "4"
    assert server.count == 2 * (1 + 2 + 1)
