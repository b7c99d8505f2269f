"""Who sits at the table, what a stage's discussions share, and what comes of one that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from magdi.core.config.models import Discussion as Settings
from magdi.core.decision import DecisionRule
from magdi.core.mag import Question, Turn
from magdi.core.protocol import Agent, Protocol
from magdi.core.task import Task
from magdi.core.teacher import Sampling, Teacher


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent, the teacher that speaks for it, and how it samples.

    Attributes:
        in_role: By role, who speaks for it in the teacher's place.
    """

    agent: Agent
    teacher: Teacher
    sampling: Sampling = Sampling()
    in_role: Mapping[str, Teacher] = field(default_factory=dict)

    def speaks(self, role: str) -> Teacher:
        """Returns who speaks in a role."""
        return self.in_role.get(role, self.teacher)


def teachers_of(seats: Sequence[Seat]) -> list[Teacher]:
    """Returns all who speak, each once."""
    return list({id(each): each for seat in seats for each in (seat.teacher, *seat.in_role.values())}.values())


@dataclass(frozen=True, slots=True)
class Failure:
    """A discussion that could not be held to its end.

    Attributes:
        question: Its question.
        error: Why.
        turns: What had been said by then, whole waves only.
    """

    question: Question
    error: str
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscussionSetup:
    """What all discussions of a stage share; the attributes are arguments of `hold_discussions`."""

    protocol: Protocol
    protocol_name: str
    seats: Sequence[Seat]
    task: Task
    decide: DecisionRule | None
    settings: Settings


def share_teachers(seats: Sequence[Seat]) -> tuple[Seat, ...]:
    """Returns the seats with one teacher where several have the same class and identity.

    Their connections, their limits and the weights of local models are then there once.
    """
    first: dict[tuple[type, str], Teacher] = {}

    def shared(teacher: Teacher) -> Teacher:
        return first.setdefault((type(teacher), teacher.identity), teacher)

    return tuple(
        replace(seat, teacher=shared(seat.teacher), in_role={role: shared(each) for role, each in seat.in_role.items()})
        for seat in seats
    )
