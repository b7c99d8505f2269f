"""A protocol without Python: who takes part, who speaks when, who sees what, when it stops - in YAML.

    protocol:
      name: dialogue
      cast:
        - {name: optimist, persona: You like bold ideas., ask: Give your own answer.}
        - {name: critic, role: critic, reply: text, ask: Name the mistakes in what has been said.}
      steps:
        - {speak: [optimist]}
        - repeat: 3
          until: approved
          steps:
            - {speak: [critic], sees: [last]}
            - {speak: [optimist], sees: [own, critic.last]}

Each ``speak`` is a wave: its speakers talk at once. The members of the cast go to the agents in order, from the first
again where there are more members than agents; without a cast every agent is one. Graph: E = {(u, v) : u in
sees(v)}; a wave is a round.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, Field, model_validator

from magdi.core.decision import last_answer, last_words, vote
from magdi.core.errors import ConfigError
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, Wave, chat, quote
from magdi.protocols.dialogue_script import FORMS, Member, Spoken, Step, check_sight, ended, flat, read_dialogue, sight
from magdi.protocols.templates import Templates, fill


class Prompts(Templates):
    """How what a speaker is told is put together."""

    alone: str = Field("{question}\n\n{ask}\n\n{form}", description="Nothing is shown: {question}, {ask}, {form}.")
    shown: str = Field(
        "{question}\n\nThis has been said:\n\n{said}\n\n{ask}\n\n{form}",
        description="Something is shown: {question}, {said}, {ask} (what the member is asked), {form} of the reply.",
    )


class Dialogue(Protocol):
    """What a YAML file says."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `dialogue`."""

        file: str = Field("", description="YAML file that these settings are read from; others go before it.")
        cast: tuple[Member, ...] = Field((), description="Who takes part; every agent as itself when left out.")
        steps: tuple[Step, ...] = Field(
            (Step(speak=("all",)), Step(speak=("all",), sees=("last",))),
            min_length=1,
            description="What happens, in order; by default all answer, see each other's answers, and answer again.",
        )
        decision: Literal["vote", "last"] = Field("vote", description="Vote of all last answers, or the last one.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

        @model_validator(mode="before")
        @classmethod
        def _from_file(cls, value: Any) -> Any:
            if not (isinstance(value, dict) and value.get("file")):
                return value
            return read_dialogue(Path(str(value["file"]))) | value

        @model_validator(mode="after")
        def _names_are_known(self) -> Self:
            names = [member.name for member in self.cast]
            if len(set(names)) != len(names):
                raise ValueError("two members of the cast have one name")
            for step in flat(self.steps):
                for name in step.speak:
                    if self.cast and name not in {"all", *names}:
                        raise ValueError(f"{name!r} speaks but is not in the cast: {', '.join(names)}")
                for word in step.sees:
                    check_sight(word, names)
            return self

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """Those of the cast."""
        return tuple(dict.fromkeys(member.role for member in self.config.cast)) or ("solver",)

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """The steps in order.

        Raises:
            ConfigError: Somebody is to speak who does not take part.
        """
        talk = _Talk(self._cast(agents), [])
        if absent := {name for step in flat(self.config.steps) for name in step.speak} - {"all", *talk.cast}:
            there = ", ".join(talk.cast)
            raise ConfigError(f"{min(absent)!r} is to speak, but nobody of that name takes part: {there}")
        for step in self.config.steps:
            stop = yield from self._step(step, talk, ())
        return stop or "finished"

    def _cast(self, agents: Sequence[Agent]) -> dict[str, tuple[Member, Agent]]:
        members = self.config.cast or [Member.model_construct(name=agent.name) for agent in agents]
        seated = [(member, agents[place % len(agents)]) for place, member in enumerate(members)]
        return {m.name: (m, replace(agent, persona=m.persona or agent.persona)) for m, agent in seated}

    def _step(self, step: Step, talk: _Talk, around: tuple[Step, ...]) -> Generator[Wave, list[Turn], str]:
        """Does a step; returns what ended it, or one of those around it, before its time."""
        open_ = (*around, step)
        for _ in range(step.repeat):
            if step.speak:
                yield from self._wave(step, talk)
            for inner in step.steps:
                yield from self._step(inner, talk, open_)
                if _over(open_, talk):
                    break
            if reason := _over(open_, talk):
                return reason
        return ""

    def _wave(self, step: Step, talk: _Talk) -> Generator[Wave, list[Turn], None]:
        names = list(talk.cast) if "all" in step.speak else step.speak
        round = 1 + max((spoken.turn.round for spoken in talk.said), default=-1)
        turns = yield [self._ask(*talk.cast[name], step, round, sight(step.sees, name, talk.said)) for name in names]
        talk.said.extend(Spoken(name, turn) for name, turn in zip(names, turns, strict=True))

    def _ask(self, member: Member, agent: Agent, step: Step, round: int, seen: Sequence[Turn]) -> Ask:
        form, told = FORMS[member.reply](), step.ask or member.ask
        return self.ask(agent, round=round, seen=seen, role=member.role, reply=form, note=told)

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """Question, what is shown, what the member is asked."""
        template = self.config.prompts.shown if ask.shown else self.config.prompts.alone
        said = "\n\n".join(quote(turn, own=ask.agent.name if kind == "self" else "") for turn, kind in _kinds(ask))
        form = ask.reply.instructions(question)
        told = fill(template, question=question.prompt, said=said, ask=ask.note, form=form)
        return chat(ask.agent.persona, told.strip())

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of everybody's last answer, or the last answer of all."""
        return last_answer(turns) if self.config.decision == "last" else vote(last_words(turns))


class _Talk(NamedTuple):
    cast: dict[str, tuple[Member, Agent]]
    said: list[Spoken]

    @property
    def voters(self) -> int:
        """How many agents are asked for answers."""
        return len({agent.name for member, agent in self.cast.values() if member.reply != "text"})


def _over(steps: Sequence[Step], talk: _Talk) -> str:
    return next((reason for step in steps if (reason := ended(step.until, talk.said, talk.voters))), "")


def _kinds(ask: Ask) -> list[tuple[Turn, str]]:
    return list(zip(ask.shown, ask.kinds, strict=True))
