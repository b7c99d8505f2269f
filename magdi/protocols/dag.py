"""Actors on the nodes of a directed acyclic graph, each mending what its predecessors hand on; critics on the edges.

Paper: Qian et al., "Scaling Large Language Model-based Multi-Agent Collaboration" (MacNet, ICLR 2025). There each edge
has an actor's call of its own and a node with several predecessors one more to merge them; here an actor merges what
its predecessors hand on in the one call in which it acts.

Graph over a topology (N, D): V = {a_v : v in N}, E = {(a_u, a_v) : (u, v) in D}; |N| nodes and |D| edges. With critics
V += {c_uv : (u, v) in D}, E += {(a_u, c_uv), (c_uv, a_v) : (u, v) in D}; |N| + |D| nodes and 3 |D| edges. Nothing but
the newest artifacts is handed on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.decision import last_round, vote
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat, quote
from magdi.core.quotation import enclose
from magdi.core.reply import FreeAnswer, FreeText
from magdi.protocols.templates import Templates, fill

if TYPE_CHECKING:
    import networkx

CRITIC = "critic"

Shape = Literal["chain", "star", "tree", "layered", "full", "random"]


class Prompts(Templates):
    """What actors and critics are asked."""

    first: str = Field("{question}\n\n{form}", description="Actors without predecessors: {question}, {form}.")
    act: str = Field(
        "{question}\n\nThis is what has been handed on to you:\n\n{artifacts}\n\n"
        "Make one better solution of it: merge what holds, and put right what does not.\n\n{form}",
        description="All other actors: {question}, {artifacts} of predecessors and critics, {form}.",
    )
    criticise: str = Field(
        "{question}\n\nThis solution is about to be handed on:\n\n{artifacts}\n\n"
        "Tell whoever gets it what to check and what to put right. Do not solve the question yourself.",
        description="Critics: {question}, {artifacts} (one solution).",
    )


class Dag(Protocol):
    """Solutions that flow along a graph; the vote is over its sinks."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `dag`."""

        topology: Shape = Field("chain", description="The graph; full has all edges (u, v) with u < v.")
        nodes: Repeats | None = Field(None, ge=1, description="Actors; one for each agent when left out.")
        branching: int = Field(2, ge=1, description="Children of a node of a tree.")
        width: int = Field(2, ge=1, description="Nodes of a layer; neighbouring layers are fully connected.")
        density: float = Field(0.5, ge=0, le=1, description="Chance of an edge (u, v), u < v, of a random graph.")
        reverse: bool = Field(False, description="Turn all edges round: a star then gathers instead of spreading.")
        critics: bool = Field(False, description="Put a critic on every edge.")
        seed: int = Field(0, ge=0, description="Seed of a random graph.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """Who acts, and who comments."""
        return "solver", CRITIC

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """All nodes of a depth at once, their critics before them; agents take the nodes by turns."""
        import networkx

        graph = self.graph(self.config.nodes or len(agents))
        said: dict[int, Turn] = {}
        for depth, generation in enumerate(networkx.topological_generations(graph)):
            nodes = sorted(generation)
            advice: dict[tuple[int, int], Turn] = {}
            edges = [(u, v) for v in nodes for u in sorted(graph.predecessors(v)) if said[u].status != "invalid"]
            if self.config.critics and edges:
                critics = yield [
                    self.ask(_of(agents, u + v), round=depth, seen=[said[u]], role=CRITIC, reply=FreeText())
                    for u, v in edges
                ]
                advice = dict(zip(edges, critics, strict=True))
            acts = yield [
                self.ask(
                    _of(agents, v),
                    round=depth,
                    seen=[turn for edge in edges if edge[1] == v for turn in _handed(edge, said, advice)],
                    reply=FreeAnswer(),
                )
                for v in nodes
            ]
            said |= dict(zip(nodes, acts, strict=True))
        return "finished"

    def graph(self, n: int) -> networkx.DiGraph[int]:
        """Returns the topology over nodes 0..n-1."""
        import networkx

        graph: networkx.DiGraph[int] = networkx.DiGraph()
        graph.add_nodes_from(range(n))
        graph.add_edges_from(self._edges(n))
        return graph.reverse() if self.config.reverse else graph

    def _edges(self, n: int) -> list[tuple[int, int]]:
        pairs = [(u, v) for v in range(n) for u in range(v)]
        match self.config.topology:
            case "chain":
                return [(v - 1, v) for v in range(1, n)]
            case "star":
                return [(0, v) for v in range(1, n)]
            case "tree":
                return [((v - 1) // self.config.branching, v) for v in range(1, n)]
            case "layered":
                return [(u, v) for u, v in pairs if v // self.config.width == u // self.config.width + 1]
            case "full":
                return pairs
        lot = random.Random(self.config.seed)
        drawn = [pair for pair in pairs if lot.random() < self.config.density]
        return drawn + [(v - 1, v) for v in range(1, n) if all(target != v for _, target in drawn)]

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """A fresh prompt with what has been handed on."""
        prompts, form = self.config.prompts, ask.reply.instructions(question)
        template = prompts.criticise if ask.role == CRITIC else prompts.act if ask.shown else prompts.first
        artifacts = "\n\n".join(_quote(turn) for turn in ask.shown)
        return chat(ask.agent.persona, fill(template, question=question.prompt, artifacts=artifacts, form=form))

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of the sinks; where none of them has an answer, of the deepest turns that have one."""
        actors = [turn for turn in turns if turn.role != CRITIC]
        handed_on = {step for turn in actors for step in turn.sources}
        sinks = vote(turn for turn in actors if turn.step not in handed_on)
        return sinks if sinks.answer is not None else vote(last_round(actors))


def _of(agents: Sequence[Agent], place: int) -> Agent:
    return agents[place % len(agents)]


def _handed(edge: tuple[int, int], said: dict[int, Turn], advice: dict[tuple[int, int], Turn]) -> list[Turn]:
    return [said[edge[0]], *([advice[edge]] if edge in advice else [])]


def _quote(turn: Turn) -> str:
    return enclose("A critic", turn.text) if turn.role == CRITIC else quote(turn, named=False)
