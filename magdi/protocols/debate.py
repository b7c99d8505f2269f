"""Multi-agent debate: agents answer, read each other, and answer again, for a fixed number of rounds.

Paper: Du et al., "Improving Factuality and Reasoning in Language Models through Multiagent Debate" (ICML 2024);
topologies of EoT (Yin et al., 2023) and of sparse debate (Li et al., 2024); agreement intensity of DebateLLM (Smit et
al., 2024).

Graph, with A in [n] x [n] saying that k reads i, R further rounds:

- memory ``full`` (an agent's whole chat): E = {(v_i,l, v_k,j) : (i, k) in A, 0 <= l < j <= R}; |A| R (R + 1) / 2 edges
- memory ``last``: E = {(v_i,j-1, v_k,j) : (i, k) in A, 1 <= j <= R}; |A| R edges
- memory ``summary``: s_j summarises round j - 1: E = {(v_i,j-1, s_j), (s_j, v_k,j)}; n (R + 1) + R nodes, 2 n R edges
- schedule ``async``: within a round agent k reads what those before it have said in that very round:
  E = {(v_i,j, v_k,j) : i < k} + {(v_i,j-1, v_k,j) : i >= k}, and with full memory all that came before, too

All but ``summary`` have n (R + 1) nodes.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from magdi.core.configurable import Repeats
from magdi.core.decision import consensus, last_round, vote
from magdi.core.errors import ConfigError
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, Wave, quote
from magdi.core.quotation import enclose
from magdi.core.reply import FreeAnswer, FreeText, JsonAnswer, ReplyFormat
from magdi.protocols.conversation import conversation
from magdi.protocols.templates import Templates, fill
from magdi.protocols.topology import Adjacency, Topology, adjacency, given


class Prompts(Templates):
    """What the agents are asked."""

    first: str = Field("{question}\n\n{form}", description="Round 0: {question}, {form} of the reply.")
    update: str = Field(
        "Other agents have answered the same question:\n\n{solutions}\n\n"
        "Compare their reasoning with yours, keep what holds, and answer the question anew.{agreement}\n\n{form}",
        description="Further rounds: {solutions} of others, {agreement} (a sentence or nothing), {form}.",
    )
    reflect: str = Field(
        "Go through your solution again, step by step, and answer the question anew.\n\n{form}",
        description="Further rounds where there is nobody to read: {form}.",
    )
    agreement: str = Field(
        " On a scale from 0 (never give in) to 10 (always adopt what the others say), let {level} guide you.",
        description="Agreement intensity: {level}.",
    )
    summarise: str = Field(
        "{question}\n\nSeveral agents have answered this question:\n\n{solutions}\n\n"
        "Sum up their answers and the reasons for each, fairly and briefly. Do not add an answer of your own.",
        description="Memory summary: {question}, {solutions}.",
    )
    summary: str = Field(
        "This is a summary of all the answers that were given so far:\n\n{solutions}\n\n"
        "Take from it what holds, and answer the question anew.{agreement}\n\n{form}",
        description="Further rounds with memory summary: {solutions} (the summary), {agreement}, {form}.",
    )


class Debate(Protocol):
    """Rounds in which agents read whom the topology lets them read."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `debate`."""

        rounds: Repeats = Field(1, ge=0, description="Further rounds after the first; Du et al.'s T - 1.")
        topology: Topology = Field(
            "full", description="Who reads whom; custom takes it from adjacency, random draws it anew for each round."
        )
        seed: int = Field(0, ge=0, description="Seed of topology random; the question's id goes in, too.")
        degree: int = Field(2, ge=0, description="Whom each reads under topology regular, itself not counted.")
        adjacency: Adjacency | None = Field(
            None, description="Custom topology: for each agent, the positions (from 0) of those whom it reads."
        )
        own: bool | None = Field(
            None, description="Keep an agent's own answers in its prompts; by default unless memory is summary."
        )
        memory: Literal["full", "last", "summary"] = Field(
            "full", description="What is read: everything so far, the round before, or a summary of it."
        )
        schedule: Literal["sync", "async"] = Field(
            "sync", description="Whether agents of a round speak at once, or in turn and hear those before them."
        )
        agreement: int | None = Field(None, ge=0, le=10, description="Agreement intensity (DebateLLM).")
        until_consensus: bool = Field(False, description="Stop as soon as all agree.")
        confidence: bool = Field(False, description="Ask for JSON with a stated confidence; else for free text.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

        @model_validator(mode="after")
        def _settings_fit(self) -> Self:
            if (self.topology == "custom") != (self.adjacency is not None):
                raise ValueError("topology custom and adjacency go together")
            rows = self.adjacency or ()
            if unknown := sorted({i for sources in rows for i in sources if not 0 <= i < len(rows)}):
                raise ValueError(
                    f"adjacency has {len(rows)} rows, one for each agent, and names {unknown}: agents are numbered "
                    f"from 0 to {len(rows) - 1}"
                )
            if self.memory == "summary" and (self.topology != "full" or self.schedule == "async"):
                raise ValueError("with memory summary all read the same summary: topology full, schedule sync")
            return self

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """Who answers, and who sums up."""
        return "solver", "summariser"

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Round 0 alone, then as many rounds as configured.

        Raises:
            ConfigError: The adjacency is for another number of agents.
        """
        rows = self.config.adjacency
        if rows is not None and len(rows) != len(agents):
            raise ConfigError(f"adjacency is for {len(rows)} agents, but {len(agents)} take part")
        lot = random.Random(f"{self.config.seed}:{question.id}")
        history = list((yield [self.ask(agent, reply=self._form) for agent in agents]))
        said = history[:]
        for round in range(1, self.config.rounds + 1):
            if self.config.until_consensus and consensus(said):
                return "consensus"
            said = yield from self._round(round, agents, history, lot)
            history += said
        return "consensus" if consensus(said) else "rounds"

    def _round(
        self, round: int, agents: Sequence[Agent], history: list[Turn], lot: random.Random
    ) -> Generator[Wave, list[Turn], list[Turn]]:
        if self.config.memory == "summary":
            return (yield from self._summary_round(round, agents, history[-len(agents) :]))
        said: list[Turn] = []
        in_turn, reads = self.config.schedule == "async", self._reads(len(agents), lot)
        for wave in [[k] for k in range(len(agents))] if in_turn else [range(len(agents))]:
            said += yield [
                self.ask(agents[k], round=round, seen=self._read(reads[k], agents, history + said), reply=self._form)
                for k in wave
            ]
        return said

    def _summary_round(
        self,
        round: int,
        agents: Sequence[Agent],
        before: list[Turn],
    ) -> Generator[Wave, list[Turn], list[Turn]]:
        summaries: list[Turn] = []
        if any(turn.status != "invalid" for turn in before):
            summaries = yield [self.ask(agents[0], round=round, seen=before, role="summariser", reply=FreeText())]
        return (
            yield [
                self.ask(agent, round=round, seen=[*summaries, *([own] if self._own else [])], reply=self._form)
                for agent, own in zip(agents, before, strict=True)
            ]
        )

    def _read(self, sources: Sequence[int], agents: Sequence[Agent], history: Sequence[Turn]) -> list[Turn]:
        names = {agents[i].name for i in sources}
        read = [turn for turn in history if turn.agent in names]
        if self.config.memory == "full":
            return read
        return list({turn.agent: turn for turn in read}.values())

    def _reads(self, n: int, lot: random.Random) -> Adjacency:
        if self.config.adjacency is None:
            return adjacency(self.config.topology, n, degree=self.config.degree, own=self._own, lot=lot)
        return given(self.config.adjacency, own=self._own)

    @property
    def _own(self) -> bool:
        return self.config.memory != "summary" if self.config.own is None else self.config.own

    @property
    def _form(self) -> ReplyFormat:
        return JsonAnswer() if self.config.confidence else FreeAnswer()

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The agent's chat: the question, its own replies, and what it was shown of others between them."""
        prompts, form = self.config.prompts, ask.reply.instructions(question)
        if ask.role == "summariser":
            told = fill(prompts.summarise, question=question.prompt, solutions=_quotes(ask.shown))
            return conversation(Ask(ask.agent), told, lambda new, said, last: "")
        level = self.config.agreement
        agreement = "" if level is None else fill(prompts.agreement, level=level)

        def reaction(new: Sequence[Turn], said: int, last: bool) -> str:
            if not new:
                return fill(prompts.reflect, form=form)
            template = prompts.summary if new[0].role == "summariser" else prompts.update
            return fill(template, solutions=_quotes(new), agreement=agreement, form=form)

        return conversation(ask, fill(prompts.first, question=question.prompt, form=form), reaction)

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of the last round in which anyone gave an answer."""
        return vote(last_round(turns), rule="last-round")


def _quotes(turns: Sequence[Turn]) -> str:
    return "\n\n".join(
        enclose("Summary", turn.text) if turn.role == "summariser" else quote(turn, named=False) for turn in turns
    )
