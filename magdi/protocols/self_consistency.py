"""Self-consistency: several samples of the same prompt, and a plurality vote.

Paper: Wang et al., "Self-Consistency Improves Chain of Thought Reasoning in Language Models" (ICLR 2023). The fair
baseline of every discussion is this one at as many calls.

Graph: V = {v_k : k in [n]}, E = {} (n nodes, no edges).
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from magdi.core.configurable import Samples
from magdi.core.decision import vote
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat
from magdi.core.reply import FreeAnswer
from magdi.protocols.templates import Templates, fill


class Prompts(Templates):
    """What the agents are asked."""

    solve: str = Field("{question}\n\n{form}", description="The only prompt: {question}, {form} of the reply.")


class SelfConsistency(Protocol):
    """Samples of one prompt; every sample has a vote."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `self-consistency`."""

        samples: Samples = Field(5, description="Samples in all; several agents take turns in giving them.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """One wave of samples; the driver tells repeated prompts apart."""
        yield [self.ask(agents[k % len(agents)], branch=(k,), reply=FreeAnswer()) for k in range(self.config.samples)]
        return "answered"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The question and the form of the reply."""
        form = ask.reply.instructions(question)
        return chat(ask.agent.persona, fill(self.config.prompts.solve, question=question.prompt, form=form))

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality over all samples."""
        return vote(turns)
