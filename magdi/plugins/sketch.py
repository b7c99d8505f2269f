"""A protocol's graph for a few agents, found by holding a discussion in which nobody ever agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.mag import Mag, Question, Turn
from magdi.core.protocol import Protocol, agents_named
from magdi.core.reply import Parsed, UnreadableReply

NAMES = ("ada", "ben", "cleo", "dan", "eve")
QUESTION = Question(id="sketch", text="How many are there?", answer_type="number")


@dataclass(frozen=True, slots=True)
class Count:
    """How large a discussion is when it ends after a round.

    Attributes:
        rounds: Rounds after the first.
        calls: Turns until then; each is one call, where no reply has to be asked for again.
        edges: Edges between them.
    """

    rounds: int
    calls: int
    edges: int


def sketch(protocol: Protocol, name: str, agents: int = 3) -> Mag:
    """Returns the MAG of a discussion in which every reply has an answer of its own.

    Args:
        protocol: The protocol.
        name: What the MAG calls it.
        agents: How many take part; more where the protocol needs more, 5 at most.

    Raises:
        ProtocolError: The protocol broke its contract.
    """
    taking_part = agents_named(NAMES[: max(agents, protocol.min_agents)])
    stepper = Stepper(QUESTION, protocol, taking_part, grade=lambda answer, gold: False, protocol_name=name)
    while not stepper.done:
        for pending in stepper.pending:
            text, parsed = _reply(pending)
            stepper.answer(pending.step, parsed, text)
    return stepper.result


def _reply(pending: Pending) -> tuple[str, Parsed | None]:
    """Returns the first of several replies that the ask's format can read."""
    number = str(pending.step + 1)
    undecided = {"reasoning": "So it is.", "answer": number, "confidence": 0.5, "decided": False}
    usual = (json.dumps(undecided), f"So it is. The answer is {number}.", pending.ask.agent.name, *NAMES)
    for text in (pending.ask.reply.example(QUESTION, "So it is.", number) or usual[0], *usual):
        try:
            return text, pending.ask.reply.parse(text, lambda answer: number)
        except UnreadableReply:
            continue
    return "", None


def counts(mag: Mag, most: int = 3) -> list[Count]:
    """Returns calls and edges after each round, up to ``most`` rounds after the first."""
    last = min(most, max(turn.round for turn in mag.turns))
    found = []
    for rounds in range(last + 1):
        until = [turn for turn in mag.turns if turn.round <= rounds]
        found.append(Count(rounds, len(until), sum(len(turn.seen) for turn in until)))
    return found


def drawing(mag: Mag, most: int = 3) -> list[str]:
    """Returns the graph as text, a line a round: each turn's number, who speaks, and what that agent is shown."""
    cells = {
        number: [_cell(turn) for turn in turns] for number, turns in _rounds(mag.turns) if number <= most and turns
    }
    width = max(len(cell) for row in cells.values() for cell in row)
    return [
        f"round {number}   " + "   ".join(cell.ljust(width) for cell in row).rstrip() for number, row in cells.items()
    ]


def _rounds(turns: Sequence[Turn]) -> Iterator[tuple[int, list[Turn]]]:
    for number in sorted({turn.round for turn in turns}):
        yield number, [turn for turn in turns if turn.round == number]


def _cell(turn: Turn) -> str:
    role = "" if turn.role == "solver" else f" ({turn.role})"
    shown = f" <- {' '.join(map(str, turn.sources))}" if turn.seen else ""
    return f"{turn.step} {turn.agent}{role}{shown}"
