"""What `-n` says of discussions, held against discussions: by every protocol that needs no package of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from magdi.core.config.models import Discussion
from magdi.core.decision import DecisionRule
from magdi.core.discussion.driver import Seat, hold_discussions
from magdi.core.discussion.events import Called, Event
from magdi.core.mag import Usage
from magdi.core.protocol import Agent, Protocol
from magdi.core.task import Task
from magdi.core.teacher import Price, Reply, Request, Sampling, Teacher
from magdi.plugins.decisions.judge import Judge
from magdi.plugins.runs.discussion_plan import Amount, DiscussionPlan, DiscussionPlanner
from magdi.plugins.runs.drives import DrivenTalk
from magdi.plugins.tasks.arithmetic import Arithmetic
from magdi.plugins.teachers.simulated import SimulatedConfig, SimulatedTeacher
from magdi.protocols.dag import Dag
from magdi.protocols.debate import Debate
from magdi.protocols.dialogue import Dialogue
from magdi.protocols.mad import Mad
from magdi.protocols.malt import Malt
from magdi.protocols.reconcile import ReConcile
from magdi.protocols.roundtable import Roundtable
from magdi.protocols.self_consistency import SelfConsistency
from magdi.protocols.self_refine import SelfRefine
from magdi.protocols.single import Single
from magdi.protocols.solver_critic import SolverCritic

PROTOCOLS: dict[str, Callable[[], Protocol]] = {
    "reconcile": ReConcile,
    "debate": Debate,
    "dag": Dag,
    "dialogue": Dialogue,
    "mad": Mad,
    "malt": lambda: Malt(Malt.Config(samples=2)),
    "roundtable": Roundtable,
    "roundtable, selector": lambda: Roundtable(Roundtable.Config(speaker="selector")),
    "roundtable, hand-off": lambda: Roundtable(Roundtable.Config(speaker="hand-off", stop_mention="TERMINATE")),
    "self-consistency": SelfConsistency,
    "self-refine": SelfRefine,
    "single": Single,
    "solver-critic": SolverCritic,
}
COUNT = 26  # questions: more than a plan drives
FACTOR = 1.5
SETTINGS = Discussion()


class Player(Teacher):
    """A simulated teacher that a plan does not know for one."""

    price = Price(input=1.0, output=4.0)

    def __init__(self, profile: str) -> None:
        super().__init__()
        self.inner = SimulatedTeacher(SimulatedConfig(profile=profile))

    @property
    def identity(self) -> str:
        return f"player:{self.inner.identity}"

    async def complete(self, request: Request) -> Reply:
        return self.inner.answer(request)


class Rambler(Player):
    """Says nothing that can be read, as long as it may; at the last try, what a `Player` says, at that length."""

    async def complete(self, request: Request) -> Reply:
        longest = request.sampling.max_tokens or 0
        asked = sum(len(message.content.encode()) for message in request.messages)
        cost = self.price.of(asked, longest)
        tries = sum(message.role == "assistant" and set(message.content) == {"."} for message in request.messages)
        text = "." * longest if tries < SETTINGS.reasks else self._at_length(request, longest)
        return Reply(text=text, usage=Usage(prompt_tokens=asked, completion_tokens=longest, cost=cost))

    def _at_length(self, request: Request, longest: int) -> str:
        said = self.inner.answer(request).text
        filler = "." * max(0, longest - len(said))
        if not said.startswith("{"):
            return f"{filler}\n{said}"
        return json.dumps(
            {key: filler + value if key == "reasoning" else value for key, value in json.loads(said).items()}
        )


def seats(kind: Callable[[str], Teacher], sampling: Sampling | None = None) -> list[Seat]:
    return [Seat(Agent(name), kind(name), sampling or Sampling()) for name in ("careful", "chatty", "hasty")]


def simulated(profile: str) -> Teacher:
    return SimulatedTeacher(SimulatedConfig(profile=profile))


@pytest.fixture(scope="module")
def task() -> Task:
    return Arithmetic(Arithmetic.Config(train=COUNT, test=4))


def planned(
    protocol: Protocol, table: Sequence[Seat], task: Task, decide: DecisionRule | None = None
) -> DiscussionPlan:
    return DiscussionPlanner(DrivenTalk(protocol, table, decide), SETTINGS).plan(task.questions("train"))


def held(protocol: Protocol, table: Sequence[Seat], task: Task, decide: DecisionRule | None = None) -> Amount:
    """Returns what all discussions took."""
    used: list[Usage] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Called):
            used.append(event.usage)

    asked: dict[str, Any] = {"protocol_name": "p", "settings": SETTINGS, "decide": decide, "on_event": on_event}
    list(hold_discussions(task.questions("train"), protocol=protocol, seats=table, task=task, **asked))
    together = sum(used, Usage())
    return Amount(len(used), together.prompt_tokens, together.completion_tokens, together.cost)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_is_expected_comes_about(name: str, task: Task) -> None:
    table = seats(simulated)
    plan, took = planned(PROTOCOLS[name](), table, task), held(PROTOCOLS[name](), table, task)
    for expected, real, most in zip(plan.expected[:3], took[:3], plan.most[:3], strict=True):
        assert real / FACTOR <= expected <= real * FACTOR
        assert real <= most
    of_models = planned(PROTOCOLS[name](), seats(Player), task).expected  # who would reply the same, were they asked
    assert took.calls / FACTOR <= of_models.calls <= took.calls * FACTOR


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_bound_holds_for_the_longest_replies_and_all_reasks(name: str, task: Task) -> None:
    table = seats(Rambler, Sampling(max_tokens=900))
    plan, took = planned(PROTOCOLS[name](), table, task), held(PROTOCOLS[name](), table, task)
    for real, most in zip(took[:4], plan.most[:4], strict=True):
        assert real <= most


def test_a_decision_rule_is_asked_for_too(task: Task) -> None:
    table, rule = seats(simulated), Judge()
    alone, judged = planned(Single(), table, task), planned(Single(), table, task, rule)
    took = held(Single(), table, task, rule)
    assert alone.expected.calls == 3 * COUNT < took.calls <= judged.most.calls
    assert took.calls / FACTOR <= judged.expected.calls <= took.calls * FACTOR


def test_replies_of_any_length_have_no_bound(task: Task) -> None:
    plan = planned(Single(), seats(Player, Sampling(max_tokens=None)), task)
    assert plan.most.calls == 9 * COUNT
    assert plan.most.completion_tokens == plan.most.cost == math.inf
    assert plan.expected.cost < math.inf
