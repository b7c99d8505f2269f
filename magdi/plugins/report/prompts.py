"""Prompts of turns that were kept without them, made again: a protocol told the same replies words the same prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from magdi.core.components import Components
from magdi.core.config.models import RunConfig
from magdi.core.decision import DecisionRule
from magdi.core.discussion.stepper import Pending, Stepper
from magdi.core.errors import MagdiError, ProtocolError
from magdi.core.mag import Mag, Message, Turn
from magdi.core.protocol import Agent, Protocol
from magdi.core.run.seats import seats
from magdi.plugins.corpus.replay import as_parsed


@dataclass(slots=True)
class Reworder:
    """Makes the prompts of discussions again, without asking anybody.

    Attributes:
        protocol: The protocol that held them.
        name: What the MAGs call it; those of another protocol are left as they are.
        agents: Who took part.
        decide: The decision rule, where it was not the protocol's own.
        restored: Turns whose prompt was made again, so far.
    """

    protocol: Protocol
    name: str
    agents: Sequence[Agent]
    decide: DecisionRule | None = None
    restored: int = field(default=0, init=False)

    @classmethod
    def of(cls, config: RunConfig, components: Components) -> Reworder | None:
        """Makes one for a run; None where the run did not hold its discussions itself, or a plugin of it is missing."""
        if config.discussion.mags is not None:
            return None
        try:
            task = components.task(config.task, config.seed)
            rule = components.decision(config.discussion.decision) if config.discussion.decision else None
            taking_part = [seat.agent for seat in seats(config, task, components)]
            return cls(components.protocol(config.protocol), config.protocol.name, taking_part, rule)
        except MagdiError:
            return None

    def complete(self, mag: Mag) -> Mag:
        """Returns a MAG whose turns have prompts, as far as what is driven again is what was recorded."""
        if mag.protocol != self.name or all(turn.prompt is not None for turn in mag.turns):
            return mag
        try:
            prompts = self._prompts(mag)
        except ProtocolError:
            return mag
        self.restored += len(prompts)
        turns = (
            turn if turn.prompt is not None else turn.model_copy(update={"prompt": prompts.get(turn.step)})
            for turn in mag.turns
        )
        return mag.model_copy(update={"turns": tuple(turns)})

    def _prompts(self, mag: Mag) -> dict[int, tuple[Message, ...]]:
        stepper = Stepper(
            mag.question,
            self.protocol,
            self.agents,
            grade=lambda answer, gold: answer == gold,  # comes after the last prompt, so it decides nothing here
            decide=self.decide,
        )
        prompts: dict[int, tuple[Message, ...]] = {}
        while not stepper.done:
            wave = stepper.pending
            if wave[-1].step >= len(mag.turns) or not all(_is_same(each, mag.turns[each.step]) for each in wave):
                break
            prompts |= {each.step: each.messages for each in wave}
            for each in wave:
                turn = mag.turns[each.step]
                stepper.answer(each.step, as_parsed(turn), turn.text)
        return prompts


def _is_same(pending: Pending, turn: Turn) -> bool:
    ask = pending.ask
    asked = (ask.agent.name, ask.role, ask.round, ask.branch, ask.seen)
    return asked == (turn.agent, turn.role, turn.round, turn.branch, turn.seen)
