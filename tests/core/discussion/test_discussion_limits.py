"""Budgets, rates, prices and plans."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.core.discussion.budget import Budget
from magdi.core.discussion.driver import Seat, hold_discussions
from magdi.core.discussion.gate import Rate, estimated_tokens
from magdi.core.discussion.usage import Most
from magdi.core.errors import ConfigError, LimitReached
from magdi.core.mag import Choice, Message, Question
from magdi.core.protocol import Agent, Protocol
from magdi.core.teacher import Price, Request, Sampling
from magdi.plugins.runs.discussion_plan import DiscussionPlan, DiscussionPlanner, max_calls
from magdi.plugins.runs.drives import DrivenTalk
from magdi.plugins.runs.stand_in import answers
from magdi.plugins.teachers import prices
from magdi.plugins.teachers.prices import litellm_price_of, price_of
from magdi.protocols.reconcile import ReConcile
from magdi.protocols.single import Single
from tests.core.discussion.discussion_stage import Speaker, numbered, speakers, table


def test_calls_under_way_count_as_the_most_that_they_can_take() -> None:
    budget, most = Budget(max_cost=1.0), Most(100, 0.3)
    assert [budget.reserve(most) for _ in range(4)] == [True, True, True, False]
    budget.settle(most)  # one failed and cost nothing: there is room for another
    assert budget.reserve(most)
    for _ in range(3):
        budget.settle(most, 50, 0.2)
    assert budget.reserve(most)  # 0.6 spent
    assert not budget.reserve(most)  # 0.2 are left, and 0.3 may be needed
    budget.settle(most, 50, 0.3)
    assert budget.reserve(most)  # alone: overshot by less than itself
    budget.settle(most, 50, 0.25)
    with pytest.raises(LimitReached, match=r"\$1\.15; the limit is \$1 \(--max-cost\)"):
        budget.reserve(most)
    assert budget.final(LimitReached("early")).message.startswith("stopped at $1.15")


def test_a_reply_of_any_length_goes_alone() -> None:
    budget, open_ended = Budget(max_tokens=100), Most(float("inf"), 0.0)
    assert budget.reserve(open_ended)
    assert not budget.reserve(open_ended)
    budget.settle(open_ended, 60)
    assert budget.reserve(open_ended)
    budget.settle(open_ended, 60)
    with pytest.raises(LimitReached, match="stopped at 120 tokens; the limit is 100"):
        budget.reserve()


def test_time_runs_from_the_first_call() -> None:
    now = [100.0]
    budget = Budget(max_time=5, clock=lambda: now[0])
    now[0] = 200
    budget.reserve()
    now[0] = 204.9
    budget.reserve()
    now[0] = 205
    with pytest.raises(LimitReached, match="--max-time"):
        budget.reserve()


def test_a_budget_reads_the_settings() -> None:
    budget = Budget.of(Discussion(max_calls=3, max_time=2, max_tokens=7, max_cost=0.5))
    assert (budget.max_calls, budget.max_time, budget.max_tokens, budget.max_cost) == (3, 2, 7, 0.5)


def test_a_rate_spreads_units_over_the_minute() -> None:
    rate = Rate(per_minute=120)  # two a second
    assert [rate.take(1, 0.0) for _ in range(6)] == pytest.approx([0, 0, 0.5, 1.0, 1.5, 2.0])
    assert rate.take(1, 3.0) == 0
    rate.give_back(1)
    assert rate.take(1, 3.0) == 0


def test_a_request_larger_than_the_rate_passes_and_leaves_a_debt() -> None:
    rate = Rate(per_minute=600)  # ten a second
    assert rate.take(100, 0.0) == 0
    assert rate.take(1, 0.0) == pytest.approx(9.1)


@pytest.mark.parametrize("limits", [{"requests_per_minute": 1200}, {"tokens_per_minute": 1200 * 1034}])
def test_the_driver_keeps_to_a_teachers_rate(
    options: dict[str, Any], limits: dict[str, float], virtual_time: Callable[[], float]
) -> None:
    teacher = Speaker("a", tokens=517)  # what a request is estimated to take, so that nothing is given back
    for name, value in limits.items():
        setattr(teacher, name, value)
    times: list[float] = []
    teacher.say = lambda request: (times.append(virtual_time()), teacher.opinion(request))[1]
    list(hold_discussions(numbered(30), seats=table(teacher), **options | {"protocol": Single()}))
    assert len(times) == 30
    expected = [0.0] * 20 + [place / 20 for place in range(1, 11)]  # a second's worth at once
    assert times == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("tokens", "seconds"), [(1, 0.0), (517, 1.0)])
def test_what_a_reply_did_not_take_is_given_back(
    options: dict[str, Any], tokens: int, seconds: float, virtual_time: Callable[[], float]
) -> None:
    teacher = Speaker("a", tokens=tokens)
    teacher.tokens_per_minute = 600 * 1034  # ten replies a second, were they as long as they may be
    list(hold_discussions(numbered(20), seats=table(teacher), **options | {"protocol": Single()}))
    assert virtual_time() == pytest.approx(seconds, abs=0.1)


def saying(answer: str) -> Callable[[Request], str]:
    return lambda request: f'{{"answer": "{answer}"}}'


@pytest.mark.parametrize("rounds", [0, 1, 3])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_promised_calls_are_never_exceeded_and_can_be_needed(
    options: dict[str, Any], rounds: int, count: int
) -> None:
    protocol = ReConcile(ReConcile.Config(rounds=rounds))
    agents = [Agent(f"agent{place}") for place in range(count)]
    promised = max_calls(protocol, numbered(1)[0], agents)
    # One agent agrees with itself at once, unless it says nothing that can be read.
    assert promised == count * (rounds + 1)
    for said in ("1111", "1212", "1234"):
        teachers = [Speaker(f"{place}", saying(said[place % 4])) for place in range(count)]
        list(hold_discussions(numbered(1), seats=table(*teachers), **options | {"protocol": protocol}))
        assert sum(teacher.calls for teacher in teachers) <= promised


def planned(questions: Sequence[Question], protocol: Protocol, seats: Sequence[Seat]) -> DiscussionPlan:
    return DiscussionPlanner(DrivenTalk(protocol, seats)).plan(questions)


def test_a_plan_says_calls_tokens_price_and_disk() -> None:
    teachers = speakers()
    teachers[0].price = Price(input=1.0, output=10.0)
    seats = [Seat(seat.agent, seat.teacher, Sampling(max_tokens=100)) for seat in table(*teachers)]
    made = planned(numbered(200), ReConcile(), seats)
    assert (made.questions, made.most.calls) == (200, 200 * 12 * 3), "two re-asks a turn"
    first = made.agents[0]
    assert first.most.completion_tokens == 800 * 3 * 100
    assert first.expected.cost == pytest.approx(
        (first.expected.prompt_tokens + 10 * first.expected.completion_tokens) / 1e6
    )
    assert made.expected.cost == first.expected.cost > 0, "what has a price is added up, and"
    assert made.unpriced == [teacher.identity for teacher in teachers[1:]], "what has none is named"
    assert 200 * 3 <= made.expected.calls <= 200 * 12
    assert made.expected.bytes < made.most.bytes
    assert sum(teacher.calls for teacher in teachers) == 0


def test_a_plan_counts_every_question_where_they_differ() -> None:
    class Choosy(Single):
        def discuss(self, question: Question, agents: Any) -> Any:
            for _ in range(4 if question.text < "What is 2" else 1):
                yield [self.ask(agents[0])]

    questions = numbered(256)
    made = planned(questions, Choosy(), table(Speaker("a")))
    assert made.most.calls == 3 * sum(4 if question.text < "What is 2" else 1 for question in questions)


def test_stand_ins_answer_in_the_form_of_the_question() -> None:
    letters = Question(id="l", text="?", choices=(Choice(label="A", text="x"), Choice(label="B", text="y")))
    assert answers(letters, 4) == ["A", "B"]
    assert answers(Question(id="b", text="?", answer_type="boolean"), 4) == ["yes", "no"]
    assert max_calls(ReConcile(), letters, [Agent("a"), Agent("b")]) == 8


def test_prices_are_for_the_vendor_and_not_for_the_name() -> None:
    assert price_of("gpt-4o-mini-2024-07-18", "api.openai.com") == Price(input=0.15, output=0.60, cached=0.075)
    assert price_of("gpt-4o-mini-2031-01-31", "api.openai.com") == Price(input=0.15, output=0.60, cached=0.075)
    assert price_of("gpt-4o", "api.openai.com") == price_of("gpt-4o", "us.openai.azure.com")
    assert price_of("gpt-4o", "localhost:8000") is None
    assert price_of("gpt-4o-of-my-own", "api.openai.com") is None
    tuned = price_of("ft:gpt-4o-mini-2024-07-18:us::x", "api.openai.com")
    assert tuned is not None
    assert tuned.output > 0.60


def test_litellms_names_are_looked_up_as_it_reads_them() -> None:
    openai = price_of("gpt-4o", "api.openai.com")
    assert litellm_price_of("gpt-4o") == litellm_price_of("openai/gpt-4o") == openai
    assert litellm_price_of("bedrock/anthropic.claude-3-haiku-20240307-v1:0") is not None
    assert litellm_price_of("vertex_ai/gemini-2.5-pro") == Price(input=1.25, output=10, cached=0.125)
    assert litellm_price_of("nobody/gpt-4o") is None


def test_every_host_of_a_vendor_has_prices_and_the_copy_says_whence() -> None:
    document = json.loads(prices.KEPT.read_text(encoding="utf-8"))
    assert set(prices.PROVIDERS.values()) <= set(document["prices"])
    assert document["about"].keys() >= {"source", "address", "licence", "date"}
    for models in document["prices"].values():
        for row in models.values():
            assert 2 <= len(row) <= 4
            assert all(price is None or price >= 0 for price in row)


def test_what_was_cached_is_cheaper_and_hidden_reasoning_may_be_dearer() -> None:
    price = Price(input=2, output=10, cached=0.5, reasoning=30)
    assert price.of(1000, 100) == pytest.approx(0.003)
    assert price.of(1000, 100, cached=1000) == pytest.approx(0.0015)
    assert price.of(1000, 100, reasoning=50) == pytest.approx(0.004)
    assert price.most(1000, 100) == pytest.approx(0.005)


def test_the_users_prices_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text('"api.openai.com/gpt-4o*": {input: 1.0, output: 2.0}\n"*/my-model": {input: 3.0}\n')
    monkeypatch.setenv("MAGDI_PRICES", str(own))
    assert price_of("gpt-4o-mini", "api.openai.com") == Price(input=1, output=2)
    assert price_of("my-model", "host:1") == Price(input=3, output=0)
    assert price_of("gpt-4.1", "api.openai.com") == Price(input=2, output=8, cached=0.5)
    broken = tmp_path / "broken.yaml"
    broken.write_text('"x/y": {input: cheap}\n')
    monkeypatch.setenv("MAGDI_PRICES", str(broken))
    with pytest.raises(ConfigError, match=r"broken\.yaml"):
        price_of("gpt-4o", "api.openai.com")


def test_tokens_are_estimated_from_prompt_and_longest_reply() -> None:
    messages = (Message(role="user", content="x" * 400),)
    assert estimated_tokens(Request(messages=messages, sampling=Sampling(max_tokens=50))) == 150
