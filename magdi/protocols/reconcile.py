"""ReConcile: a round table of different models with a confidence-weighted vote.

Paper: Chen, Saha, Bansal, "ReConcile: Round-Table Conference Improves Reasoning via Consensus among Diverse LLMs"
(ACL 2024); it is the discussion that MAGDi distils (section 3.1 there).

Round 0: every agent alone. Round j: every agent is shown the answers of round j-1 in groups, with reasoning and stated
confidence, its own marked. It ends on consensus, or after R further rounds; the answer is a vote of the last round,
weighted by recalibrated confidence.

Graph of R' <= R further rounds: V = {v_i,j}, E = {(v_i,j, v_k,j+1) : i, k in [n], 0 <= j < R'}; n (R' + 1) nodes and
n^2 R' edges, for n = 3: 3/0, 6/9, 9/18, 12/27. With ``groups: top2``, i only runs over the two largest groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.decision import consensus, last_round, tally, vote
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, chat, quote
from magdi.core.quotation import one_line
from magdi.protocols.confidence import Calibration, recalibrate
from magdi.protocols.convincing import Convincing, samples_for
from magdi.protocols.templates import Templates, fill


class Prompts(Templates):
    """What the agents are asked."""

    first: str = Field(
        "{question}\n\n{form}",
        description="Round 0: {question}, {form} of the reply.",
    )
    further: str = Field(
        "{question}\n\n"
        "{count} agents have answered this question. Their solutions follow, grouped by answer, each with the "
        "confidence that its author stated.\n\n"
        "{digest}\n\n"
        "Go through these solutions with care. Say which of them you agree or disagree with and why, then give your "
        "own answer, which may be a new one.\n\n{form}",
        description="Further rounds: {question}, {count} of solutions, {digest} of them, {form} of the reply.",
    )
    group: str = Field("{count} of {total} say {answer}:", description="Headline of a group of equal answers.")
    examples: str = Field(
        "Here are explanations that have changed other agents' minds on other questions.\n\n{examples}\n\n"
        "Now to the question itself.",
        description="Before the question, where there are convincing samples: {examples}.",
    )
    example: str = Field(
        "Question: {question}\nExplanation: {explanation}\nAnswer: {answer}",
        description="One convincing sample.",
    )


class ReConcile(Protocol):
    """Rounds in which all see all, until consensus; answers weighted by confidence."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `reconcile`."""

        rounds: Repeats = Field(3, ge=0, description="Most further rounds after the first.")
        groups: Literal["all", "top2"] = Field(
            "all", description="Show all groups of answers, or the two largest (what the authors' code does)."
        )
        calibration: Calibration = Field(
            "paper",
            description="Weight of a vote: the paper's table, the confidence as stated, equal, or the path of a "
            "calibration that `magdi mags calibrate` has fitted.",
        )
        convincing: Convincing = Field(
            {},
            description="Convincing samples by agent (a mapping, or the path of a JSON file of one); each agent is "
            "shown those of the others.",
        )
        convincing_count: int = Field(4, ge=0, description="Most convincing samples shown of each other agent.")
        convincing_first: bool = Field(
            False, description="Show them in round 0, too (what the authors' code does); round 0 is then few-shot."
        )
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """All answer."""
        return ("solver",)

    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self._weight = recalibrate(self.config.calibration)

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Round 0 alone, then rounds in which each is shown the round before."""
        said = yield [self.ask(agent) for agent in agents]
        for round in range(1, self.config.rounds + 1):
            if consensus(said):
                return "consensus"
            shown = self._presented(said)
            said = yield [self.ask(agent, round=round, seen=shown) for agent in agents]
        return "consensus" if consensus(said) else "rounds"

    def _presented(self, said: Iterable[Turn]) -> list[Turn]:
        groups = grouped(said)
        shown = groups if self.config.groups == "all" else groups[:2]
        return [turn for group in shown for turn in group]

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The question; from round 1 on with the digest of the round before."""
        prompts, form = self.config.prompts, ask.reply.instructions(question)
        if ask.shown:
            text = fill(
                prompts.further,
                question=question.prompt,
                count=len(ask.shown),
                digest=self._digest(ask),
                form=form,
            )
        else:
            text = fill(prompts.first, question=question.prompt, form=form)
        return chat(ask.agent.persona, self._examples(question, ask), text)

    def _digest(self, ask: Ask) -> str:
        parts = []
        for group in grouped(ask.shown):
            parts.append(
                fill(
                    self.config.prompts.group,
                    count=len(group),
                    total=len(ask.shown),
                    answer=one_line(group[0].answer or ""),
                )
            )
            parts += [quote(turn, own=ask.agent.name, named=False) for turn in group]
        return "\n\n".join(parts)

    def _examples(self, question: Question, ask: Ask) -> str:
        if ask.round == 0 and not self.config.convincing_first:
            return ""
        samples = samples_for(self.config.convincing, ask.agent.name, question, self.config.convincing_count)
        prompts = self.config.prompts
        told = [fill(prompts.example, **sample.model_dump()) for sample in samples]
        return fill(prompts.examples, examples="\n\n".join(told)) if told else ""

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """Weighted vote of the last round with an answer: argmax over a of the sum of f(p_k) over k with a_k = a."""
        return vote(last_round(turns), self._weight, rule="confidence-weighted")


def grouped(turns: Iterable[Turn]) -> list[list[Turn]]:
    """Returns the turns with an answer in groups of equal answers, largest first, ties by who spoke first."""
    turns = list(turns)
    groups = [[turn for turn in turns if turn.answer == answer] for answer in tally(turns)]
    return sorted(groups, key=len, reverse=True)
