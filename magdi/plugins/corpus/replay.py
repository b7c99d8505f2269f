"""Holds a recorded discussion again under its protocol: the same replies must give the same graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.decision import DecisionRule
from magdi.core.discussion.stepper import Stepper
from magdi.core.distill.lessons import OwnPrompts
from magdi.core.errors import DataError, ProtocolError
from magdi.core.mag import Mag, Message, Turn
from magdi.core.protocol import Agent, Protocol
from magdi.core.reply import Parsed
from magdi.core.run.directory import RunDirectory
from magdi.core.run.locations import expanded, is_url
from magdi.core.run.seats import agents as agents_of


def differences(mag: Mag, protocol: Protocol, agents: list[Agent], decide: DecisionRule | None = None) -> Iterator[str]:
    """Yields where a MAG is not what its protocol makes of its replies: turns, edges, decision.

    Args:
        mag: A recorded discussion.
        protocol: The protocol, with the settings that it was held with.
        agents: Who took part, in the order in which they did.
        decide: The decision rule, where it was not the protocol's own.
    """
    yield from _held(mag, protocol, agents, decide)[0]


@dataclass(frozen=True, slots=True)
class Held:
    """How discussions were held.

    Attributes:
        protocol: Their protocol, with its settings.
        agents: Who took part, in order; where a MAG has others, those are taken in the order in which they first spoke.
        decide: The decision rule, where it was not the protocol's own.
    """

    protocol: Protocol
    agents: tuple[Agent, ...] = ()
    decide: DecisionRule | None = None


def with_prompts(mag: Mag, held: Held) -> Mag:
    """Returns a MAG with the prompts that its protocol makes for its turns; see `differences`.

    Raises:
        DataError: It is not a discussion of this protocol.
    """
    there = speakers(mag)
    known = {agent.name for agent in there} <= {agent.name for agent in held.agents}
    problems, again = _held(mag, held.protocol, list(held.agents) if known else there, held.decide)
    if again is not None and not problems:
        turns = zip(mag.turns, again.turns, strict=True)
        prompted = tuple(old.model_copy(update={"prompt": new.prompt}) for old, new in turns)
        return mag.model_copy(update={"turns": prompted})
    raise DataError(
        f"the prompts of MAG {mag.id} were not kept, and are not to be had from the protocol: {problems[0]}",
        hint="--protocol and -P as its discussions were held; --set discussion.keep_prompts=true keeps prompts",
    )


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
        ProtocolError: The protocol does not make as many turns of these replies.
    """
    problems, again = _held(mag, protocol, agents, decide)
    if again is None or len(again.turns) != len(mag.turns):
        raise ProtocolError(f"{mag.id}: {problems[-1]}")
    return [turn.prompt or () for turn in again.turns]


def _held(
    mag: Mag, protocol: Protocol, agents: list[Agent], decide: DecisionRule | None
) -> tuple[list[str], Mag | None]:
    """Returns what is different, and the discussion as it was held again; None where it could not be to its end."""

    def grade(answer: str | None, gold: str) -> bool:
        return answer == gold

    problems: list[str] = []
    stepper = Stepper(mag.question, protocol, agents, grade=grade, decide=decide, keep_prompts=True)
    try:
        while not stepper.done:
            for step, ask, _, _ in stepper.pending:
                if step >= len(mag.turns):
                    problems.append(
                        f"the protocol goes on with turn {step} ({ask.role}, {ask.agent.name}), the record ends"
                    )
                    return problems, None
                turn = mag.turns[step]
                problems += _unlike(turn, (ask.agent.name, ask.role, ask.round), {(s.step, s.kind) for s in ask.seen})
                stepper.answer(step, as_parsed(turn), turn.text)
    except ProtocolError as error:
        return [*problems, f"the protocol cannot be held again: {error.message}"], None
    held = stepper.result
    if len(held.turns) < len(mag.turns):
        problems.append(f"the protocol ends after {len(held.turns)} turns, the record has {len(mag.turns)}")
    elif held.decision.answer != mag.decision.answer:
        problems.append(f"the protocol decides {held.decision.answer!r}, the record says {mag.decision.answer!r}")
    return problems, held


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


def as_parsed(turn: Turn) -> Parsed | None:
    """Returns what was read of a recorded turn; None where it could not be."""
    if turn.status == "invalid":
        return None
    return Parsed(turn.reasoning, turn.answer, turn.confidence, turn.status == "repaired")


def speakers(mag: Mag) -> list[Agent]:
    """Returns a MAG's agents in the order in which they first spoke."""
    return [Agent(name) for name in dict.fromkeys(turn.agent for turn in mag.turns)]


@dataclass(frozen=True)
class ReplayedPrompts(OwnPrompts):
    """Finds the prompt of every turn: as it was kept, else by holding the discussion again.

    Attributes:
        held: By protocol, how discussions were held whose prompts were not kept.
    """

    held: Mapping[str, Held]

    def found(self, mag: Mag) -> Mag:
        """Holds a discussion again.

        Raises:
            DataError: Its protocol is not known, or another one.
        """
        held = self.held.get(mag.protocol)
        return with_prompts(mag, held) if held else super().found(mag)

    @property
    def known(self) -> Iterable[str]:
        """The protocols that make prompts again."""
        return self.held

    @property
    def reading(self) -> object:
        """What decides the prompts, as JSON."""
        return {
            name: [each.protocol.config.model_dump(mode="json"), [[agent.name, agent.persona] for agent in each.agents]]
            for name, each in self.held.items()
        }


def origins(config: RunConfig) -> Iterator[RunConfig]:
    """Yields the configurations by which a run's MAGs may have been held: of the runs they are from, then its own."""
    near = [name for name in config.discussion.mag_files if not is_url(name)]  # a run may name what it likes
    for place in (Path(each) for name in near for each in expanded(name)):
        run = RunDirectory(place if place.is_dir() else place.parent)
        if run.is_run():
            yield from origins(run.config())
    yield config


def own_prompts(config: RunConfig, components: Components) -> OwnPrompts:
    """Returns where the prompts of a run's MAGs are found: kept ones, else what their protocols make of them."""
    held: dict[str, Held] = {}
    for each in origins(config):
        if each.protocol.name not in held:
            people = agents_of(each, components.task(each.task, each.seed)).items()
            decide = each.discussion.decision
            held[each.protocol.name] = Held(
                components.protocol(each.protocol),
                tuple(Agent(name, choice.persona) for name, choice in people),
                components.decision(decide) if decide else None,
            )
    return ReplayedPrompts(held)
