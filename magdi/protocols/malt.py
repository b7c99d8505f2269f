"""MALT: a tree of generator, verifier and refiner, whose leaves' outcomes give every node a value.

Paper: Motwani et al., "MALT: Improving Reasoning with Multi-Agent LLM Training" (COLM 2025, arXiv 2412.01928).

Graph with n samples a step, g_j, v_jk, r_jkl: E = {(g_j, v_jk), (g_j, r_jkl), (v_jk, r_jkl)}; n + n^2 + n^3 nodes and
n^2 + 2 n^3 edges (n = 3: 39/63). With one agent in all roles the view ``adjacent`` is the tree: n^2 + n^3 (36). Mode
``vote`` (MV@n) holds n chains: 3 n nodes and 3 n edges (n = 3: 9/9); a reply in it is taken as it comes.

Values: V(r) is 1 for a right answer and 0 for a wrong one; V(v) is the mean over its refinements, V(g) the mean over
its verifications. Every turn keeps its own ``correct`` beside the label that its value gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from magdi.core.credit import Credit
from magdi.core.decision import vote
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat, quote
from magdi.core.quotation import enclose
from magdi.core.reply import Extract, FreeAnswer, FreeText, Parsed, ReplyFormat, UnreadableReply, strip_answer_sentence
from magdi.protocols.templates import Templates, fill

Role = Literal["generator", "verifier", "refiner"]
GENERATOR: Role = "generator"
VERIFIER: Role = "verifier"
REFINER: Role = "refiner"
ROLES = (GENERATOR, VERIFIER, REFINER)
SHOWN_AS: dict[str, str] = {GENERATOR: "solution", VERIFIER: "verification"}
NOTHING_TO = {VERIFIER: "verify", REFINER: "refine"}
DONE = {GENERATOR: "generated", VERIFIER: "verified", REFINER: "refined"}


class OptionalAnswer(FreeAnswer):
    """Free text that is asked for an answer, and is taken as it comes where it gives none."""

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Takes the whole text as reasoning where no answer is found in it; an empty reply is unreadable."""
        try:
            return super().parse(text, extract)
        except UnreadableReply:
            return FreeText().parse(text, extract)


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


class StatedAnswer(FreeText):
    """Free text in which an answer counts where it is stated as one: a critique is full of numbers and letters."""

    def parse(self, text: str, extract: Extract) -> Parsed:
        """Reads "the answer is ..." or a boxed answer, and nothing else."""
        stated = strip_answer_sentence(text) != text.strip() or "\\boxed" in text
        return OptionalAnswer().parse(text, extract) if stated else super().parse(text, extract)


class Malt(Protocol):
    """Generate, verify, refine, with n samples at every step."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `malt`."""

        samples: int = Field(3, ge=1, le=100, description="n: samples a step; chains in mode vote.")
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
        roles: tuple[Role, ...] = Field(
            ROLES, description="Who takes part; all but the generator may be left out in mode vote (Table 5)."
        )
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

        @model_validator(mode="after")
        def _roles_make_a_chain(self) -> Self:
            if self.roles != tuple(role for role in ROLES if role in self.roles) or self.roles[:1] != (GENERATOR,):
                raise ValueError("roles are generator, verifier, refiner in this order, the generator among them")
            if self.mode == "tree" and self.roles != ROLES:
                raise ValueError("a tree has all three roles; mode: vote can do without the verifier or the refiner")
            return self

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """Those that take part."""
        return self.config.roles

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """A wave a role; roles go to the agents in order, from the first again.

        In a tree nothing grows from an invalid turn. A chain goes on, and what cannot be shown is left out.
        """
        n, roles, tree = self.config.samples, self.config.roles, self.config.mode == "tree"
        seated = {role: agents[place % len(agents)] for place, role in enumerate(ROLES)}
        said = yield [self._ask(seated[GENERATOR], GENERATOR, [], j) for j in range(n)]
        paths = [[turn] for turn in said]
        for role in roles[1:]:
            grown = [
                (path, self._ask(seated[role], role, path, k))
                for path in paths
                if path[-1].status != "invalid" or not tree
                for k in range(n if tree else 1)
            ]
            if not grown:
                return f"nothing to {NOTHING_TO[role]}"
            said = yield [ask for _, ask in grown]
            paths = [[*path, turn] for (path, _), turn in zip(grown, said, strict=True)]
        return DONE[roles[-1]]

    def _ask(self, agent: Agent, role: Role, path: Sequence[Turn], sample: int) -> Ask:
        branch = (*path[-1].branch, sample) if path else (sample,)
        return self.ask(agent, round=len(path), seen=path, role=role, branch=branch, reply=self._reply(role))

    def _reply(self, role: Role) -> ReplyFormat:
        """In a chain a reply is what it is, and is not asked for again: a = T(r), whatever r is."""
        if role == VERIFIER:
            return StatedAnswer() if self.config.roles[-1] == VERIFIER else FreeText()
        return OptionalAnswer() if self.config.mode == "vote" else FreeAnswer()

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """A fresh prompt for each role."""
        values = {"solution": "", "verification": ""} | {SHOWN_AS[turn.role]: _quote(turn) for turn in ask.shown}
        template: str = getattr(self.config.prompts, ask.role)
        form = ask.reply.instructions(question)
        text = fill(template, question=question.prompt, form=form, **values)
        if any(f"{{{name}}}" in template and not value for name, value in values.items()):
            text = re.sub("\n{3,}", "\n\n", text)  # nobody spoke there
        return chat(ask.agent.persona, text)

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Plurality of what the last role answers; of a verifier who states no answer, the generator's stands."""
        last = [turn for turn in turns if turn.role == self.config.roles[-1]]
        return vote(turn if turn.answer or turn.role != VERIFIER else turns[turn.seen[0].step] for turn in last)

    def label(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """Refinements are labelled by the gold answer, what led to them by the value that it had."""
        graded = {turn.branch: turn.correct for turn in turns if turn.role == REFINER}
        values = backed_up({branch: float(correct) for branch, correct in graded.items() if correct is not None})
        return [self._labelled(turn, values) for turn in turns]

    def _labelled(self, turn: Turn, values: Mapping[tuple[int, ...], float]) -> Turn:
        value = values.get(turn.branch)
        if value is None:
            return turn
        if turn.role == REFINER:
            return turn.model_copy(update={"value": value, "label": turn.correct, "label_source": "gold"})
        *above, _ = turn.branch
        siblings = [values[each] for each in values if [*each[:-1]] == above]
        credit = Credit(labels=self.config.labels, theta=self.config.theta, gap=self.config.gap)
        label = credit.label(value, siblings)
        source = "none" if label is None else "value"
        return turn.model_copy(update={"value": value, "label": label, "label_source": source})


def _quote(turn: Turn) -> str:
    return enclose("The verifier", turn.text) if turn.role == VERIFIER else quote(turn, named=False)


def backed_up(leaves: Mapping[tuple[int, ...], float]) -> dict[tuple[int, ...], float]:
    """Returns the value of every branch of a tree: those of its leaves, and the mean of its children's for the rest."""
    values = dict(leaves)
    for depth in range(max(map(len, leaves), default=0) - 1, 0, -1):
        below: dict[tuple[int, ...], list[float]] = {}
        for branch, value in values.items():
            if len(branch) == depth + 1:
                below.setdefault(branch[:depth], []).append(value)
        values |= {branch: fmean(each) for branch, each in below.items()}
    return values
