"""A judge: one agent reads everybody's last words and answers for all."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from itertools import repeat
from typing import Any

from pydantic import BaseModel, Field

from magdi.core.decision import DecisionRule, last_words, tally, vote
from magdi.core.errors import ConfigError, did_you_mean
from magdi.core.mag import Decision, Message, Question, Turn
from magdi.core.protocol import Agent, Ask, Wave, chat, quote
from magdi.core.reply import FreeAnswer
from magdi.protocols.templates import Templates, fill

JUDGE = "judge"


class Prompts(Templates):
    """What the judge is asked."""

    judge: str = Field(
        "{question}\n\nThe discussion of this question has ended with these solutions:\n\n{solutions}\n\n"
        "You are the judge. Weigh them against each other, then say which answer is right.\n\n{form}",
        description="The only prompt: {question}, {solutions}, {form} of the reply.",
    )


class Judge(DecisionRule):
    """One more turn, whose answer is the discussion's; where it has none, the most frequent last answer is."""

    class Config(BaseModel, extra="forbid", frozen=True):
        """Settings of `judge`."""

        agent: str = Field(
            "", description="Who judges; the first who spoke when left out, and where it has said nothing."
        )
        prompts: Prompts = Field(Prompts(), description="Templates of the prompts.")

    config: Any

    def check(self, agents: Collection[str]) -> None:
        """Looks whether the judge takes part.

        Raises:
            ConfigError: It does not.
        """
        name = self.config.agent
        if name and name not in agents:
            raise ConfigError(f"discussion.decision.agent: no agent {name!r}", hint=did_you_mean(name, agents))

    def decide(self, question: Question, turns: Sequence[Turn]) -> Decision | Generator[Wave, list[Turn], Decision]:
        """Asks the judge, unless there is nothing to judge: no answer, or one that all agree on."""
        words = sorted(last_words(turns), key=lambda turn: turn.step)
        return self._ask(words, turns) if len(tally(words)) > 1 else vote(words, rule=JUDGE)

    def _ask(self, words: Sequence[Turn], turns: Sequence[Turn]) -> Generator[Wave, list[Turn], Decision]:
        agents = [turn.agent for turn in turns]
        name = self.config.agent if self.config.agent in agents else agents[0]
        ask = Ask(
            agent=Agent(name),
            round=1 + max(turn.round for turn in turns),
            shown=tuple(words),
            kinds=tuple(repeat("content", len(words))),
            role=JUDGE,
            reply=FreeAnswer(),
        )
        said = yield [ask]
        return vote(said, rule=JUDGE) if said[0].answer is not None else vote(words, rule="plurality")

    def prompt(self, question: Question, ask: Ask) -> list[Message]:
        """The question and everybody's last words, without names."""
        solutions = "\n\n".join(quote(turn, named=False) for turn in ask.shown)
        form = ask.reply.instructions(question)
        told = fill(self.config.prompts.judge, question=question.prompt, solutions=solutions, form=form)
        return chat(ask.agent.persona, told)
