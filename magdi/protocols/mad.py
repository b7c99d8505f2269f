"""MAD: an affirmative and a negative side argue, a moderator ends it when the answer is clear, else a judge decides.

Paper: Liang et al., "Encouraging Divergent Thinking in Large Language Models through Multi-Agent Debate" (EMNLP
2024).

Graph of r rounds, with aff_j, neg_j, mod_j for j = 1..r: E = {(aff_l, aff_j), (neg_l, aff_j) : l < j}
+ {(aff_l, neg_j) : l <= j} + {(neg_l, neg_j) : l < j} + {(aff_l, mod_j), (neg_l, mod_j) : l <= j}
+ {(mod_l, mod_j) : l < j}; 3 r nodes and 7 r (r + 1) / 2 - 4 r edges: 3/3, 6/13, 9/30. A judge adds two nodes
J1 <- {aff_i, neg_i} and J2 <- {aff_i, neg_i, J1} and five edges, where i = 1 for ``judge_sees: first`` and i = r for
``last``; after three rounds 11/35. Each side's newest words alone (view ``adjacent``): 7 r - 4.

Turns carry rounds 1..r, but for the opening statement aff_1, which is said before anything: round 0.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Literal

from pydantic import BaseModel, Field

from magdi.core.configurable import Repeats
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Discussion, Protocol, Wave, chat
from magdi.core.quotation import enclose
from magdi.core.reply import FreeAnswer, FreeText, ReplyFormat
from magdi.protocols.conversation import conversation
from magdi.protocols.forms import ModeratorVerdict
from magdi.protocols.templates import Templates, fill

AFFIRMATIVE, NEGATIVE, MODERATOR, JUDGE = "affirmative", "negative", "moderator", "judge"


class Prompts(Templates):
    """What the two sides, the moderator and the judge are asked."""

    rules: str = Field(
        "You take part in a debate about the question below. You need not agree with the other side; what counts is "
        "that the right answer is found.\n\n{question}",
        description="Before the first message of both sides: {question}.",
    )
    affirmative: str = Field(
        "State your answer and your reasons.\n\n{form}", description="The opening statement: {form} of the reply."
    )
    negative: str = Field(
        "The other side says:\n\n{statement}\n\nYou disagree with it. Give your own answer and your reasons.\n\n{form}",
        description="The negative side's first: {statement} of the affirmative side, {form}.",
    )
    reply: str = Field(
        "The other side says:\n\n{statement}\n\nDo you agree? Give your reasons and your answer.\n\n{form}",
        description="Each later statement: {statement} of the other side, {form}.",
    )
    again: str = Field(
        "The other side has nothing to say. Give your reasons and your answer once more.\n\n{form}",
        description="Where the other side's reply was of no use: {form}.",
    )
    moderator: str = Field(
        "You moderate a debate about the question below. After each round you say whether the right answer is clear; "
        "if it is, the debate ends with it.\n\n{question}",
        description="Before the moderator's first round: {question}.",
    )
    round: str = Field(
        "In this round they have said:\n\n{statements}\n\n{form}",
        description="The moderator's rounds: {statements} of both sides, {form}.",
    )
    candidates: str = Field(
        "Two sides have debated this question without an end.\n\n{question}\n\n{statements}\n\n"
        "List the different answers that were proposed, each with what speaks for it. Do not choose yet.",
        description="The judge's first task: {question}, {statements} of both sides.",
    )
    verdict: str = Field(
        "Two sides have debated this question without an end.\n\n{question}\n\n{statements}\n\n"
        "These are the answers to choose from:\n\n{candidates}\n\nChoose the right one, with reasons.\n\n{form}",
        description="The judge's second task: {question}, {statements}, {candidates}, {form}.",
    )


class Mad(Protocol):
    """Tit for tat before a moderator; a judge where it does not end."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `mad`."""

        rounds: Repeats = Field(3, ge=1, description="Most rounds.")
        judge_sees: Literal["first", "last"] = Field(
            "first", description="Statements that the judge is shown: the first (the authors' code) or the last ones."
        )
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Config

    @property
    def roles(self) -> tuple[str, ...]:
        """Both sides, the moderator and the judge."""
        return AFFIRMATIVE, NEGATIVE, MODERATOR, JUDGE

    def discuss(self, question: Question, agents: Sequence[Agent]) -> Discussion:
        """Rounds of affirmative, negative and moderator; then the judge, unless the moderator has decided.

        The roles go to the agents in this order, from the first again where there are fewer than four.
        """
        cast = {role: agents[i % len(agents)] for i, role in enumerate((AFFIRMATIVE, NEGATIVE, MODERATOR, JUDGE))}
        turns: list[Turn] = []
        for round in range(1, self.config.rounds + 1):
            for role in (AFFIRMATIVE, NEGATIVE, MODERATOR):
                turns += yield [self._ask(cast[role], role, round if turns else 0, turns)]
            if turns[-1].answer is not None:
                return "moderator decided"
        return (yield from self._judge(cast[JUDGE], turns))

    def _ask(self, agent: Agent, role: str, round: int, turns: Sequence[Turn]) -> Ask:
        moderates = role == MODERATOR
        seen = [turn for turn in turns if moderates or turn.role != MODERATOR]
        form: ReplyFormat = ModeratorVerdict() if moderates else FreeAnswer()
        return self.ask(agent, round=round, seen=seen, role=role, reply=form)

    def _judge(self, agent: Agent, turns: Sequence[Turn]) -> Generator[Wave, list[Turn], str]:
        sides = [[turn for turn in turns if turn.role == role] for role in (AFFIRMATIVE, NEGATIVE)]
        seen = [side[0 if self.config.judge_sees == "first" else -1] for side in sides]
        last = self.config.rounds
        if all(turn.status == "invalid" for turn in seen):
            return "nothing to judge"
        listed = yield [self.ask(agent, round=last, seen=seen, role=JUDGE, reply=FreeText(), note="candidates")]
        if listed[0].status == "invalid":
            return "no candidates"
        yield [self.ask(agent, round=last, seen=[*seen, *listed], role=JUDGE, reply=FreeAnswer(), note="verdict")]
        return "rounds"

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The whole chat of a side or of the moderator; the judge starts afresh."""
        if ask.role == JUDGE:
            return self._judges_prompt(question, ask)
        prompts, form = self.config.prompts, ask.reply.instructions(question)
        if ask.role == MODERATOR:
            opening = fill(prompts.moderator, question=question.prompt)
            if not ask.shown:  # nobody could be read, and there is no statement with which the form is told
                opening += f"\n\n{form}"
            return conversation(
                ask, opening, lambda new, said, last: fill(prompts.round, statements=_statements(new), form=form)
            )
        opening = fill(prompts.rules, question=question.prompt)
        if ask.role == AFFIRMATIVE or not ask.shown:
            opening += "\n\n" + fill(prompts.affirmative, form=form)

        def reaction(new: Sequence[Turn], said: int, last: bool) -> str:
            if not new:
                return fill(prompts.again, form=form)
            first = ask.role == NEGATIVE and said == 0
            return fill(prompts.negative if first else prompts.reply, statement=_statements(new), form=form)

        return conversation(ask, opening, reaction)

    def _judges_prompt(self, question: Question, ask: Ask) -> list[Message]:
        prompts = self.config.prompts
        sides = _statements([turn for turn in ask.shown if turn.role != JUDGE])
        listed = "\n\n".join(enclose("Your list", turn.text) for turn in ask.shown if turn.role == JUDGE)
        if ask.note == "candidates":
            return chat(ask.agent.persona, fill(prompts.candidates, question=question.prompt, statements=sides))
        form = ask.reply.instructions(question)
        values = {"question": question.prompt, "statements": sides, "candidates": listed, "form": form}
        return chat(ask.agent.persona, fill(prompts.verdict, **values))

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision:
        """The answer of the moderator or, failing that, of the judge; none where neither gave one."""
        final = next((turn for turn in reversed(turns) if turn.role in (MODERATOR, JUDGE) and turn.answer), None)
        if final is None:
            return Decision(rule=JUDGE)
        return Decision(answer=final.answer, rule=final.role, votes={final.answer or "": 1.0})


def _statements(turns: Sequence[Turn]) -> str:
    return "\n\n".join(enclose(f"{turn.role.capitalize()} side", turn.text) for turn in turns)
