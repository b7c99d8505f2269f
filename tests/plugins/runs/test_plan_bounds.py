"""A plan takes little, whatever is asked for: every number of every protocol and rule, and protocols without an end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from magdi.core.config.models import ComponentChoice
from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.errors import ConfigError, ProtocolError
from magdi.core.mag import Message, Question
from magdi.core.protocol import Agent, Ask, Discussion, Protocol
from magdi.plugins.registry import default_registry
from magdi.plugins.runs import discussion_plan, drives
from magdi.plugins.runs.discussion_plan import DiscussionPlan, DiscussionPlanner
from magdi.plugins.runs.drives import DrivenTalk
from magdi.protocols.debate import Debate
from magdi.protocols.roundtable import Roundtable
from tests.core.discussion.discussion_stage import numbered, speakers, table

REGISTRY = default_registry()
OF_FRAMEWORKS = ("ag2", "agent-framework", "autogen")  # their teams are planned where they are installed


def numbers() -> Iterator[tuple[str, str, str]]:
    """Yields every setting that is a whole number: kind, name, setting."""
    for kind in ("protocol", "decision"):
        for found in REGISTRY.listing(kind):
            name = found.component.name
            for setting, field in REGISTRY.config_of(kind, name).model_fields.items():
                if field.annotation in (int, int | None):
                    yield kind, name, setting


def choice(name: str, settings: dict[str, object]) -> ComponentChoice:
    return ComponentChoice.model_validate({"name": name, **settings})


def planned(protocol: Protocol, decision: ComponentChoice | None = None, questions: int = 3) -> DiscussionPlan:
    rule = REGISTRY.decision(decision) if decision else None
    return DiscussionPlanner(DrivenTalk(protocol, table(*speakers()), rule)).plan(numbered(questions))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns where the work of planning is counted: prompts, and what is shown in them; its bounds are low."""
    counted: list[int] = []
    pend = Stepper._pend

    def pending(self: Stepper, step: int, ask: Ask) -> Pending:
        counted.append(1 + len(ask.shown))
        return pend(self, step, ask)

    monkeypatch.setattr(Stepper, "_pend", pending)
    monkeypatch.setattr(drives, "MOST_TURNS", 100)
    monkeypatch.setattr(drives, "MOST_CHARACTERS", 700_000)
    return counted


@pytest.mark.parametrize(("kind", "name", "setting"), [*numbers()])
@pytest.mark.parametrize("number", [10**9, 1_000])
def test_any_number_is_planned_or_refused(work: list[int], kind: str, name: str, setting: str, number: int) -> None:
    given = choice(name, {setting: number})
    said = ""
    try:
        if kind == "decision":
            planned(Debate(), given)
        elif name not in OF_FRAMEWORKS:
            planned(REGISTRY.protocol(given))
        else:
            REGISTRY.chosen_settings("protocol", given)
    except ConfigError as error:
        said = str(error)
    except ProtocolError as error:
        said = error.hint
    assert not said or "less than or equal to 10" in said or (number == 1_000 and "fewer rounds" in said)
    assert sum(work) < 30_000


class Endless(Protocol):
    """Shows everything to everybody, for ever."""

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        turns = yield [self.ask(agent) for agent in agents]
        while True:
            turns += yield [self.ask(agent, seen=turns, round=turns[-1].round + 1) for agent in agents]

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        return [Message(role="user", content=question.prompt)]


def test_what_has_no_end_is_refused_after_what_it_shows(work: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where words of others are not in its prompts, they might be."""
    monkeypatch.setattr(drives, "MOST_TURNS", 10**9)
    with pytest.raises(ProtocolError, match="Endless asks for more than 700,000 characters"):
        planned(Endless())
    assert sum(work) < 2_000


def test_of_long_discussions_fewer_are_looked_at_and_none_is_underrated(
    work: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lots = Roundtable(Roundtable.Config(speaker="random", max_turns=6, until_consensus=False))
    every, looked_at = planned(lots, questions=50), sum(work)
    monkeypatch.setattr(discussion_plan, "DRIVEN_LONGEST", 1_000)
    work.clear()
    some = planned(lots, questions=50)
    assert sum(work) < looked_at / 2
    assert some.most.calls == every.most.calls == 50 * 6 * 3
    assert all(one.most.calls >= other.most.calls for one, other in zip(some.agents, every.agents, strict=True))
