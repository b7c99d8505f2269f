"""Holds a recorded discussion again under its protocol: the same replies must give the same graph."""

from __future__ import annotations

from collections.abc import Iterator

from magdi.core.decision import DecisionRule
from magdi.core.discussion.stepper import Stepper
from magdi.core.errors import ProtocolError
from magdi.core.mag import Mag, Message, Turn
from magdi.core.protocol import Agent, Protocol
from magdi.core.reply import Parsed


def differences(mag: Mag, protocol: Protocol, agents: list[Agent], decide: DecisionRule | None = None) -> Iterator[str]:
    """Yields where a MAG is not what its protocol makes of its replies: turns, edges, decision.

    Args:
        mag: A recorded discussion.
        protocol: The protocol, with the settings that it was held with.
        agents: Who took part, in the order in which they did.
        decide: The decision rule, where it was not the protocol's own.
    """
    stepper = Stepper(mag.question, protocol, agents, grade=lambda answer, gold: answer == gold, decide=decide)
    try:
        while not stepper.done:
            for step, ask, _, _ in stepper.pending:
                if step >= len(mag.turns):
                    yield f"the protocol goes on with turn {step} ({ask.role}, {ask.agent.name}), the record ends"
                    return
                turn = mag.turns[step]
                yield from _unlike(turn, (ask.agent.name, ask.role, ask.round), {(s.step, s.kind) for s in ask.seen})
                stepper.answer(step, _parsed(turn), turn.text)
    except ProtocolError as error:
        yield f"the protocol cannot be held again: {error.message}"
        return
    held = stepper.result
    if len(held.turns) < len(mag.turns):
        yield f"the protocol ends after {len(held.turns)} turns, the record has {len(mag.turns)}"
    elif held.decision.answer != mag.decision.answer:
        yield f"the protocol decides {held.decision.answer!r}, the record says {mag.decision.answer!r}"


def prompts(
    mag: Mag, protocol: Protocol, agents: list[Agent], decide: DecisionRule | None = None
) -> list[tuple[Message, ...]]:
    """Returns what each turn of a recorded discussion was given to read, as its protocol words it.

    Args:
        mag: A recorded discussion.
        protocol: The protocol, with the settings that it was held with.
        agents: Who took part, in the order in which they did.
        decide: The decision rule, where it was not the protocol's own.

    Raises:
        ProtocolError: The protocol does not make this discussion of these replies.
    """
    stepper = Stepper(mag.question, protocol, agents, grade=lambda answer, gold: answer == gold, decide=decide)
    worded: list[tuple[Message, ...]] = []
    while not stepper.done:
        for step, _, messages, _ in stepper.pending:
            if step >= len(mag.turns):
                raise ProtocolError(f"{mag.id}: the protocol goes on with turn {step}, the record ends")
            worded.append(messages)
            stepper.answer(step, _parsed(mag.turns[step]), mag.turns[step].text)
    if len(worded) != len(mag.turns):
        raise ProtocolError(f"{mag.id}: the protocol ends after {len(worded)} turns of {len(mag.turns)}")
    return worded


def _unlike(turn: Turn, who: tuple[str, str, int], seen: set[tuple[int, str]]) -> Iterator[str]:
    said = (turn.agent, turn.role, turn.round)
    if said != who:
        yield f"turn {turn.step}: the record says agent, role, round {said}, the protocol {who}"
    recorded: set[tuple[int, str]] = {(edge.step, edge.kind) for edge in turn.seen}
    if missing := seen - recorded:
        yield f"turn {turn.step}: by the protocol it has also seen {_told(missing)}"
    if extra := recorded - seen:
        yield f"turn {turn.step}: by the protocol it has not seen {_told(extra)}"


def _told(edges: set[tuple[int, str]]) -> str:
    return ", ".join(f"{step} ({kind})" for step, kind in sorted(edges))


def _parsed(turn: Turn) -> Parsed | None:
    if turn.status == "invalid":
        return None
    return Parsed(turn.reasoning, turn.answer, turn.confidence, turn.status == "repaired")


def speakers(mag: Mag) -> list[Agent]:
    """Returns a MAG's agents in the order in which they first spoke."""
    return [Agent(name) for name in dict.fromkeys(turn.agent for turn in mag.turns)]
