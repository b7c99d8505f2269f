"""Every agent answers alone, once: the single-agent baseline, and what self-consistency draws from.

Graph: V = {v_i : i in [n]}, E = {} (n nodes, no edges).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from magdi.core.mag import Message, Question
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat
from magdi.core.reply import FreeAnswer, JsonAnswer
from magdi.protocols.templates import Templates, fill


class Prompts(Templates):
    """What the agents are asked."""

    solve: str = Field("{question}\n\n{form}", description="The only prompt: {question}, {form} of the reply.")


class Single(Protocol):
    """Every agent answers the question alone; the vote is over all of them."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `single`."""

        confidence: bool = Field(True, description="Ask for JSON with a stated confidence; else for free text.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """One wave, in which nobody is shown anything."""
        form = JsonAnswer() if self.config.confidence else FreeAnswer()
        yield [self.ask(agent, reply=form) for agent in agents]
        return "answered"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The question and the form of the reply."""
        form = ask.reply.instructions(question)
        return chat(ask.agent.persona, fill(self.config.prompts.solve, question=question.prompt, form=form))
