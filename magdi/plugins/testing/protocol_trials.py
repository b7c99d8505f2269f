"""Discussions of a protocol under test, each held once: with every number of agents, in every scenario."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from magdi.core.errors import ConfigError, ProtocolError
from magdi.core.mag import Question
from magdi.core.protocol import Protocol
from magdi.plugins.testing.check_process import CheckFailed, NotMade, doing, told
from magdi.plugins.testing.discussions import ADDITION, CHOICE, SCENARIOS, Held, Scenario, agents_for, hold
from magdi.plugins.testing.specimen import Specimen

COUNTS = (1, 2, 3, 5)
"""Numbers of agents that a protocol is tried with, as far as it takes them."""

FORBIDDEN = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.posix_spawn", "os.fork"}
"""What a protocol never causes: it calls no model and waits for nothing."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A discussion that was held, or why it could not be.

    Attributes:
        scenario: How everybody replied.
        agents: How many agents.
        question: What was asked.
        protocol: The instance; None where it could not be made.
        held: The discussion; None where it failed.
        error: What was raised in its place.
    """

    scenario: Scenario
    agents: int
    question: Question
    protocol: Protocol
    held: Held | None
    error: Exception | None

    def __str__(self) -> str:
        what = "" if self.question is ADDITION else ", a choice"
        return f"{self.agents} agent{'s' * (self.agents != 1)}{what}, {self.scenario.name} replies"


def tried(specimen: Specimen) -> list[Tried]:
    """Returns all discussions: every scenario with every number of agents, and a choice with three."""
    return specimen.keep("tried", lambda: list(_try(specimen)))


def held(specimen: Specimen) -> Iterator[tuple[Tried, Held]]:
    """Yields the discussions that could be held; raises `NotMade` where none could."""
    every = tried(specimen)
    if all(one.held is None for one in every):
        raise NotMade(why(every[0]))
    yield from ((one, one.held) for one in every if one.held is not None)


def usual_count(protocol: Protocol) -> int:
    """Returns three, or as near to it as a protocol's own limits allow."""
    return _allowed(protocol, 3)


def _allowed(protocol: Protocol, count: int) -> int:
    return max(min(count, protocol.max_agents or count), protocol.min_agents)


def _try(specimen: Specimen) -> Iterator[Tried]:
    protocol = specimen.protocol()
    usual = usual_count(protocol)
    counts = {_allowed(protocol, count) for count in COUNTS} - {usual}
    _watch()
    for count, question in [(usual, ADDITION), (usual, CHOICE), *((count, ADDITION) for count in sorted(counts))]:
        for scenario in SCENARIOS:
            yield (one := _tried(specimen, scenario, count, question))
            if isinstance(one.error, ProtocolError) and "has not ended" in str(one.error):
                return  # one of them says enough


def _tried(specimen: Specimen, scenario: Scenario, count: int, question: Question) -> Tried:
    protocol = specimen.protocol()
    doing(f"a discussion of {count} agents with {scenario.name} replies")
    before = len(_events)
    try:
        found, error = hold(protocol, scenario, agents_for(count), question), None
    except (NotMade, CheckFailed):
        raise
    except Exception as raised:
        found, error = None, raised
    forbidden(specimen).update(_events[before:])
    return Tried(scenario, count, question, protocol, found, error)


_events: list[str] = []
_watching: list[bool] = []


def _watch() -> None:
    """Starts to note what `FORBIDDEN` things this process does; it cannot be undone, and ends with the process."""
    if not _watching:
        _watching.append(True)
        sys.addaudithook(lambda event, _: _events.append(event) if event in FORBIDDEN else None)


def why(one: Tried) -> str:
    """Returns why a discussion could not be held, as a line."""
    error = one.error
    return str(error) if isinstance(error, ProtocolError | ConfigError) else told(error) if error else ""


def forbidden(specimen: Specimen) -> set[str]:
    """Returns what `FORBIDDEN` things the discussions have caused."""
    return specimen.keep("forbidden", set)
