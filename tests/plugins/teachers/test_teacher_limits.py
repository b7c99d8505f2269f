"""Limits, by the server's own counts: none is overshot by more than one call, and none is taken on trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import Discussion, Evaluation, Limits
from magdi.core.discussion.driver import Retry, Seat, hold_discussions
from magdi.core.discussion.journal import Journal
from magdi.core.discussion.usage import Tokens
from magdi.core.errors import ConfigError, LimitReached, MagdiError
from magdi.core.evaluation.answering import answer_questions
from magdi.core.protocol import Agent
from magdi.core.run.seats import priced
from magdi.core.teacher import Price, Sampling
from magdi.plugins.evaluating.teacher_engine import TeacherEngine
from magdi.plugins.teachers.openai import OpenAITeacher
from magdi.protocols.reconcile import ReConcile
from tests.plugins.teachers.faulty_server import Answer, FaultyServer, serving
from tests.plugins.teachers.test_teacher_faults import Sums, sums

PRICE = {"input": 1.0, "output": 10.0}


class Counting:
    """Counts what it hands out; every reply takes another number of tokens."""

    def __init__(self, **usage: Any) -> None:
        self.calls: list[tuple[int, int]] = []
        self.usage = usage

    def __call__(self, body: dict[str, Any], number: int) -> Answer:
        said = 5 + number * 37 % 90
        self.calls.append((60 + number % 7, said))
        counted = {"prompt_tokens": self.calls[-1][0], "completion_tokens": said}
        text = '{"reasoning": "' + "so " * said + f'", "answer": "{number % 3}", "confidence": 0.9}}'
        return Answer(text, usage=self.usage["usage"] if self.usage else counted, delay=0.002 * (number % 5))

    def spent(self, price: Price | None = None) -> tuple[float, float]:
        """What was handed out in all, and by the most expensive call."""
        each = [price.of(*call) if price else sum(call) for call in self.calls]
        return sum(each), max(each)


def discuss(server: FaultyServer, count: int = 200, longest: int | None = 100, **settings: Any) -> None:
    limits = Discussion(**settings)
    teacher = priced(OpenAITeacher(OpenAITeacher.Config(model="m", base_url=server.url)), limits)
    list(
        hold_discussions(
            sums(count), protocol=ReConcile(), protocol_name="p", task=Sums(), settings=limits,
            seats=[Seat(Agent(name), teacher, Sampling(max_tokens=longest)) for name in "abc"],
        )
    )  # fmt: skip


def evaluate(server: FaultyServer, count: int = 600, longest: int | None = 100, **settings: Any) -> None:
    limits = Limits(**settings)
    teacher = priced(OpenAITeacher(OpenAITeacher.Config(model="m", base_url=server.url)), limits)
    engine = TeacherEngine(teacher, limits=limits)
    answer_questions(engine, sums(count), task=Sums(), settings=Evaluation(max_new_tokens=longest or 300))


JOBS = [discuss, evaluate]


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("limit", [100, 1000, 9000])
def test_tokens_are_overshot_by_one_call_at_most(job: Any, limit: int) -> None:
    counting = Counting()
    with serving(counting) as server, pytest.raises(LimitReached) as stopped:
        job(server, max_tokens=limit)
    total, largest = counting.spent()
    assert limit <= total < limit + largest
    assert stopped.value.message == f"stopped at {total} tokens; the limit is {limit} (--max-tokens)"


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("limit", [0.001, 0.02])
def test_money_is_overshot_by_one_call_at_most(job: Any, limit: float) -> None:
    counting = Counting()
    with serving(counting) as server, pytest.raises(LimitReached) as stopped:
        job(server, max_cost=limit, price=PRICE)
    total, largest = counting.spent(Price(**PRICE))
    assert limit <= total < limit + largest
    assert stopped.value.message == f"stopped at ${total:.6g}; the limit is ${limit:g} (--max-cost)"


def test_replies_of_any_length_go_one_by_one_and_the_limit_holds() -> None:
    counting = Counting()
    with serving(counting) as server:
        with pytest.raises(LimitReached):
            discuss(server, longest=None, max_tokens=1000)
        assert server.most == 1
    assert counting.spent()[0] < 1000 + counting.spent()[1]


def test_calls_are_counted_exactly() -> None:
    with serving(Counting()) as server, pytest.raises(LimitReached, match="after 17 calls"):
        discuss(server, max_calls=17)
    assert server.count == 17


def test_money_without_a_price_is_refused_before_anything_is_asked() -> None:
    with serving(Counting()) as server:
        for job in JOBS:
            with pytest.raises(ConfigError, match=r"--max-cost cannot be kept: .* not known for openai:m@") as refused:
                job(server, max_cost=1.0)
            assert "--price IN,OUT" in refused.value.hint
        assert server.count == 0


DOUBTFUL: dict[str, Any] = {
    "none": None,
    "empty": {},
    "zero": {"prompt_tokens": 0, "completion_tokens": 0},
    "no reply": {"prompt_tokens": 70, "completion_tokens": 0},
    "negative": {"prompt_tokens": 70, "completion_tokens": -5},
    "all negative": {"prompt_tokens": -70, "completion_tokens": -5},
    "huge": {"prompt_tokens": 10**9, "completion_tokens": 5},
    "beyond": {"prompt_tokens": 1e300, "completion_tokens": float("inf")},
    "long": {"prompt_tokens": 70, "completion_tokens": 10**6},
    "words": {"prompt_tokens": "many", "completion_tokens": None},
}


@pytest.mark.parametrize("usage", DOUBTFUL)
def test_counts_that_cannot_be_right_are_refused_where_they_are_limited(usage: str) -> None:
    bounds: list[dict[str, Any]] = [{"max_tokens": 5000}, {"max_cost": 0.05, "price": PRICE}]
    for job, limits in zip(JOBS, bounds, strict=True):
        with serving(Counting(usage=DOUBTFUL[usage])) as server:
            with pytest.raises(ConfigError, match=r"cannot be kept: openai:m@\S+ (?:sends|counts)") as refused:
                job(server, 9, **limits)
            assert "--estimate-usage" in refused.value.hint
            assert server.count == 1  # the first call goes alone


@pytest.mark.parametrize("usage", ["none", "negative", "huge"])
def test_an_estimate_by_tokenizer_takes_their_place(usage: str) -> None:
    counting = Counting(usage=DOUBTFUL[usage])
    with serving(counting) as server, pytest.raises(LimitReached, match="counted by the tokenizer bytes"):
        discuss(server, max_tokens=20_000, estimate_usage=True)
    assert counting.spent()[0] <= 20_000 + counting.spent()[1]  # a byte is never less than a token
    with serving(counting) as server, pytest.raises(ConfigError, match="no tokenizer 'no/such'"):
        discuss(server, max_tokens=20_000, estimate_usage="no/such")
    assert Tokens().name == "bytes"


def test_without_limits_on_them_counts_are_nobodys_business() -> None:
    with serving(Counting(usage=None)) as server, pytest.raises(LimitReached, match="calls"):
        discuss(server, max_calls=9)


def test_calls_whose_replies_were_lost_count_in_full() -> None:
    counting = Counting()

    def cut(body: dict[str, Any], number: int) -> Answer:
        answer = counting(body, number)
        return Answer(answer.text, usage=answer.usage, cut=40 if number % 3 == 1 else None)

    with serving(cut) as server:
        teacher = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=server.url))
        stream = hold_discussions(
            sums(200), protocol=ReConcile(), protocol_name="p", task=Sums(), retry=Retry(base=0.001),
            seats=[Seat(Agent("a"), teacher, Sampling(max_tokens=100))], settings=Discussion(max_tokens=5000),
        )  # fmt: skip
        with pytest.raises(LimitReached):
            list(stream)
    total, largest = counting.spent()
    assert total < 5000 + largest


def test_a_reply_that_came_before_the_refusal_is_kept(tmp_path: Path) -> None:
    with serving(Counting(usage=None)) as server, Journal(tmp_path / "j") as journal:
        teacher = OpenAITeacher(OpenAITeacher.Config(model="m", base_url=server.url))
        stream = hold_discussions(
            sums(5), protocol=ReConcile(), protocol_name="p", task=Sums(), journal=journal,
            seats=[Seat(Agent("a"), teacher)], settings=Discussion(max_tokens=5000),
        )  # fmt: skip
        with pytest.raises(MagdiError, match="cannot be kept"):
            list(stream)
        assert len(journal) == server.count == 1


def test_a_price_is_read_from_a_pair() -> None:
    assert Discussion.model_validate({"price": "0.15, 0.6"}).price == Price(input=0.15, output=0.6)
    for wrong in ("0.15", "a,b", "-1,2", "1,2,3"):
        with pytest.raises(ValueError, match="price"):
            Discussion.model_validate({"price": wrong})
