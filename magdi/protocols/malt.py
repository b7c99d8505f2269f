"""MALT: a tree of generator, verifier and refiner, whose leaves' outcomes give every node a value.

Paper: Motwani et al., "MALT: Improving Reasoning with Multi-Agent LLM Training" (COLM 2025, arXiv 2412.01928).

Graph with n samples a step, g_j, v_jk, r_jkl: E = {(g_j, v_jk), (g_j, r_jkl), (v_jk, r_jkl)}; n + n^2 + n^3 nodes and
n^2 + 2 n^3 edges (n = 3: 39/63). With one agent in all roles the view ``adjacent`` is the tree: n^2 + n^3 (36). Mode
``vote`` (MV@n) holds n chains: 3 n nodes and 3 n edges (n = 3: 9/9).

Values: V(r) is 1 for a right answer and 0 for a wrong one; V(v) is the mean over its refinements, V(g) the mean over
its verifications. Every turn keeps its own ``correct`` beside the label that its value gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal

from pydantic import BaseModel, Field

from magdi.core.decision import vote
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat, quote
from magdi.core.quotation import enclose
from magdi.core.reply import FreeAnswer, FreeText
from magdi.core.templates import Templates, fill

GENERATOR, VERIFIER, REFINER = ("generator", "verifier", "refiner")


class Prompts(Templates):
    """What the three roles are asked."""

    generator: str = Field("{question}\n\n{form}", description="The generator: {question}, {form} of the reply.")
    verifier: str = Field(
        "{question}\n\nSomebody has answered this question.\n\n{solution}\n\n"
        "Verify it: go through it step by step, say for each step whether it holds, and point out every mistake.",
        description="The verifier: {question}, {solution}.",
    )
    refiner: str = Field(
        "{question}\n\nSomebody has answered this question, and a verifier has checked it.\n\n{solution}\n\n"
        "{verification}\n\nWrite the final solution: keep what holds, and put right what does not.\n\n{form}",
        description="The refiner: {question}, {solution}, {verification}, {form}.",
    )


class Malt(Protocol):
    """Generate, verify, refine, with n samples at every step."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `malt`."""

        samples: int = Field(3, ge=1, description="n: samples a step; chains in mode vote.")
        mode: Literal["tree", "vote"] = Field(
            "tree", description="All n + n^2 + n^3 turns, to learn from; or n chains and a vote (MV@n), to answer."
        )
        labels: Literal["threshold", "interval"] = Field(
            "threshold",
            description="A turn is right when its value is above theta; or when it beats a sibling by the gap and no "
            "sibling beats it so (wrong the other way round, no label in between).",
        )
        theta: float = Field(0.5, ge=0, le=1, description="Threshold of values.")
        gap: float = Field(0.5, gt=0, le=1, description="Least difference of values, for labels interval.")
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Three waves; nothing grows from an invalid turn. Roles go to the agents in order, from the first again."""
        n, tree = self.config.samples, self.config.mode == "tree"
        generator, verifier, refiner = (agents[i % len(agents)] for i in range(3))
        width = range(n if tree else 1)
        generated = yield [self.ask(generator, role=GENERATOR, branch=(j,), reply=FreeAnswer()) for j in range(n)]
        asks = [self._verification(verifier, g, k) for g in generated if g.status != "invalid" for k in width]
        if not asks:
            return "nothing to verify"
        verified = yield asks
        origin = {turn.branch: turn for turn in generated}
        asks = [
            self._refinement(refiner, origin[v.branch[:1]], v, k)
            for v in verified
            if v.status != "invalid"
            for k in width
        ]
        if not asks:
            return "nothing to refine"
        yield asks
        return "refined"

    def _verification(self, agent: Agent, g: Turn, k: int) -> Ask:
        return self.ask(agent, round=1, seen=[g], role=VERIFIER, branch=(*g.branch, k), reply=FreeText())

    def _refinement(self, agent: Agent, g: Turn, v: Turn, k: int) -> Ask:
        return self.ask(agent, round=2, seen=[g, v], role=REFINER, branch=(*v.branch, k), reply=FreeAnswer())

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """A fresh prompt for each role."""
        names = ("solution", "verification")
        values = dict(zip(names, (_quote(turn) for turn in ask.shown), strict=False))
        template: str = getattr(self.config.prompts, ask.role)
        form = ask.reply.instructions(question)
        return chat(ask.agent.persona, fill(template, question=question.prompt, form=form, **values))

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of the refiner's answers."""
        return vote(turn for turn in turns if turn.role == REFINER)

    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """Refinements are labelled by the gold answer, what led to them by the value that it had."""
        values = backed_up(turns)
        return [self._labelled(turn, values) for turn in turns]

    def _labelled(self, turn: Turn, values: Mapping[tuple[int, ...], float]) -> Turn:
        value = values.get(turn.branch)
        if value is None:
            return turn
        if turn.role == REFINER:
            return turn.model_copy(update={"value": value, "label": turn.correct, "label_source": "gold"})
        label = value > self.config.theta
        if self.config.labels == "interval":
            known = self._by_interval(turn.branch, values)
            if known is None:
                return turn.model_copy(update={"value": value})
            label = known
        return turn.model_copy(update={"value": value, "label": label, "label_source": "value"})

    def _by_interval(self, branch: tuple[int, ...], values: Mapping[tuple[int, ...], float]) -> bool | None:
        siblings = [values[other] for other in values if len(other) == len(branch) and other[:-1] == branch[:-1]]
        beats = values[branch] - min(siblings) >= self.config.gap
        beaten = max(siblings) - values[branch] >= self.config.gap
        return None if beats == beaten else beats


def backed_up(turns: Sequence[Turn]) -> dict[tuple[int, ...], float]:
    """Returns the value of every branch from which a graded refinement has grown."""
    values = {turn.branch: float(turn.correct) for turn in turns if turn.role == REFINER and turn.correct is not None}
    for depth in (2, 1):
        below: dict[tuple[int, ...], list[float]] = {}
        for branch, value in values.items():
            if len(branch) == depth + 1:
                below.setdefault(branch[:depth], []).append(value)
        values |= {branch: fmean(each) for branch, each in below.items()}
    return values


def _quote(turn: Turn) -> str:
    return enclose("The verifier", turn.text) if turn.role == VERIFIER else quote(turn, named=False)
