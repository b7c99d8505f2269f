"""What is asked of a decision rule: that it decides, by what was said in a discussion and by nothing else.

Debates of two rounds are held with scripted replies, those that a rule itself asks for included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress

from magdi.core.decision import DecisionRule
from magdi.core.errors import ConfigError, ProtocolError
from magdi.core.mag import Mag
from magdi.plugins.testing.check_process import CheckFailed, doing
from magdi.plugins.testing.discussions import AGREEING, SCENARIOS, Scenario, agents_for, hold
from magdi.plugins.testing.specimen import Check, Specimen, require
from magdi.protocols.debate import Debate

COUNTS = (1, 2, 3, 5)
"""Numbers of agents that a rule is tried with."""


LONGEST = 100
"""Characters of a rule's name, which stands in tables."""


def _decided(rule: DecisionRule | None, scenario: Scenario, agents: int) -> Mag:
    doing(f"a decision on {scenario.name} replies of {agents}")
    return hold(Debate(Debate.Config(rounds=1)), scenario, agents_for(agents), decide=rule).mag


def _all(specimen: Specimen) -> Iterator[tuple[str, Mag]]:
    rule = specimen.decision()
    for scenario in SCENARIOS:
        for agents in COUNTS:
            yield f"{agents} agents, {scenario.name} replies", _decided(rule, scenario, agents)


def check_decides(specimen: Specimen) -> None:
    """Whether agents agree, disagree, say nothing or talk garbage, and however many they are, it returns a Decision."""
    with suppress(ConfigError):  # its settings may name others
        specimen.decision().check([agent.name for agent in agents_for(3)])
    try:
        for where, mag in _all(specimen):
            rule = mag.decision.rule
            require(rule, f"{where}: the decision does not say its rule")
            require(rule.isprintable() and len(rule) <= LONGEST, f"{where}: its rule is no short name: {rule!r:.60}")
    except ProtocolError as error:
        raise CheckFailed(str(error)) from error


def check_answer_was_given(specimen: Specimen) -> None:
    """The answer is one that somebody has given, or none; nothing else has votes."""
    for where, mag in _all(specimen):
        given = {turn.answer for turn in mag.turns}
        require(mag.decision.answer in {*given, None}, f"{where}: nobody has answered {mag.decision.answer!r}")
        others = sorted(set(mag.decision.votes) - given)
        require(not others, f"{where}: votes for {', '.join(others)!r:.60}, which nobody has answered")


def check_leaves_turns_alone(specimen: Specimen) -> None:
    """What was said is afterwards what it was."""
    rule = specimen.decision()
    for scenario in SCENARIOS:
        turns, said = _decided(rule, scenario, 3).turns, _decided(None, scenario, 3).turns
        require(turns[: len(said)] == said, f"{scenario.name} replies: it changes the turns that it is shown")


def check_agreement(specimen: Specimen) -> None:
    """Where all give one answer all the time, it is the discussion's."""
    for agents in COUNTS:
        mag = _decided(specimen.decision(), AGREEING, agents)
        said = mag.turns[0].answer
        require(mag.decision.answer == said, f"all of {agents} say {said!r}, and it decides {mag.decision.answer!r}")


def check_repeats(specimen: Specimen) -> None:
    """The same discussion is decided in the same way, as often as one likes."""
    rule = specimen.decision()
    for scenario in SCENARIOS:
        first, second = (_decided(rule, scenario, 3).decision for _ in range(2))
        require(first == second, f"{scenario.name} replies: first {first.answer!r}, then {second.answer!r}")


def fingerprint(specimen: Specimen) -> str:
    """Returns a hash of all decisions."""
    return hashlib.sha256("".join(mag.decision.model_dump_json() for _, mag in _all(specimen)).encode()).hexdigest()


CHECKS: tuple[Check, ...] = (
    check_decides,
    check_answer_was_given,
    check_leaves_turns_alone,
    check_agreement,
    check_repeats,
)
