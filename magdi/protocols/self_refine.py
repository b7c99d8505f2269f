"""Self-refine: an agent comments on its own solution and mends it, until it has nothing to say against it.

Paper: Madaan et al., "Self-Refine: Iterative Refinement with Self-Feedback" (NeurIPS 2023).

Graph of one agent after k refinements, answers a_0..a_k and comments c_1..c_k: E = {(a_j-1, c_j), (a_j-1, a_j),
(c_j, a_j) : 1 <= j <= k}; 2k + 1 nodes and 3k edges. A comment that approves ends the chain and adds one node and one
edge. Without feedback a chain a_0 -> ... -> a_k: k + 1 nodes and k edges. Several agents have a chain each, with no
edge between them.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.mag import Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat, quote
from magdi.core.quotation import enclose, own_words
from magdi.core.reply import FreeAnswer, FreeText
from magdi.protocols.templates import Templates, fill

APPROVE = "APPROVE"


class Prompts(Templates):
    """What the agents are asked."""

    solve: str = Field("{question}\n\n{form}", description="First answer: {question}, {form} of the reply.")
    comment: str = Field(
        "{question}\n\nHere is a solution.\n\n{solution}\n\n"
        "Be its critic: check every step and name each mistake, without solving the question anew. If there is "
        "nothing to mend, reply with the one word {approve}.",
        description="Feedback: {question}, {solution}, {approve} (the word that ends it).",
    )
    refine: str = Field(
        "{question}\n\nHere is your solution, and what its critic says.\n\n{solution}\n\n{comment}\n\n"
        "Write a better solution.\n\n{form}",
        description="Refinement after feedback: {question}, {solution}, {comment}, {form}.",
    )
    revise: str = Field(
        "{question}\n\nHere is your solution.\n\n{solution}\n\n"
        "Check it step by step, then write it anew, with any mistake put right.\n\n{form}",
        description="Refinement without feedback: {question}, {solution}, {form}.",
    )


class SelfRefine(Protocol):
    """Answer, comment on it, refine it, again; every agent on its own."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `self-refine`."""

        refinements: Repeats = Field(2, ge=0, description="Most refinements of an answer.")
        feedback: bool = Field(True, description="Comment before each refinement; else only ask to check again.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """Who answers, and who comments."""
        return "solver", "critic"

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """All chains side by side; each ends by itself."""
        answers = yield [self.ask(agent, reply=FreeAnswer()) for agent in agents]
        chains = {agent: turn for agent, turn in zip(agents, answers, strict=True) if turn.answer is not None}
        step = 2 if self.config.feedback else 1
        for round in range(1, step * self.config.refinements + 1, step):
            comments: dict[Agent, Turn] = {}
            if chains and self.config.feedback:
                said = yield [
                    self.ask(agent, round=round, seen=[turn], role="critic", reply=FreeText())
                    for agent, turn in chains.items()
                ]
                comments = {agent: turn for agent, turn in zip(chains, said, strict=True) if not approves(turn)}
                chains = {agent: chains[agent] for agent in comments}
            if not chains:
                return "approved"
            refined = yield [
                self.ask(agent, round=round + step - 1, seen=[turn, *_one(comments.get(agent))], reply=FreeAnswer())
                for agent, turn in chains.items()
            ]
            chains = {
                agent: turn if turn.answer is not None else chains[agent]
                for agent, turn in zip(chains, refined, strict=True)
            }
        return "refinements"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The question, the newest solution, and the comment on it where there is one."""
        prompts = self.config.prompts
        template = prompts.solve
        if ask.shown:
            template = prompts.comment if ask.role == "critic" else prompts.refine if ask.shown[1:] else prompts.revise
        values = dict(zip(("solution", "comment"), (_quote(turn, ask.role) for turn in ask.shown), strict=False))
        form = ask.reply.instructions(question)
        return chat(ask.agent.persona, fill(template, question=question.prompt, form=form, approve=APPROVE, **values))


def approves(turn: Turn) -> bool:
    """Returns whether a critic has nothing to say: the word APPROVE, or no reply that could be read."""
    return turn.status == "invalid" or APPROVE in own_words(turn.text)


def _one(turn: Turn | None) -> list[Turn]:
    return [] if turn is None else [turn]


def _quote(turn: Turn, reader: str) -> str:
    if turn.role == "critic":
        return enclose("The critic", turn.text)
    # A critic that is told whose solution it is spares it.
    return quote(turn, own="" if reader == "critic" else turn.agent, named=False)
