"""Solver and critic: strict alternation until the critic approves.

Pattern: the assistant and its critic of AutoGen (Wu et al., COLM 2024), RoundRobinGroupChat with a text mention.

Graph of M messages m_1..m_M: E = {(m_s, m_t) : s < t}, M (M - 1) / 2 edges; the critic's are of kind ``critique``.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.decision import last_answer
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, quote
from magdi.core.quotation import enclose, own_words
from magdi.core.reply import FreeAnswer, FreeText
from magdi.protocols.conversation import conversation
from magdi.protocols.templates import Templates, fill

CRITIC = "critic"


class Prompts(Templates):
    """What solver and critic are asked."""

    solve: str = Field("{question}\n\n{form}", description="The solver's first message: {question}, {form}.")
    revise: str = Field(
        "A critic says:\n\n{criticism}\n\nAnswer the question anew, taking from this what holds.\n\n{form}",
        description="The solver's later messages: {criticism}, {form}.",
    )
    criticise: str = Field(
        "You are the critic of whoever answers the question below. Check every step and name each mistake, without "
        "giving a solution of your own. If the solution is right, reply with the one word {approve}.\n\n{question}",
        description="The critic's first message: {approve} (the word that ends it), {question}.",
    )
    solution: str = Field("{solution}", description="Each solution that the critic gets: {solution}.")


class SolverCritic(Protocol):
    """The first agent solves, the others take turns as critics, until one approves."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `solver-critic`."""

        max_turns: Repeats = Field(6, ge=1, description="Most messages.")
        approve: str = Field("APPROVE", min_length=1, description="The critic's word that ends it.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """Who answers, and who comments."""
        return "solver", CRITIC

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """One message a wave, each shown all before it."""
        said: list[Turn] = []
        critics = agents[1:] or agents
        while len(said) < self.config.max_turns:
            t = len(said)
            if t % 2 == 0:
                said += yield [self.ask(agents[0], round=t, seen=said, reply=FreeAnswer())]
                if said[-1].status == "invalid":
                    return "nothing to criticise"
            else:
                critic = critics[t // 2 % len(critics)]
                said += yield [self.ask(critic, round=t, seen=said, role=CRITIC, reply=FreeText())]
                if said[-1].status == "invalid":
                    return "nothing criticised"
                if self.config.approve in own_words(said[-1].text):
                    return "approved"
        return "turns"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The chat so far, from the side of the one or the other."""
        prompts, form = self.config.prompts, ask.reply.instructions(question)
        if ask.role == CRITIC:
            opening = fill(prompts.criticise, question=question.prompt, approve=self.config.approve)
            return conversation(ask, opening, lambda new, said, last: fill(prompts.solution, solution=_quotes(new)))
        return conversation(
            ask,
            fill(prompts.solve, question=question.prompt, form=form),
            lambda new, said, last: fill(prompts.revise, criticism=_quotes(new), form=form),
        )

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """The solver's last answer."""
        return last_answer(turns)


def _quotes(turns: Sequence[Turn]) -> str:
    return "\n\n".join(
        enclose(f"Critic {turn.agent}", turn.text) if turn.role == CRITIC else quote(turn) for turn in turns
    )
